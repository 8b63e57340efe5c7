/// The numbers of the lab's events in the journal: 22000 to 22999.
#pragma once

#include <cstdint>

namespace muster::lab {

constexpr std::uint32_t kKeyInstalled = 22000;
constexpr std::uint32_t kKeyRemoved = 22001;
constexpr std::uint32_t kRealClientAsked = 22002;
constexpr std::uint32_t kKeyRests = 22003;
constexpr std::uint32_t kKeyWorks = 22004;
constexpr std::uint32_t kCountRestored = 22005;

}  // namespace muster::lab
