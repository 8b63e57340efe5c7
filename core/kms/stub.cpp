#include "kms/stub.h"

#include <cstring>
#include <limits>

namespace muster::kms {

namespace {

constexpr std::size_t kWord = 4;
constexpr std::size_t kRequestHead = 2 * kWord;  // length, max_count
constexpr std::size_t kAnswerHead = 3 * kWord;   // length, referent, max_count

std::uint32_t word(Octets stub, std::size_t index, ByteOrder order) noexcept {
    return load<std::uint32_t>(stub.data() + index * kWord, order);
}

bool fitsAWord(std::size_t size) noexcept {
    return size <= std::numeric_limits<std::uint32_t>::max();
}

void copyBody(Octets body, std::byte* to) noexcept {
    if (!body.empty())
        std::memcpy(to, body.data(), body.size());
}

}  // namespace

const char* text(StubError error) noexcept {
    switch (error) {
        case StubError::truncated:
            return "it ends before its own length says";
        case StubError::countMismatch:
            return "its length and its array count differ";
        case StubError::missingPointer:
            return "it gives a length but no octets";
    }
    return "it is malformed";
}

tl::expected<Octets, StubError> decodeRequestStub(Octets stub, ByteOrder order) noexcept {
    if (stub.size() < kRequestHead)
        return tl::unexpected(StubError::truncated);
    const std::uint32_t length = word(stub, 0, order);
    if (word(stub, 1, order) != length)
        return tl::unexpected(StubError::countMismatch);
    if (length > stub.size() - kRequestHead)
        return tl::unexpected(StubError::truncated);
    return stub.subspan(kRequestHead, length);
}

tl::expected<AnswerStub, StubError> decodeAnswerStub(Octets stub, ByteOrder order) noexcept {
    if (stub.size() < kRefusalStubSize)
        return tl::unexpected(StubError::truncated);
    const std::uint32_t length = word(stub, 0, order);
    AnswerStub answer;
    if (word(stub, 1, order) == 0) {
        if (length != 0)
            return tl::unexpected(StubError::missingPointer);
        answer.result = static_cast<HResult>(word(stub, 2, order));
        return answer;
    }
    if (word(stub, 2, order) != length)
        return tl::unexpected(StubError::countMismatch);
    if (length > stub.size() - kAnswerHead)
        return tl::unexpected(StubError::truncated);
    const std::size_t padded = (std::size_t{length} + kWord - 1) / kWord * kWord;  // the stub begins aligned
    if (stub.size() - kAnswerHead < padded + kWord)
        return tl::unexpected(StubError::truncated);
    answer.hasBody = true;
    answer.body = stub.subspan(kAnswerHead, length);
    answer.result = static_cast<HResult>(load<std::uint32_t>(stub.data() + kAnswerHead + padded, order));
    return answer;
}

std::size_t encodeRequestStub(Octets body, std::span<std::byte> out) noexcept {
    const std::size_t size = requestStubSize(body.size());
    if (out.size() < size || !fitsAWord(body.size()))
        return 0;
    const auto length = static_cast<std::uint32_t>(body.size());
    store(out.data(), length);
    store(out.data() + kWord, length);
    copyBody(body, out.data() + kRequestHead);
    return size;
}

std::size_t encodeAnswerStub(Octets body, std::span<std::byte> out) noexcept {
    const std::size_t size = answerStubSize(body.size());
    if (out.size() < size || !fitsAWord(body.size()))
        return 0;
    const auto length = static_cast<std::uint32_t>(body.size());
    store(out.data(), length);
    store(out.data() + kWord, kReferent);
    store(out.data() + 2 * kWord, length);
    copyBody(body, out.data() + kAnswerHead);
    std::memset(out.data() + kAnswerHead + length, 0, size - kAnswerHead - length);  // pad and HRESULT 0
    return size;
}

std::size_t encodeRefusalStub(HResult code, std::span<std::byte> out) noexcept {
    if (out.size() < kRefusalStubSize)
        return 0;
    store(out.data(), std::uint32_t{0});
    store(out.data() + kWord, std::uint32_t{0});
    store(out.data() + 2 * kWord, static_cast<std::uint32_t>(code));
    return kRefusalStubSize;
}

}  // namespace muster::kms
