#include <algorithm>
#include <array>

#include "api/text.h"
#include "common_passwords.h"
#include "password.h"
#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::size_t kMinWord = 4;  // shorter ones are in every second sentence

/// What a person thinks of first on this product's page; longer ones before those that they contain.
constexpr std::array<std::string_view, 18> kProductWords{
    "administrator", "activation", "appliance", "microsoft", "password", "passwort", "operator", "windows", "welcome",
    "changeme",      "licence",    "license",   "muster",    "viewer",   "server",   "relay",    "admin",   "kms"};

/// Ways along the alphabet and the keyboard; also walked backwards.
constexpr std::array<std::string_view, 7> kRuns{"01234567890123456789012345678901234567890",
                                                "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
                                                "1234567890qwertyuiopasdfghjklzxcvbnm1234567890",
                                                "1234567890qwertzuiopasdfghjklyxcvbnm1234567890",
                                                "1234567890azertyuiopqsdfghjklmwxcvbn1234567890",
                                                "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
                                                "qwertyuiop[]asdfghjkl;'zxcvbnm,./"};

bool isLetter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

std::size_t codePoints(std::string_view utf8) noexcept {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

/// Without the digits and signs before the first letter and after the last.
std::string_view core(std::string_view text) noexcept {
    const auto first = std::find_if(text.begin(), text.end(), isLetter);
    const auto last = std::find_if(text.rbegin(), text.rend(), isLetter).base();
    return first >= last
               ? std::string_view()
               : text.substr(static_cast<std::size_t>(first - text.begin()), static_cast<std::size_t>(last - first));
}

bool isRun(std::string_view text) {
    const std::string backwards(text.rbegin(), text.rend());
    return std::any_of(kRuns.begin(), kRuns.end(), [&](std::string_view run) {
        return run.find(text) != std::string_view::npos || run.find(backwards) != std::string_view::npos;
    });
}

/// "abcabcabcabc", also "abcabcabcab".
bool repeatsItself(std::string_view text) noexcept {
    for (std::size_t period = 1; period * 2 <= text.size(); ++period)
        if (text.substr(period) == text.substr(0, text.size() - period))
            return true;
    return false;
}

bool removeAll(std::string& text, std::string_view word) {
    bool found = false;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word)) {
        text.replace(at, word.size(), " ");
        found = true;
    }
    return found;
}

bool isOnlyNamesAndDigits(std::string_view lowered, std::string_view user) {
    std::string left(lowered);
    bool found = !user.empty() && removeAll(left, lowerAscii(user));
    for (const std::string_view word : kProductWords)
        found = removeAll(left, word) || found;
    return found && std::none_of(left.begin(), left.end(), isLetter);
}

}  // namespace

Result<void> judgePassword(std::string_view password, std::string_view user) {
    const auto refuse = [](std::string why) { return fail(Code::malformed, "password", std::move(why)); };
    if (password.size() > kMaxPasswordOctets)
        return refuse("at most " + std::to_string(kMaxPassword) + " characters, please");
    if (!api::isUtf8(password))
        return refuse("this is no UTF-8");
    if (std::any_of(password.begin(), password.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
        return refuse("it contains a control character, such as a line break or a tab");
    const std::size_t length = codePoints(password);
    if (length < kMinPassword || length > kMaxPassword)
        return refuse(std::to_string(length) + " characters; " + std::to_string(kMinPassword) + " to " +
                      std::to_string(kMaxPassword) + ", please");
    const std::string lowered = lowerAscii(password);
    const std::string_view inner = core(lowered);
    if (isCommonPassword(lowered))
        return refuse("this is one of the commonest passwords; take another one");
    if (inner.size() >= kMinWord && (isCommonPassword(inner) || isRun(inner)))
        return refuse("this is one of the commonest passwords with digits or signs around it; take another one");
    if (isRun(lowered))
        return refuse("this is a way along the keyboard or the alphabet; take another one");
    if (repeatsItself(lowered) || (inner.size() >= kMinWord && repeatsItself(inner)))
        return refuse("this repeats itself; take another one");
    if (isOnlyNamesAndDigits(lowered, user))
        return refuse("beside digits and signs this is only the user's name or this product's words; take another one");
    return {};
}

}  // namespace muster::webui
