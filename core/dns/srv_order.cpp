#include "dns/srv_order.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace muster::dns {

namespace {

using Place = std::vector<Service>::iterator;

/// Those of one priority.
void orderByWeight(Place first, Place last, std::mt19937_64& random) {
    std::stable_partition(first, last, [](const Service& service) { return service.weight == 0; });
    for (; first != last; ++first) {
        const auto sum = std::accumulate(first, last, std::uint64_t{0},
                                         [](std::uint64_t so_far, const Service& one) { return so_far + one.weight; });
        std::uint64_t drawn = std::uniform_int_distribution<std::uint64_t>(0, sum)(random);
        auto chosen = first;
        while (drawn > chosen->weight) {
            drawn -= chosen->weight;
            ++chosen;
        }
        std::rotate(first, chosen, std::next(chosen));
    }
}

}  // namespace

std::vector<Service> order(std::vector<Service> services, SrvChoice choice, std::mt19937_64& random) {
    std::shuffle(services.begin(), services.end(), random);
    if (choice == SrvChoice::atRandom)
        return services;
    std::stable_sort(services.begin(), services.end(),
                     [](const Service& a, const Service& b) { return a.priority < b.priority; });
    for (auto first = services.begin(); first != services.end();) {
        const auto last = std::find_if(first, services.end(),
                                       [&](const Service& service) { return service.priority != first->priority; });
        orderByWeight(first, last, random);
        first = last;
    }
    return services;
}

}  // namespace muster::dns
