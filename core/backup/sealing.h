/// Encryption under a password: libsodium's argon2id for the key, its secretstream (XChaCha20-Poly1305) for the rest.
///
/// On the disk: "MSTRBKP1", the length of the head (4 octets, big-endian), the head (JSON: the summary, salt and cost
/// of the key), the stream's own header, then pieces of 64 KiB, each with its proof. The head is proved with every
/// piece; the last piece is marked, so that a file that was cut is found out.
/// @thread any; making a key takes a second and 64 MiB
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "muster/json.h"
#include "muster/result.h"

#include "backup/files.h"

namespace muster::backup {

inline constexpr std::string_view kSealedMagic = "MSTRBKP1";
constexpr std::size_t kShortestPassword = 12;  ///< octets
constexpr std::size_t kLongestPassword = 256;

/// A key from a password, with what must be known to make it again.
class SealKey {
public:
    static constexpr std::size_t kSize = 32;

    SealKey() = default;
    ~SealKey();
    SealKey(const SealKey&) = delete;
    SealKey& operator=(const SealKey&) = delete;

    /// With a new salt. @param head  gets salt, cost and what shows a wrong password
    /// @error storage  no memory for it
    Result<void> make(std::string_view password, Json& head);
    /// The one that was made with `head`.
    /// @error denied     the password is another
    /// @error malformed  the head is none, or asks for more time or memory than Muster ever uses
    Result<void> makeAgain(std::string_view password, const Json& head);

    const std::array<unsigned char, kSize>& octets() const noexcept { return octets_; }

private:
    Result<void> derive(std::string_view password, const std::array<unsigned char, 16>& salt, std::uint64_t operations,
                        std::size_t memory, std::string& check);

    std::array<unsigned char, kSize> octets_{};
};

/// Encrypts what it is given. finish() ends the stream and finishes `next`.
/// @param head  as SealKey::make() left it; written first
std::unique_ptr<ByteSink> seal(ByteSink& next, const SealKey& key, const Json& head);

/// The head of what begins with kSealedMagic, which was read already.
struct SealedHead {
    Json json;
    std::string raw;  ///< magic, length and text
};
Result<SealedHead> readSealedHead(ByteSource& source);

/// Decrypts what follows the head. @error malformed  damaged, cut or longer than it should be: says where
std::unique_ptr<ByteSource> unseal(ByteSource& source, const SealKey& key, const SealedHead& head);

}  // namespace muster::backup
