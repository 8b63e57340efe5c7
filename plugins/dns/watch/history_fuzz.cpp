/// The file of targets seen: whatever is read from it is written as it was read.
#include "history.h"

using namespace muster::publisher;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = HistoryFile::parse({reinterpret_cast<const char*>(data), size});
    if (!read)
        return 0;
    const std::string text = HistoryFile::text(*read);
    const auto again = HistoryFile::parse(text);
    if (!again || HistoryFile::text(*again) != text)
        __builtin_trap();
    return 0;
}
