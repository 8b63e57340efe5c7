/// Any octets as the file of users: nothing crashes, and what was read is written so that it reads as the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "user_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto first = muster::webui::parseUsers({reinterpret_cast<const char*>(data), size});
    if (!first)
        return 0;
    const auto second = muster::webui::parseUsers(muster::webui::writeUsers(*first));
    if (!second || *second != *first)
        std::abort();
    return 0;
}
