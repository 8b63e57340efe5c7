/// Characteristics: its operation does not return before the setting `free` is true.
#include <thread>

#include "animal.h"

namespace {
class Hangs final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        host_.operation({.method = "GET", .path = "/hangs-in-call", .summary = "Hangs."},
                        [this](const muster::Call&) -> muster::Result<muster::Reply> {
                            host_.log(muster::Severity::info, "inside");
                            while (!host_.setting("free", false))
                                std::this_thread::yield();
                            return muster::Reply(muster::json({{"says", "free at last"}}));
                        });
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(hangs_in_call, "hangs-in-call", Hangs, "1.0.0");
