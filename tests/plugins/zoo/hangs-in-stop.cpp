/// Characteristics: its stop() does not return before the setting `free` is true.
#include <thread>

#include "animal.h"

namespace {
class Hangs final : public zoo::Animal {
public:
    using Animal::Animal;
    void stop() noexcept override {
        while (!host_.setting("free", false))
            std::this_thread::yield();
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(hangs_in_stop, "hangs-in-stop", Hangs, "1.0.0");
