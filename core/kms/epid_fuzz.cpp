/// An ePID from an upstream's answer. What was taken apart and written again must read the same.
#include <cstdint>
#include <string_view>

#include "kms/epid.h"

using namespace muster::kms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view given(reinterpret_cast<const char*>(data), size);
    if (const auto epid = parseEpid(given); epid && parseEpid(text(*epid)) != epid)
        __builtin_trap();
    return readEpid(given, {}).empty() ? -1 : 0;
}
