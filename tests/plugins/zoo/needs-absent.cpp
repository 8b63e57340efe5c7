/// Characteristics: needs a plugin that nobody has.
#include "animal.h"

namespace {
constexpr const char* kNeeds[] = {"unicorn", nullptr};
}

MUSTER_PLUGIN_NAMED(needs_absent, "needs-absent", zoo::Animal, "1.0.0", .needs = kNeeds);
