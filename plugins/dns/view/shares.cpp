#include "shares.h"

#include <algorithm>

namespace muster::publisher {

std::vector<Share> firstShares(const std::vector<dns::Service>& services, dns::SrvChoice choice) {
    if (choice == dns::SrvChoice::atRandom)
        return std::vector<Share>(services.size(), Share{1, services.size()});
    std::uint16_t lowest = 65535;
    for (const dns::Service& service : services)
        lowest = std::min(lowest, service.priority);
    std::uint64_t weights = 0;
    std::uint64_t weighted = 0;
    std::uint64_t weightless = 0;
    for (const dns::Service& service : services) {
        if (service.priority != lowest)
            continue;
        weights += service.weight;
        ++(service.weight > 0 ? weighted : weightless);
    }
    // At most 64 * 64 * (64 * 65535 + 1): far below 2^64.
    const std::uint64_t heads = weightless > 0 ? weightless : std::max<std::uint64_t>(weighted, 1);
    const std::uint64_t denominator = heads * (weights + 1);
    std::vector<Share> shares;
    shares.reserve(services.size());
    for (const dns::Service& service : services) {
        Share share{0, denominator};
        if (service.priority == lowest) {
            const bool canHead = weightless == 0 || service.weight == 0;
            share.numerator = service.weight * heads + (canHead ? 1 : 0);
        }
        shares.push_back(share);
    }
    return shares;
}

std::string ofThousand(const Share& share) {
    if (share.none())
        return "none";
    if (share.all())
        return "all";
    const std::uint64_t rounded = (share.numerator * 2000 + share.denominator) / (share.denominator * 2);
    if (rounded == 0)
        return "fewer than 1 of 1,000";
    if (rounded == 1000)
        return "more than 999 of 1,000";
    return std::to_string(rounded) + " of 1,000";
}

std::string fractionWords(const Share& share) {
    struct Word {
        std::uint64_t numerator;
        std::uint64_t denominator;
        const char* words;
    };
    constexpr Word kWords[] = {{1, 1, "All"},
                               {1, 2, "Half of the"},
                               {1, 3, "A third of the"},
                               {2, 3, "Two thirds of the"},
                               {1, 4, "A quarter of the"},
                               {3, 4, "Three quarters of the"}};
    for (const Word& word : kWords)
        if (share.numerator * word.denominator == share.denominator * word.numerator)
            return word.words;
    std::string text = ofThousand(share);
    if (text.front() == 'f' || text.front() == 'm' || text.front() == 'n')
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text;
}

}  // namespace muster::publisher
