/// What lasts is kept as the packet that would set it: the codec has bounds and checks already.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "muster/private_file.h"

#include "system/box.h"
#include "system/message.h"

namespace muster::system {

/// @param value  that check() lets pass
inline std::string toKept(Verb verb, Argument value) {
    const auto packet = encodeRequest(0, {verb, std::move(value)});
    if (!packet)
        return {};
    return {reinterpret_cast<const char*>(packet->data()), packet->size()};
}

template <class T>
std::optional<T> fromKept(Verb verb, const std::string& text) {
    auto request = decodeRequest(std::as_bytes(std::span(text)));
    if (!request || request->second.verb != verb)
        return std::nullopt;
    T* const value = std::get_if<T>(&request->second.argument);
    return value == nullptr ? std::nullopt : std::optional(std::move(*value));
}

/// Nothing where there is none, or where it cannot be used, which the log is told.
template <class T>
std::optional<T> readKept(const std::filesystem::path& path, Verb verb, const Log& log) {
    const auto text = readPrivateFile(path.string(), kMaxPacket);
    if (!text) {
        if (text.error().code != Code::missing)
            log(true, text.error().text());
        return std::nullopt;
    }
    auto value = fromKept<T>(verb, *text);
    if (!value)
        log(true, path.string() + ": is damaged or of another version; the defaults are taken");
    return value;
}

}  // namespace muster::system
