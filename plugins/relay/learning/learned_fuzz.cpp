/// Fuzz target: the file of what was learnt. What is read must be usable, and be written as it was read.
#include <cstdint>
#include <string>

#include "Poco/Checksum.h"

#include "learned_file.h"
#include "readings.h"

using namespace muster;
using namespace muster::relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The input is what stands behind the checksum: nobody finds that by chance.
    const std::string body(reinterpret_cast<const char*>(data), size);
    Poco::Checksum sum(Poco::Checksum::TYPE_CRC32);
    sum.update(body);
    std::string file = "muster relay, learned, version 1\n";
    for (unsigned shift = 0; shift < 32; shift += 8)
        file.push_back(static_cast<char>(sum.checksum() >> shift & 0xffU));
    file += body;
    auto upstreams = decodeLearned(file);
    if (!upstreams)
        return 0;
    std::vector<Subject> subjects;
    for (const Learned::Named& each : *upstreams) {
        LearnedUpstream record(each.knowledge);
        const Address source;
        const Product product;
        ActivationRequest request;
        request.major = 4;
        request.requiredClients = 25;
        const Timestamp now(std::chrono::milliseconds(1'795'348'800'000));
        for (std::uint8_t i = 0; i < 3; ++i) {
            request.cmid.octets[0] = std::byte{i};
            record.note({.when = now,
                         .source = source,
                         .request = request,
                         .product = product,
                         .ending = i == 2 ? Ending::refused : Ending::answered,
                         .result = HResult::groupNotCovered,
                         .epid = {},
                         .count = i});
            (void)record.latelyRefuses(request.counted, now);
        }
        (void)record.headline();
        subjects.push_back({each.name, CountsVirtual::unknown, each.knowledge});
    }
    (void)read(subjects, {Timestamp(std::chrono::milliseconds(1'795'348'800'000)), {}});
    const std::string again = encodeLearned(*upstreams);
    const auto back = decodeLearned(again);
    if (!back || encodeLearned(*back) != again)
        __builtin_trap();
    return 0;
}
