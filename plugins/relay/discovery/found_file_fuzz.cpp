/// The file of upstreams found last: whatever is read from it is written as it was read.
#include "found_file.h"

using namespace muster::relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = FoundFile::parse({reinterpret_cast<const char*>(data), size});
    if (!read)
        return 0;
    const std::string text = FoundFile::text(*read);
    const auto again = FoundFile::parse(text);
    if (!again || FoundFile::text(*again) != text)
        __builtin_trap();
    return 0;
}
