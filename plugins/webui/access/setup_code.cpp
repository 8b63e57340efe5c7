#include "setup_code.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>

#include "muster/private_file.h"

#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::string_view kAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";  // no 0 O, 1 I
constexpr std::size_t kLength = 16;
constexpr std::size_t kGroup = 4;
constexpr std::size_t kLongestFile = 64;                 // octets
constexpr std::size_t kLongestTyped = 64;                // octets
constexpr std::string_view kAccount = "the setup code";  // no user's name: it has blanks

static_assert(kAlphabet.size() == 32);

std::string grouped(std::string_view code) {
    std::string out;
    for (std::size_t i = 0; i < code.size(); i += kGroup) {
        out += i == 0 ? "" : "-";
        out += code.substr(i, kGroup);
    }
    return out;
}

std::string canonical(std::string_view typed) {
    std::string out;
    for (const char c : typed.substr(0, kLongestTyped)) {
        if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return out;
}

}  // namespace

Result<void> SetupCode::prepare(bool hasUsers) {
    if (hasUsers)
        return spend();
    const std::lock_guard lock(mutex_);
    const auto text = readPrivateFile(path_, kLongestFile);
    if (text) {
        std::string code = canonical(*text);
        if (code.size() != kLength || code.find_first_not_of(kAlphabet) != std::string::npos)
            return fail(Code::malformed, path_, "holds no setup code; move it away, and a new one is made");
        code_ = std::move(code);
        return {};
    }
    if (text.error().code != Code::missing)
        return fail(text.error());
    std::string code = randomText(kAlphabet, kLength);
    if (auto written = writePrivateFile(path_, grouped(code) + "\n"); !written)
        return written;
    code_ = std::move(code);
    return {};
}

std::optional<std::string> SetupCode::show() const {
    const std::lock_guard lock(mutex_);
    return code_.empty() ? std::nullopt : std::optional(grouped(code_));
}

SetupCode::Check SetupCode::check(std::string_view typed, const Address& from) {
    {
        const std::lock_guard lock(mutex_);
        if (code_.empty())
            return {Verdict::none, {}};
    }
    auto admission = throttle_.reserve(from, kAccount, false);
    if (!admission.attempt)
        return {Verdict::throttled, admission.wait};
    const std::lock_guard lock(mutex_);
    if (code_.empty() || !sameSecret(code_, canonical(typed)))
        return {Verdict::wrong, {}};
    admission.attempt->release();
    return {Verdict::right, {}};
}

Result<void> SetupCode::spend() {
    const std::lock_guard lock(mutex_);
    wipe(code_);
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
        return fail(Code::storage, path_,
                    "the spent setup code cannot be removed: " + std::generic_category().message(errno));
    return {};
}

}  // namespace muster::webui
