/// What a name server sends back: SRV records, and the order made of them.
#include "client/discovery.h"

using namespace muster;
using namespace muster::client;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto records = parseSrv(std::as_bytes(std::span(data, size)));
    if (!records)
        return 0;
    std::mt19937_64 random(size);
    const std::size_t count = records->size();
    for (const bool byWeight : {false, true})
        if (order(*records, byWeight, random).size() != count)
            __builtin_trap();
    return 0;
}
