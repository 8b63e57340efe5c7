/// The bytes of one exchange as a Windows 7 client and a host of that generation send them, made once and patched per
/// exchange. They are written out here, without core/kms, so that the bench also judges core/kms.
/// @source docs/kms.md; C706 chapter 12, [MS-RPCE] 2.2.2
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "muster/types.h"

namespace muster::bench {

constexpr std::size_t kBindSize = 160;      // three presentation contexts
constexpr std::size_t kBindAckSize = 108;   // its answer, secondary address "1688"
constexpr std::size_t kRequestSize = 284;   // header 24, length and max_count 8, body 252
constexpr std::size_t kResponseSize = 200;  // with an ePID of 98 octets
constexpr std::size_t kBodyOffset = 32;     // of the body in a request
constexpr std::size_t kSealedSize = 236;    // octets of a request body that its seal covers

/// PDU types of C706 12.6 that the bench meets.
enum class PduType : std::uint8_t { request = 0, response = 2, fault = 3, bind = 11, bindAck = 12, bindNak = 13 };

constexpr std::size_t kHeaderSize = 16;
/// Little-endian reads and writes at `offset`; the caller has checked the size.
std::uint16_t read16(const std::byte* at) noexcept;
std::uint32_t read32(const std::byte* at) noexcept;
void write32(std::byte* at, std::uint32_t value) noexcept;

/// A bind for the KMS interface: NDR32, NDR64 and bind-time feature negotiation, call id 1.
std::array<std::byte, kBindSize> bindPdu() noexcept;
/// What a host of the 2008 R2 generation answers: NDR32 accepted, NDR64 refused, features acknowledged.
std::array<std::byte, kBindAckSize> bindAckPdu() noexcept;
/// A granted answer with zero CMID, time and seal.
std::array<std::byte, kResponseSize> responsePdu() noexcept;
/// Makes of it the answer to `request`: its call id, CMID and client time. The seal stays zero.
/// @param request  a whole PDU; where it is too short to be a request as RequestMaker writes it, only its call id is
/// used
void answerTo(std::span<const std::byte> request, std::span<std::byte, kResponseSize> response) noexcept;

/// AES-128-CMAC under the lab's sealing key, one keyed context kept.
class Seal {
public:
    using Mac = std::array<std::byte, 16>;

    /// Under `key` itself.
    explicit Seal(const Mac& key);
    Seal(const Seal&) = delete;
    Seal& operator=(const Seal&) = delete;
    ~Seal();

    /// The sealing key that belongs to 32 hexadecimal digits: AES-128-CMAC over "muster-lab" under them.
    /// Nothing when the text has another shape.
    static std::optional<Mac> sealingKey(std::string_view hexDigits);
    Mac over(std::span<const std::byte> octets);

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

/// The CMID of simulated client `number`: spread over all 128 bits, the same in every run.
Guid cmidOf(std::uint64_t number) noexcept;
/// Writes the request of client `number` into `pdu`, sealed when `seal` is not null.
class RequestMaker {
public:
    RequestMaker();
    void write(std::span<std::byte, kRequestSize> pdu, std::uint64_t number, std::uint32_t callId, FileTime now,
               Seal* seal) const;

private:
    std::array<std::byte, kRequestSize> template_;
};

}  // namespace muster::bench
