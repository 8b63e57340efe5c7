/// The lab's own seal: what takes the place of Microsoft's in lab mode, so that everything can be tried and no Windows
/// machine can be activated by it.
///
///     seal file     32 hexadecimal digits, made at random by every appliance for itself
///     sealing key   AES-128-CMAC under those over the ASCII text "muster-lab"
///     seal          AES-128-CMAC under the sealing key over everything before it
///
/// The derivation is the point: whatever somebody writes into the file, no key can be chosen by anybody.
/// @source docs/kms.md, "The lab's seal"; RFC 4493 (AES-CMAC)
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "muster/result.h"
#include "muster/types.h"

#include "kms/body.h"

namespace muster::kms {

/// What is in a seal file. Cleared when it goes.
class SealFileKey {
public:
    static constexpr std::size_t kSize = 16;

    explicit SealFileKey(std::span<const std::byte, kSize> octets) noexcept;
    ~SealFileKey();
    SealFileKey(const SealFileKey&) = default;
    SealFileKey& operator=(const SealFileKey&) = default;

    /// 32 hexadecimal digits, nothing else but one newline at the end.
    static std::optional<SealFileKey> parse(std::string_view text) noexcept;
    std::span<const std::byte, kSize> octets() const noexcept { return octets_; }
    /// As parse() takes it, without a newline.
    std::string text() const;

private:
    std::array<std::byte, kSize> octets_;
};

/// @error missing    there is no such file
/// @error denied     it is no regular file, or others may read it: the mode must be 0600
/// @error malformed  not 32 hexadecimal digits
/// @error storage    the system's words
Result<SealFileKey> readSealFile(const std::string& path);

/// As readSealFile(); makes the file from the system's random numbers where it is missing, durably and in one step:
/// two at once end with the same key, and what is there is never replaced.
Result<SealFileKey> openSealFile(const std::string& path);

/// Seals and checks. Keyed once: a call costs the blocks of its text and no more.
/// @thread one at a time; the lab keeps one for each reactor
class LabSeal {
public:
    /// @error internal  mbedTLS was built without AES-CMAC
    static Result<LabSeal> make(const SealFileKey& key);
    LabSeal(LabSeal&&) noexcept;
    LabSeal& operator=(LabSeal&&) noexcept;
    ~LabSeal();

    /// Writes the seal into the last 16 octets of a body.
    /// @return  false where mbedTLS fails or `body` has no room: then nothing may be sent
    [[nodiscard]] bool seal(std::span<std::byte> body) noexcept;
    /// Whether the last 16 octets of `body` are its seal. Takes the same time wherever they differ.
    [[nodiscard]] bool isSealed(Octets body) noexcept;

private:
    struct Context;
    explicit LabSeal(std::unique_ptr<Context> context) noexcept;
    bool compute(Octets covered, Seal& out) noexcept;

    std::unique_ptr<Context> context_;
};

}  // namespace muster::kms
