/// The parameters of the one KMS operation as NDR 2.0 octets, between the header of a request or response PDU and the
/// KMS body.
///
///     request                       answer                        refusal
///     length        4               length        4               length = 0   4
///     max_count     4  = length     referent      4  not 0        referent = 0 4
///     body          length          max_count     4  = length     HRESULT      4
///                                   body          length
///                                   pad           0 to 3
///                                   HRESULT       4
///
/// @source docs/kms.md, "The stub"; C706 14.3 (NDR: conformant arrays 14.3.3.2, full pointers 14.3.10.2)
/// @thread any; pure
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tl/expected.hpp"

#include "muster/types.h"

#include "kms/octets.h"

namespace muster::kms {

enum class StubError : std::uint8_t {
    truncated,       ///< fewer octets than the lengths in it promise
    countMismatch,   ///< max_count is not the length
    missingPointer,  ///< a length, but a null pointer where the octets should be
};
/// One clause for a log line: "it ends before its own length says".
const char* text(StubError error) noexcept;

/// What the server reads.
/// @param stub   the stub of a whole request (fragments joined, auth trailer removed). What follows the body is
///               ignored: clients pad
/// @param order  of the PDU that it came in
/// @return       the KMS body, a view into `stub`; may be empty, and says nothing yet of what is in it
tl::expected<Octets, StubError> decodeRequestStub(Octets stub, ByteOrder order) noexcept;

/// What the client reads.
struct AnswerStub {
    Octets body;                   ///< a view into the stub; empty for a refusal
    HResult result = HResult::ok;  ///< as the host returned it
    bool hasBody = false;          ///< the pointer was there
};
/// Any referent value but 0 is taken. A refusal may come with or without a pointer.
tl::expected<AnswerStub, StubError> decodeAnswerStub(Octets stub, ByteOrder order) noexcept;

/// The referent that answers carry: the first one that Windows' own run time gives out. Nobody may depend on it.
constexpr std::uint32_t kReferent = 0x0002'0000;

constexpr std::size_t requestStubSize(std::size_t body) noexcept {
    return 8 + body;
}
constexpr std::size_t answerStubSize(std::size_t body) noexcept {
    return 12 + (body + 3) / 4 * 4 + 4;
}
constexpr std::size_t kRefusalStubSize = 12;

/// The encoders write little-endian, and return how much they wrote: 0 if `out` is too small.
/// @param body  at most 64 KiB
std::size_t encodeRequestStub(Octets body, std::span<std::byte> out) noexcept;
/// An answer with HRESULT 0. @param body  not inside `out`
std::size_t encodeAnswerStub(Octets body, std::span<std::byte> out) noexcept;
/// A refusal: no body, only the HRESULT.
std::size_t encodeRefusalStub(HResult code, std::span<std::byte> out) noexcept;

}  // namespace muster::kms
