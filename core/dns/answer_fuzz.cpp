/// What a name server sends back: the first octet chooses the question, the rest is the message, its id put right so
/// that the fuzzer gets past the first check.
#include <algorithm>
#include <span>
#include <vector>

#include "dns/message.h"

using namespace muster;
using namespace muster::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3)
        return 0;
    const Question question = data[0] % 3 == 0
                                  ? Question{"_vlmcs._tcp.example.org", Type::srv, 0x1234}
                                  : Question{"kms.example.org", data[0] % 3 == 1 ? Type::a : Type::aaaa, 0x1234};
    std::vector<std::uint8_t> message(data + 1, data + size);
    message[0] = 0x12;
    message[1] = 0x34;
    const auto answer = readAnswer(std::as_bytes(std::span(message)), question);
    if (!answer)
        return 0;
    const bool sound = answer->services.size() <= kMaxServices && answer->addresses.size() <= kMaxAddresses &&
                       plainName(answer->name).has_value() && answer->ttl.count() >= 0 &&
                       std::all_of(answer->services.begin(), answer->services.end(), [](const Service& service) {
                           return service.port != 0 && plainName(service.target) == service.target;
                       });
    if (!sound)
        __builtin_trap();
    return 0;
}
