/// Events that the publisher raises: 12293 and 12294 as Windows numbers them, 24000 to 24999.
#pragma once

#include "muster/event.h"

namespace muster::publisher {

constexpr std::uint32_t kPublishingFailed = 12293;
constexpr std::uint32_t kPublished = 12294;
constexpr std::uint32_t kWithdrawn = 24000;
constexpr std::uint32_t kTakenUp = 24001;
constexpr std::uint32_t kKeyChanged = 24002;

}  // namespace muster::publisher
