#include "muster/operation.h"

namespace muster {

namespace {

const Json* lookUp(const Call& call, std::string_view name) noexcept {
    for (const Json* part : {&call.path, &call.query, &call.body})
        if (const Json* value = part->find(name))
            return value;
    return nullptr;
}

}  // namespace

std::string_view Call::text(std::string_view name) const noexcept {
    const Json* value = lookUp(*this, name);
    const std::string* text = value ? value->string() : nullptr;
    return text ? std::string_view(*text) : std::string_view();
}

std::int64_t Call::integer(std::string_view name, std::int64_t fallback) const noexcept {
    const Json* value = lookUp(*this, name);
    if (!value)
        return fallback;
    if (const auto* number = value->integer())
        return *number;
    if (const auto* number = value->natural())
        return *number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                   ? static_cast<std::int64_t>(*number)
                   : fallback;
    return fallback;
}

bool Call::flag(std::string_view name) const noexcept {
    const Json* value = lookUp(*this, name);
    const bool* flag = value ? value->boolean() : nullptr;
    return flag && *flag;
}

}  // namespace muster
