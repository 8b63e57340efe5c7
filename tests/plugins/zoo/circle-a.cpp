/// Characteristics: needs circle-b, which needs it.
#include "animal.h"

namespace {
constexpr const char* kNeeds[] = {"circle-b", nullptr};
}

MUSTER_PLUGIN_NAMED(circle_a, "circle-a", zoo::Animal, "1.0.0", .needs = kNeeds);
