#include "server/policy.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace muster::webui {

namespace {

constexpr std::size_t kMaxHost = 255;

bool same(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
    });
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// Calls `each` with what stands between separators.
template <class Each>
void split(std::string_view text, char separator, Each each) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        each(trimmed(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

const Headers& securityHeaders(Content content) {
    static const std::array<Headers, 3> kHeaders = [] {
        static constexpr const char* kPolicies[] = {
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"};
        std::array<Headers, 3> all;
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = {
                {"Content-Security-Policy", kPolicies[i]},
                {"Cross-Origin-Opener-Policy", "same-origin"},
                {"Cross-Origin-Resource-Policy", "same-origin"},
                {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
                {"Referrer-Policy", "no-referrer"},
                {"Strict-Transport-Security", "max-age=31536000"},
                {"X-Content-Type-Options", "nosniff"},
                {"X-Frame-Options", "DENY"},
            };
        return all;
    }();
    return kHeaders[static_cast<std::size_t>(content)];
}

std::string_view sessionOf(std::string_view cookies) noexcept {
    std::string_view found;
    bool twice = false;
    split(cookies, ';', [&](std::string_view pair) {
        if (pair.size() <= kCookie.size() || pair.substr(0, kCookie.size()) != kCookie || pair[kCookie.size()] != '=')
            return;
        const std::string_view value = pair.substr(kCookie.size() + 1);
        twice = twice || (!found.empty() && found != value);
        found = value;
    });
    return twice ? std::string_view() : found;
}

std::string cookieOf(std::string_view session) {
    return std::string(kCookie) + "=" + std::string(session) + "; Path=/; Secure; HttpOnly; SameSite=Strict";
}

std::string cookieGone() {
    return std::string(kCookie) + "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
}

std::string_view bearerOf(std::string_view authorization) noexcept {
    constexpr std::string_view kScheme = "Bearer ";
    if (authorization.size() <= kScheme.size() || !same(authorization.substr(0, kScheme.size()), kScheme))
        return {};
    return trimmed(authorization.substr(kScheme.size()));
}

bool isHost(std::string_view host) noexcept {
    return !host.empty() && host.size() <= kMaxHost && std::all_of(host.begin(), host.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    });
}

std::optional<std::string> foreignOrigin(std::string_view origin, std::string_view fetchSite, std::string_view host) {
    if (!fetchSite.empty() && fetchSite != "same-origin" && fetchSite != "none")
        return "Sec-Fetch-Site \"" + std::string(fetchSite.substr(0, 32)) +
               "\" found, same-origin allowed; use the page of this appliance";
    if (origin.empty())
        return std::nullopt;
    constexpr std::string_view kScheme = "https://";
    if (!isHost(host) || origin.size() != kScheme.size() + host.size() || origin.substr(0, kScheme.size()) != kScheme ||
        !same(origin.substr(kScheme.size()), host))
        return "a request from another page found, one from the page of this appliance allowed";
    return std::nullopt;
}

bool takesGzip(std::string_view acceptEncoding) noexcept {
    bool takes = false;
    split(acceptEncoding, ',', [&](std::string_view entry) {
        const std::size_t semicolon = std::min(entry.find(';'), entry.size());
        if (!same(trimmed(entry.substr(0, semicolon)), "gzip"))
            return;
        std::string_view weight = trimmed(entry.substr(std::min(semicolon + 1, entry.size())));
        // "q=0", "q=0.0", "q=0.000": not at all.
        takes = !(weight.size() >= 3 && same(weight.substr(0, 3), "q=0") &&
                  weight.substr(3).find_first_not_of(".0") == std::string_view::npos);
    });
    return takes;
}

}  // namespace muster::webui
