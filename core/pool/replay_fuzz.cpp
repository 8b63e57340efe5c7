/// Fuzz target: two files of the intake after a crash. Octet 0: how much the first file gets; octet 1: the last number
/// applied. The CRC is put right where a record seems to begin, as no fuzzer finds one.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <zlib.h>

#include "pool/record.h"
#include "pool/replay.h"

using namespace muster;
using namespace muster::pool;

namespace {

constexpr std::uint32_t kSalt = 1;
constexpr std::size_t kHead = 24;

void mend(std::vector<std::byte>& image) {
    for (std::size_t at = 0; at + kHead <= image.size(); at += 8) {
        std::uint32_t length = 0;
        std::memcpy(&length, image.data() + at, sizeof length);
        if (length == 0 || length > 4096 || at + kHead + length > image.size() || image[at + 4] != std::byte{0xAA})
            continue;
        const auto crc = static_cast<std::uint32_t>(
            crc32(kSalt, reinterpret_cast<const Bytef*>(image.data() + at + 8), static_cast<uInt>(16 + length)));
        std::memcpy(image.data() + at + 4, &crc, sizeof crc);
        at += (kHead + length + 7) / 8 * 8 - 8;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    (void)readHead(std::as_bytes(std::span(data, size)));
    const std::uint64_t applied = data[1];
    const std::size_t split = (size - 2) * data[0] / 255;
    const auto* from = reinterpret_cast<const std::byte*>(data + 2);
    std::vector<std::byte> first(from, from + split);
    std::vector<std::byte> second(from + split, from + (size - 2));
    mend(first);
    mend(second);
    for (const bool fresh : {false, true}) {
        Replay replay;
        replay.files = {{"a", kSalt, first.size(), false}, {"b", kSalt, second.size(), false}};
        judge(replay, {scan(kSalt, first, applied), scan(kSalt, second, applied)}, applied, fresh);
        std::uint64_t last = applied;
        for (const Found& found : replay.records) {
            if (found.seq <= last || found.seq > replay.highest)
                std::abort();  // twice, out of order, or a number that would be given again
            last = found.seq;
            (void)decode(found.payload);
        }
        if (fresh && !replay.alarms.empty())
            std::abort();
    }
    return 0;
}
