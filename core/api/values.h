/// What a field of a schema may hold: from text or JSON to a value and back. Settings and parameters share it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tl/expected.hpp"

#include "muster/json.h"
#include "muster/plugin.h"
#include "muster/schema.h"
#include "muster/types.h"

#include "api/problem.h"

namespace muster::api {

/// "250ms", "30s", "5m", "2h", "7d" to milliseconds; also "0". Nothing for other shapes and for what overflows.
std::optional<std::int64_t> parseDuration(std::string_view text) noexcept;
/// In the largest unit that leaves no rest: 90000 is "90s".
std::string durationText(std::int64_t milliseconds);
/// "512", "512B", "64KiB", "8MiB", "1GiB" to octets.
std::optional<std::int64_t> parseSize(std::string_view text) noexcept;
std::string sizeText(std::int64_t octets);
/// "10.0.0.0/8", "fe80::/10", "10.0.0.7" (a host) in canonical form. Nothing if bits below the mask are set.
std::optional<std::string> parseNetwork(std::string_view text);
/// ISO 8601, UTC: "2026-11-22T15:12:02.123Z"; the fraction may be absent.
std::optional<Timestamp> parseTimestamp(std::string_view text) noexcept;

/// The words for a type: "text", "duration", "list of networks".
const char* typeName(FieldType type) noexcept;
bool isList(FieldType type) noexcept;
/// What the field takes, for people: "1 to 65535", "one of a, b", "a duration such as 30s, from 1s to 1h".
std::string allowed(const Field& field);
std::vector<std::string> choices(const Field& field);

inline constexpr std::int64_t kMaxItems = 256;  ///< of a list without a bound of its own

/// A value that the field does not take.
struct Mismatch {
    std::string found;
    std::string allowed;
    std::vector<Finding> inside;  ///< of a list of objects: each thing that is wrong, named "[2].address"

    /// Adds it to `findings`, as `name` or as what `inside` names in it.
    void reportTo(std::vector<Finding>& findings, const std::string& name, const std::string& where) const;
};

/// From the notation of defaults, command line and query: as in TOML without quotes, lists as "[a, b]" or "a, b", lists
/// of objects as parseObjects() reads them.
tl::expected<SettingValue, Mismatch> parseValue(const Field& field, std::string_view text);
/// From JSON (or TOML, read as JSON). Of a list of objects every member is checked by its own field, and those that are
/// absent have their defaults.
tl::expected<SettingValue, Mismatch> checkValue(const Field& field, const Json& value);
/// checkValue() of a list of objects.
tl::expected<SettingValue, Mismatch> checkObjects(const Field& list, const Json& value);
/// The notation that parseValue() reads. Members of objects that are at their defaults are left out.
std::string valueText(const Field& field, const SettingValue& value);
/// As an operation's handler sees it: durations in milliseconds, sizes in octets, the rest as text, number, list.
Json valueJson(const SettingValue& value);

/// `object` with "***" for each member that its field calls secret, also inside of objects and lists of them.
Json masked(Fields fields, const Json& object);

/// `value` shortened and escaped for a message: `"abc"`, `12`, "a list".
std::string shown(const Json& value);
std::string inQuotes(std::string_view text);

/// Checks the members of `object` against `fields`, adds all that is wrong to `findings`, fills in defaults.
/// @param object  null counts as an empty object
/// @param prefix  goes before the names in findings: "upstreams[2]."
/// @return        the normalised object; only meant when nothing was added to `findings`
Json checkObject(Fields fields, const Json& object, const std::string& prefix, std::vector<Finding>& findings);

}  // namespace muster::api
