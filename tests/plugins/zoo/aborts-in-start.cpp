/// Characteristics: takes the whole process with it when it starts. Its second version is tame.
#include <cstdlib>

#include "animal.h"

namespace {
class Aborts final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        if (TAME == 0)
            std::abort();
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(aborts_in_start, "aborts-in-start", Aborts, "1.0.0");
