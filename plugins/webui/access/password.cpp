#include "password.h"

#include <argon2.h>
#include <charconv>

#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kSalt = 16;        // octets
constexpr std::size_t kHash = 32;        // octets
constexpr std::size_t kSaltText = 22;    // base64 characters without padding
constexpr std::size_t kHashText = 43;    // the same
constexpr std::uint32_t kMinMemory = 8;  // KiB; Argon2's own least for one lane
constexpr std::uint32_t kMaxMemory = 128 * 1024;
constexpr std::uint32_t kMaxPasses = 16;

bool take(std::string_view& text, std::string_view start) noexcept {
    if (!text.starts_with(start))
        return false;
    text.remove_prefix(start.size());
    return true;
}

std::optional<std::uint32_t> takeNumber(std::string_view& text) noexcept {
    std::uint32_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || text.front() == '0')
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

bool takeBase64(std::string_view& text, std::size_t count) noexcept {
    if (text.size() < count || text.substr(0, count).find_first_not_of(kBase64) != std::string_view::npos)
        return false;
    text.remove_prefix(count);
    return true;
}

std::string parameters(const PasswordCost& cost) {
    return "$argon2id$v=19$m=" + std::to_string(cost.memory) + ",t=" + std::to_string(cost.passes) + ",p=1$";
}

/// The hash of no password: as dear to check against as any other. The last characters carry unused bits, which are 0.
std::string nobodysHash(const PasswordCost& cost) {
    return parameters(cost) + randomText(kBase64, kSaltText - 1) + "A$" + randomText(kBase64, kHashText - 1) + "A";
}

tl::unexpected<Error> tooBusy() {
    return fail(Code::busy, "password check", "too many at once; try again in a few seconds");
}

tl::unexpected<Error> argonError(int problem) {
    if (problem == ARGON2_MEMORY_ALLOCATION_ERROR)
        return fail(Code::busy, "password check", "no memory for it now; try again in a few seconds");
    return fail(Code::internal, "password check", std::string("Argon2 says: ") + argon2_error_message(problem));
}

}  // namespace

std::optional<PasswordCost> costOf(std::string_view encoded) noexcept {
    if (!take(encoded, "$argon2id$v=19$m="))
        return std::nullopt;
    const auto memory = takeNumber(encoded);
    if (!memory || !take(encoded, ",t="))
        return std::nullopt;
    const auto passes = takeNumber(encoded);
    if (!passes || !take(encoded, ",p=1$") || !takeBase64(encoded, kSaltText) || !take(encoded, "$") ||
        !takeBase64(encoded, kHashText) || !encoded.empty() || *memory < kMinMemory || *memory > kMaxMemory ||
        *passes > kMaxPasses)
        return std::nullopt;
    return PasswordCost{*memory, *passes};
}

PasswordHasher::PasswordHasher(PasswordCost cost, Limits limits)
    : cost_(cost), nobody_(nobodysHash(cost)), gate_(limits.inside, limits.waiting, limits.patience) {}

Result<std::string> PasswordHasher::hash(std::string_view password) {
    const auto pass = gate_.enter();
    if (!pass)
        return tooBusy();
    const std::string salt = randomOctets(kSalt);
    std::string encoded(argon2_encodedlen(cost_.passes, cost_.memory, 1, kSalt, kHash, Argon2_id), '\0');
    const int problem = argon2id_hash_encoded(cost_.passes, cost_.memory, 1, password.data(), password.size(),
                                              salt.data(), salt.size(), kHash, encoded.data(), encoded.size());
    if (problem != ARGON2_OK)
        return argonError(problem);
    encoded.resize(encoded.find('\0'));
    return encoded;
}

Result<bool> PasswordHasher::matches(std::string_view password, std::string_view encoded) {
    if (!costOf(encoded))
        return fail(Code::malformed, "password check", "what is kept of the password is no Argon2id text");
    const auto pass = gate_.enter();
    if (!pass)
        return tooBusy();
    // Longer ones can never be right, and need not cost more than others.
    const bool possible = password.size() <= kMaxPasswordOctets;
    password = password.substr(0, kMaxPasswordOctets);
    const int problem = argon2id_verify(std::string(encoded).c_str(), password.data(), password.size());
    if (problem != ARGON2_OK && problem != ARGON2_VERIFY_MISMATCH)
        return argonError(problem);
    return possible && problem == ARGON2_OK;
}

Result<bool> PasswordHasher::matchesNobody(std::string_view password) {
    auto matched = matches(password, nobody_);
    if (matched)
        *matched = false;
    return matched;
}

bool PasswordHasher::needsRehash(std::string_view encoded) const noexcept {
    return costOf(encoded) != cost_;
}

}  // namespace muster::webui
