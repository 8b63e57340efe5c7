/// One language for settings, parameters and answers. From it come validation, the form on the page, the options of
/// musterctl, openapi.json and the reference manual.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace muster {

enum class FieldType : std::uint8_t {
    text,       ///< UTF-8; minimum and maximum are octets
    integer,    ///< minimum and maximum are values
    boolean,    ///<
    choice,     ///< one of `choices`, "a|b|c"
    duration,   ///< "30s", "5m", "2h", "7d", "250ms"; minimum and maximum are milliseconds
    size,       ///< "64KiB", "8MiB"; minimum and maximum are octets
    address,    ///< "127.0.0.1:1688", "[::1]:1688"
    network,    ///< "10.0.0.0/8", "fe80::/10"
    guid,       ///<
    timestamp,  ///< ISO 8601, UTC, milliseconds
    number,     ///< floating; answers only
    object,     ///< nested `fields`
    texts,
    integers,
    addresses,
    networks,
    objects,  ///< lists; minimum and maximum are the number of items. In settings the fields of `objects` are scalars
              ///< and lists of scalars
};

struct Field {
    const char* name = nullptr;  ///< settings: "max-connections"; parameters and answers: "lastSeen"
    FieldType type = FieldType::text;
    const char* help = "";           ///< one sentence for people
    const char* fallback = nullptr;  ///< the default, written as in TOML without quotes ("30s", "[]"); nullptr: none
    std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
    std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
    const char* choices = nullptr;
    bool required = false;  ///< parameters: refused when absent
    bool secret = false;    ///< never shown again once set
    bool restart = false;   ///< settings: a change restarts the plugin (else Plugin::settingsChanged is called)
    bool column = false;    ///< answers: shown in the table that musterctl prints
    std::span<const Field> fields = {};  ///< of object and objects
};

using Fields = std::span<const Field>;

}  // namespace muster
