/// How operations show things.
#pragma once

#include <cstdio>
#include <ctime>
#include <string>

#include "muster/types.h"

namespace muster::publisher {

/// "2026-11-27T07:45:32.369Z"
inline std::string isoTime(Timestamp time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    char rest[8];
    std::snprintf(rest, sizeof rest, ".%03dZ", static_cast<int>(time.time_since_epoch().count() % 1000));
    return std::string(text, size) + rest;
}

}  // namespace muster::publisher
