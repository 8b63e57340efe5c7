/// A JSON value for operations and events. Parsing and writing are the host's (muster/api); a plugin builds and reads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace muster {

class Json {
public:
    using Array = std::vector<Json>;
    using Member = std::pair<std::string, Json>;
    using Object = std::vector<Member>;  ///< in the order of insertion; keys are unique

    Json() noexcept = default;
    Json(std::nullptr_t) noexcept {}
    Json(bool value) : value_(value) {}
    Json(std::int64_t value) : value_(value) {}
    Json(std::uint64_t value) : value_(value) {}
    Json(int value) : value_(std::int64_t{value}) {}
    Json(unsigned value) : value_(std::uint64_t{value}) {}
    Json(double value) : value_(value) {}
    Json(const char* value) : value_(std::string(value)) {}
    Json(std::string_view value) : value_(std::string(value)) {}
    Json(std::string value) : value_(std::move(value)) {}
    Json(Array value) : value_(std::move(value)) {}
    Json(Object value) : value_(std::move(value)) {}

    bool isNull() const noexcept { return std::holds_alternative<std::monostate>(value_); }
    const bool* boolean() const noexcept { return std::get_if<bool>(&value_); }
    const std::int64_t* integer() const noexcept { return std::get_if<std::int64_t>(&value_); }
    const std::uint64_t* natural() const noexcept { return std::get_if<std::uint64_t>(&value_); }
    const double* real() const noexcept { return std::get_if<double>(&value_); }
    const std::string* string() const noexcept { return std::get_if<std::string>(&value_); }
    const Array* array() const noexcept { return std::get_if<Array>(&value_); }
    const Object* object() const noexcept { return std::get_if<Object>(&value_); }
    Array* array() noexcept { return std::get_if<Array>(&value_); }
    Object* object() noexcept { return std::get_if<Object>(&value_); }

    /// The member of that name, or nullptr if this is no object or has none.
    const Json* find(std::string_view key) const noexcept {
        if (const Object* members = object())
            for (const Member& member : *members)
                if (member.first == key)
                    return &member.second;
        return nullptr;
    }
    /// Sets or replaces a member; makes an object of anything else.
    Json& set(std::string_view key, Json value) {
        if (!object())
            value_ = Object{};
        for (Member& member : *object())
            if (member.first == key) {
                member.second = std::move(value);
                return member.second;
            }
        object()->emplace_back(std::string(key), std::move(value));
        return object()->back().second;
    }
    /// Appends; makes an array of anything else.
    void push(Json value) {
        if (!array())
            value_ = Array{};
        array()->push_back(std::move(value));
    }
    bool operator==(const Json&) const = default;

private:
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

/// An object: json({{"greeting", text}, {"asked", n}})
inline Json json(std::initializer_list<Json::Member> members) {
    return Json(Json::Object(members));
}

}  // namespace muster
