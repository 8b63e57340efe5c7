#include "members.h"

#include <chrono>

namespace muster::webui {

namespace {

constexpr std::int64_t kLatest = 253'402'300'799'999;  // ms: the end of the year 9999

}  // namespace

Members::Members(const Json& value) : members_(value.object()) {
    if (members_ == nullptr)
        problem_ = "no object where one belongs";
}

void Members::refuse(std::string_view key, std::string_view why) {
    if (problem_.empty())
        problem_ = "member \"" + std::string(key) + "\" " + std::string(why);
}

const Json* Members::get(std::string_view key) {
    if (members_ != nullptr)
        for (const Json::Member& member : *members_)
            if (member.first == key) {
                ++taken_;
                return &member.second;
            }
    refuse(key, "is missing");
    return nullptr;
}

std::string Members::text(std::string_view key, std::size_t longest) {
    const Json* const value = get(key);
    const std::string* const text = value == nullptr ? nullptr : value->string();
    if (text != nullptr && text->size() <= longest)
        return *text;
    refuse(key, "is no text of up to " + std::to_string(longest) + " octets");
    return {};
}

std::uint64_t Members::number(std::string_view key) {
    const Json* const value = get(key);
    const std::int64_t* const number = value == nullptr ? nullptr : value->integer();
    if (number != nullptr && *number >= 0)
        return static_cast<std::uint64_t>(*number);
    refuse(key, "is no whole number from 0");
    return 0;
}

bool Members::flag(std::string_view key) {
    const Json* const value = get(key);
    if (const bool* const flag = value == nullptr ? nullptr : value->boolean())
        return *flag;
    refuse(key, "is neither true nor false");
    return false;
}

std::optional<Timestamp> Members::maybeTime(std::string_view key) {
    const Json* const value = get(key);
    if (value == nullptr || value->isNull())
        return std::nullopt;
    const std::int64_t* const number = value->integer();
    if (number != nullptr && *number >= 0 && *number <= kLatest)
        return Timestamp(std::chrono::milliseconds(*number));
    refuse(key, "is no time in milliseconds");
    return std::nullopt;
}

Timestamp Members::time(std::string_view key) {
    const auto time = maybeTime(key);
    if (!time)
        refuse(key, "is no time in milliseconds");
    return time.value_or(Timestamp());
}

const Json::Array& Members::list(std::string_view key, std::size_t longest) {
    static const Json::Array kNone;
    const Json* const value = get(key);
    const Json::Array* const items = value == nullptr ? nullptr : value->array();
    if (items != nullptr && items->size() <= longest)
        return *items;
    refuse(key, "is no list of up to " + std::to_string(longest));
    return kNone;
}

Result<void> Members::done() const {
    if (!problem_.empty())
        return fail(Code::malformed, "", problem_);
    if (members_ != nullptr && taken_ != members_->size())
        return fail(Code::malformed, "", "has members that this version does not know");
    return {};
}

Json timeJson(Timestamp time) {
    return std::int64_t{time.time_since_epoch().count()};
}

Json timeJson(std::optional<Timestamp> time) {
    return time ? timeJson(*time) : Json();
}

}  // namespace muster::webui
