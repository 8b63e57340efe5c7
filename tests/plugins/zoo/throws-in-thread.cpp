/// Characteristics: starts well; its thread throws as soon as it runs.
#include <stdexcept>

#include "animal.h"

namespace {
class Throws final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        host_.operation({.method = "GET", .path = "/throws-in-thread", .summary = "There until then."},
                        zoo::says("here"));
        host_.thread("keeper", [](const std::atomic<bool>&) { throw std::runtime_error("the keeper has run away"); });
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(throws_in_thread, "throws-in-thread", Throws, "1.0.0");
