/// A body from the network, read as a request and as an answer. What was read from a version 4 body and written again
/// must read the same; a machine name stays UTF-8 that fits.
#include <array>
#include <cstdint>

#include "kms/body.h"
#include "kms/utf16.h"

using namespace muster;
using namespace muster::kms;

namespace {

void insist(bool condition) {
    if (!condition)
        __builtin_trap();
}

void readRequest(Octets body) {
    ActivationRequest request;
    if (!decodeRequest(body, request)) {
        insist(request.cmid.isZero() && request.machine.empty());
        return;
    }
    if (request.isOpaque()) {
        insist(body.size() == kOpaqueRequestSize);
        return;
    }
    std::array<std::byte, Request4::kSize> written{};
    encodeRequest(request, written);
    insist(std::memcmp(written.data(), body.data(), Request4::kMachineName) == 0);
    ActivationRequest again;
    insist(decodeRequest(written, again).has_value());
    if (utf16Units(request.machine.view()) < 64)
        insist(again.machine.view() == request.machine.view());
}

void readAnswer(Octets body) {
    ActivationAnswer answer;
    if (!decodeAnswer(body, answer) || answer.major >= 5)
        return;
    if (utf16Units(answer.epid) > 63)
        return;  // without a terminator: read, but never written
    std::array<std::byte, Answer4::kMaxSize> written{};
    const std::size_t size = encodeAnswer(answer, written);
    insist(size != 0 && size <= body.size() + 2);  // a terminator, where there was none
    ActivationAnswer again;
    insist(decodeAnswer(Octets(written).first(size), again).has_value());
    insist(again.epid == answer.epid && again.cmid == answer.cmid && again.clientTime == answer.clientTime);
    insist(again.count == answer.count && again.renewalInterval == answer.renewalInterval);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets body(reinterpret_cast<const std::byte*>(data), size);
    readRequest(body);
    readAnswer(body);
    return 0;
}
