/// Any octets as the file of tokens: nothing crashes, and what was read is written so that it reads as the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "token_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto first = muster::webui::parseTokens({reinterpret_cast<const char*>(data), size});
    if (!first)
        return 0;
    const auto second = muster::webui::parseTokens(muster::webui::writeTokens(*first));
    if (!second || *second != *first)
        std::abort();
    return 0;
}
