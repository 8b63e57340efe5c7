/// Characteristics: built in versions that differ in TWIN_VERSION alone. Statics of every sort count how often each
/// version was created: whoever shares one with another version counts too far. Version 3 fails in start.
#include <stdexcept>

#include "animal.h"

namespace {
constexpr int kVersion = TWIN_VERSION;
}

inline int twinInline = 0;
template <class T>
struct TwinTemplate {
    static inline int count = 0;
};
inline int& twinFunction() {
    static int count = 0;
    return count;
}

namespace {

class Twin final : public zoo::Animal {
public:
    explicit Twin(muster::Host& host) : Animal(host) {
        ++twinInline;
        ++TwinTemplate<int>::count;
        ++twinFunction();
    }
    void start() override {
        muster::Counter& asked = host_.counter("twin_requests_total", "How often either twin was asked.");
        if (kVersion == 1)
            host_.gauge("twin_first_only", "Of the first version alone.").set(1);
        host_.operation({.method = "GET", .path = "/twin", .summary = "Says its version."},
                        [&asked](const muster::Call&) -> muster::Result<muster::Reply> {
                            ++asked;
                            return muster::Reply(muster::json({{"version", kVersion},
                                                               {"inline", twinInline},
                                                               {"template", TwinTemplate<int>::count},
                                                               {"function", twinFunction()}}));
                        });
        if (kVersion == 3) {
            host_.operation({.method = "GET", .path = "/twin/third", .summary = "Never seen."}, zoo::says("never"));
            host_.gauge("twin_third", "Never seen.").set(3);
            throw std::runtime_error("the third has no place");
        }
        const auto loopback = muster::Address::parse("127.0.0.1:0");
        if (auto socket = host_.listenSocket(*loopback); !socket)
            throw muster::Fault(socket.error());
    }
    void stop() noexcept override { host_.log(muster::Severity::info, "twin " + std::to_string(kVersion) + " stops"); }
};

}  // namespace

#define TWIN_TEXT_(n) #n ".0.0"
#define TWIN_TEXT(n) TWIN_TEXT_(n)
MUSTER_PLUGIN(twin, Twin, TWIN_TEXT(TWIN_VERSION));
