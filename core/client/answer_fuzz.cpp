/// What a host sends back, from the answer's stub to the machine's new state.
#include "client/network.h"
#include "client/report.h"
#include "client/windows_client.h"

using namespace muster;
using namespace muster::client;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Edition product = products("win7", {})->front();
    Profile profile;
    profile.name = "PC";
    profile.product = product;
    WindowsClient machine(profile, Minutes{0});
    const Reply reply = readReply(std::as_bytes(std::span(data, size)), kms::ByteOrder::little, nullptr);
    // The fuzzer cannot know CMID and time: the machine asks for what the answer says, so that its state is reached.
    ActivationRequest request = machine.request(Minutes{0}, Timestamp{});
    request.cmid = reply.answer.cmid;
    request.clientTime = reply.answer.clientTime;
    const Attempt attempt = reply.kind == Reply::Kind::answer ? machine.onAnswer(request, reply.answer, Minutes{0})
                                                              : machine.onRefusal(reply.code, Minutes{0});
    const Event event{machine, request, attempt, "host", reply.detail, Minutes{0}};
    const std::string shown = line(event) + info12288(event) + info12289(event);
    if (machine.due() < kShortestInterval || machine.due() > kLongestInterval || shown.size() > 4096)
        __builtin_trap();  // a host cannot make a machine ask in a loop, fall silent, or flood a terminal
    return 0;
}
