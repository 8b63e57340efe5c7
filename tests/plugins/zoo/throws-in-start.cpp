/// Characteristics: registers one of everything, then throws out of start. Its stop() tells that it was called.
#include <thread>

#include "animal.h"

namespace {
class Throws final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        host_.operation({.method = "GET", .path = "/throws-in-start", .summary = "Never seen."}, zoo::says("never"));
        host_.counter("throws_in_start_total", "Never seen.");
        host_.thread("waits", [](const std::atomic<bool>& stopping) {
            while (!stopping)
                std::this_thread::yield();
        });
        const auto loopback = muster::Address::parse("127.0.0.1:0");
        if (!host_.listenSocket(*loopback))
            return;
        throw muster::Fault({muster::Code::missing, "", "no listener on port 135"});
    }
    void stop() noexcept override { host_.log(muster::Severity::info, "stopped after a failed start"); }
};
}  // namespace

MUSTER_PLUGIN_NAMED(throws_in_start, "throws-in-start", Throws, "1.0.0");
