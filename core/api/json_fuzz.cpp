/// Any octets as JSON: nothing crashes, nothing grows beyond the limits, and what was read is written so that it reads
/// as the same again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "api/json_text.h"
#include "api/serve.h"

namespace {

std::size_t depth(const muster::Json& value) {
    std::size_t below = 0;
    if (const auto* items = value.array())
        for (const auto& item : *items)
            below = std::max(below, depth(item));
    if (const auto* members = value.object())
        for (const auto& member : *members)
            below = std::max(below, depth(member.second));
    return value.array() != nullptr || value.object() != nullptr ? below + 1 : 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto first = muster::api::parseJson(text);
    if (!first) {
        muster::api::dumpJson(muster::Json(text));  // as a string value: any octets must be writable
        return 0;
    }
    if (depth(*first) > muster::api::kMaxDepth)
        std::abort();
    const std::string written = muster::api::dumpJson(*first);
    const auto second = muster::api::parseJson(written, written.size());
    if (!second || muster::api::dumpJson(*second) != written)
        std::abort();
    return 0;
}
