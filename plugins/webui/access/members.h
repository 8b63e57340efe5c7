/// The members of one JSON object of a file that this room keeps: all must be there, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/json.h"
#include "muster/result.h"
#include "muster/types.h"

namespace muster::webui {

/// Reads on after a problem, with empty values; done() has the first problem. A file of a later version, with members
/// that this one would lose when it writes, is a problem, too.
class Members {
public:
    explicit Members(const Json& value);

    /// @param longest  octets
    std::string text(std::string_view key, std::size_t longest);
    /// 0 to 2^63 - 1.
    std::uint64_t number(std::string_view key);
    bool flag(std::string_view key);
    /// Milliseconds since 1970, not before.
    Timestamp time(std::string_view key);
    /// The same, or null.
    std::optional<Timestamp> maybeTime(std::string_view key);
    /// Empty where there is none.
    const Json::Array& list(std::string_view key, std::size_t longest);

    /// For a value that has the right kind and is wrong all the same.
    void refuse(std::string_view key, std::string_view why);
    /// @error malformed  the first problem, with the member's name and never its value, which may be a secret
    Result<void> done() const;

private:
    const Json* get(std::string_view key);

    const Json::Object* members_;
    std::size_t taken_ = 0;
    std::string problem_;
};

/// As Members reads them.
Json timeJson(Timestamp time);
Json timeJson(std::optional<Timestamp> time);

}  // namespace muster::webui
