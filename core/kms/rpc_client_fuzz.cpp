/// What one server sends to our client, which binds and then calls again after each answer.
#include <array>
#include <cstdint>

#include "kms/rpc_client.h"
#include "kms/stub.h"

using namespace muster;
using namespace muster::kms;

namespace {

void insist(bool condition) {
    if (!condition)
        __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Step = ClientAssociation::Step;
    Octets stream = std::as_bytes(std::span(data, size));
    std::array<std::byte, 1024> room;
    const std::array<std::byte, 260> stub{};
    ClientAssociation client({.ndr64 = true, .features = true});
    Writer out(room);
    client.bind(out);
    for (;;) {
        const auto progress = client.advance(stream);
        insist(progress.consumed <= stream.size());
        if (progress.step == Step::starved || progress.step == Step::refused || progress.step == Step::broken)
            return 0;
        insist(progress.consumed >= kHeaderSize);
        if (progress.step == Step::response) {
            insist(client.stub().size() <= ClientAssociation::kMaxAnswer);
            decodeAnswerStub(client.stub(), client.order());
        }
        stream = stream.subspan(progress.consumed);
        if (progress.step == Step::went)
            continue;
        Writer next(room);
        client.call(0, stub, next);
        insist(client.maxFragment() < 300 || next.ok());
    }
}
