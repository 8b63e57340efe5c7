/// Fuzz target: a block of the journal, as a damaged database may give it. What can be read can be written again, and
/// is then read as the same.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "pool/compact.h"

using namespace muster;
using namespace muster::pool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    BlockWriter writer;
    std::vector<std::uint64_t> numbers;
    std::uint64_t last = 0;
    (void)readBlock(std::as_bytes(std::span(data, size)), 1,
                    [&](std::uint64_t seq, const RequestRecord& record, const RowNumbers& rows) {
                        if (seq < last)
                            return;  // damage made the numbers go round
                        last = seq;
                        numbers.push_back(seq);
                        writer.add(seq, record, rows);
                    });
    if (numbers.empty())
        return 0;
    BlockWriter again;
    std::size_t at = 0;
    const bool whole = readBlock(writer.octets(), writer.first(),
                                 [&](std::uint64_t seq, const RequestRecord& record, const RowNumbers& rows) {
                                     if (at >= numbers.size() || seq != numbers[at++])
                                         std::abort();
                                     again.add(seq, record, rows);
                                 });
    if (!whole || at != numbers.size() || writer.records() != numbers.size() || writer.last() != numbers.back())
        std::abort();
    if (!std::equal(writer.octets().begin(), writer.octets().end(), again.octets().begin(), again.octets().end()))
        std::abort();
    return 0;
}
