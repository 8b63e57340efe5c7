/// The first octet chooses byte order and direction, the rest is the stub. What was read must lie inside the stub, and
/// what is written from it must read the same.
#include <cstdint>
#include <vector>

#include "kms/stub.h"

using namespace muster;
using namespace muster::kms;

namespace {

void insist(bool condition) {
    if (!condition)
        __builtin_trap();
}

bool inside(Octets part, Octets whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

bool same(Octets a, Octets b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const ByteOrder order = (*data & 1U) != 0 ? ByteOrder::big : ByteOrder::little;
    const Octets stub(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
    std::vector<std::byte> out(stub.size() + 32);
    if ((*data & 2U) == 0) {
        const auto body = decodeRequestStub(stub, order);
        if (!body)
            return *text(body.error()) == '\0';
        insist(inside(*body, stub));
        const std::size_t written = encodeRequestStub(*body, out);
        insist(written == requestStubSize(body->size()));
        insist(same(*body, decodeRequestStub(Octets(out).first(written), ByteOrder::little).value()));
        return 0;
    }
    const auto answer = decodeAnswerStub(stub, order);
    if (!answer)
        return *text(answer.error()) == '\0';
    insist(inside(answer->body, stub));
    insist(answer->hasBody || answer->body.empty());
    const std::size_t written =
        answer->hasBody ? encodeAnswerStub(answer->body, out) : encodeRefusalStub(answer->result, out);
    insist(written != 0);
    const auto again = decodeAnswerStub(Octets(out).first(written), ByteOrder::little);
    insist(again.has_value() && same(answer->body, again->body));
    insist(answer->hasBody || again->result == answer->result);
    return 0;
}
