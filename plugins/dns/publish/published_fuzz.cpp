/// The ledger's file: whatever stands in it, what is read can be written, and reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "publish/ledger.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace muster::publisher;
    std::size_t damaged = 0;
    const auto records = readPublished({reinterpret_cast<const char*>(data), size}, damaged);
    std::size_t none = 0;
    if (readPublished(writePublished(records), none) != records || none != 0)
        std::abort();
    return 0;
}
