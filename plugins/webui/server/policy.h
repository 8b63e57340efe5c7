/// What a browser is told and what it must tell: headers of answers, origin of requests. Pure.
/// @source RFC 6265bis (cookies), Fetch Metadata, Content Security Policy Level 3, RFC 6797 (HSTS)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/front.h"

namespace muster::webui {

inline constexpr std::string_view kCookie = kSessionCookie;

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What an answer is to a browser. data: nothing may be loaded. page: one of ours, with its own scripts and styles.
/// viewer: the API's documentation, which styles itself as it goes.
enum class Content : std::uint8_t { data, page, viewer };

inline constexpr std::string_view kViewer = "/api/docs";  ///< its path; what it loads is below

/// Of every answer.
const Headers& securityHeaders(Content content);

/// The value of the session's cookie in a Cookie header; empty: there is none, or two that differ.
std::string_view sessionOf(std::string_view cookies) noexcept;

/// "Set-Cookie" that begins a session, and that ends it.
std::string cookieOf(std::string_view session);
std::string cookieGone();

/// The credential of "Authorization: Bearer …"; empty for another scheme.
std::string_view bearerOf(std::string_view authorization) noexcept;

/// Whether `host` (of a Host header) is a host and maybe a port, fit to be put into an address of ours.
bool isHost(std::string_view host) noexcept;

/// Why a request that would change something does not come from a page of ours; nothing: it does, or from a program
/// that is no browser.
/// @param origin  of the Origin header, fetchSite of Sec-Fetch-Site; empty: not sent
std::optional<std::string> foreignOrigin(std::string_view origin, std::string_view fetchSite, std::string_view host);

/// Whether a client takes gzip, by Accept-Encoding (RFC 9110 12.5.3).
bool takesGzip(std::string_view acceptEncoding) noexcept;

}  // namespace muster::webui
