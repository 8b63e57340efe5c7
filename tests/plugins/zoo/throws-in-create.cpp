/// Characteristics: throws a std::exception out of create.
#include <stdexcept>

#include "animal.h"

namespace {
class Throws final : public zoo::Animal {
public:
    explicit Throws(muster::Host& host) : Animal(host) { throw std::runtime_error("no room in the cage"); }
};
}  // namespace

MUSTER_PLUGIN_NAMED(throws_in_create, "throws-in-create", Throws, "1.0.0");
