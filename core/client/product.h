/// The products that a simulated machine can be: read from the tables of the product families in this tree. No product
/// is written down a second time here.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "muster/family.h"
#include "muster/result.h"
#include "muster/types.h"

namespace muster::client {

struct Edition {
    std::string name;        ///< of the edition: "Windows 7 Enterprise"
    std::string generation;  ///< "windows7", "server2008r2"
    Guid application;
    Guid counted;
    Guid sku;
    std::uint32_t threshold = 25;  ///< the N-policy that its machines carry
};

/// The families of the tree, in the order of their names. Their data lives as long as the process.
std::span<const muster_family* const> families() noexcept;

/// The words that --family takes: "win7", "server2008r2", "vista", "server2008". A generation's own name without the
/// "dows" of "windows"; the long form is taken as well.
std::vector<std::string> generationWords();

/// The editions that machines of one generation take, in turn.
/// @param word      of --family
/// @param editions  names ("Windows 7 Professional", in any case) or activation IDs; empty: the generation's Enterprise
/// @error missing   no such generation, or no such edition in it; the detail lists what there is
Result<std::vector<Edition>> products(std::string_view word, std::span<const std::string> editions);

/// How long a fresh installation runs without activation.
std::chrono::duration<std::int64_t, std::ratio<60>> initialGrace(const Edition& product) noexcept;

}  // namespace muster::client
