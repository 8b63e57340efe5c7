/// Characteristics: needs circle-a, which needs it.
#include "animal.h"

namespace {
constexpr const char* kNeeds[] = {"circle-a", nullptr};
}

MUSTER_PLUGIN_NAMED(circle_b, "circle-b", zoo::Animal, "1.0.0", .needs = kNeeds);
