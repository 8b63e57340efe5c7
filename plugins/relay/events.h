/// Events that the relay raises: 23000 to 23999.
#pragma once

#include "muster/event.h"

namespace muster::relay {

constexpr std::uint32_t kUpstreamDown = 23000;
constexpr std::uint32_t kUpstreamBack = 23001;
constexpr std::uint32_t kNobodyAnswered = 23002;
constexpr std::uint32_t kWrongAnswer = 23003;
constexpr std::uint32_t kUpstreamsChanged = 23004;
constexpr std::uint32_t kDutyChanged = 23005;
constexpr std::uint32_t kLoop = 23006;
constexpr std::uint32_t kLearned = 23007;

}  // namespace muster::relay
