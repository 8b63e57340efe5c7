/// Characteristics: throws an int out of create.
#include "animal.h"

namespace {
class Throws final : public zoo::Animal {
public:
    explicit Throws(muster::Host& host) : Animal(host) { throw 42; }
};
}  // namespace

MUSTER_PLUGIN_NAMED(throws_other_in_create, "throws-other-in-create", Throws, "1.0.0");
