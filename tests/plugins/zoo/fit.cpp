/// Characteristics: none; the plugin that others need, and collide with.
#include "animal.h"

namespace {

constexpr muster::EventSpec kEvents[] = {{31000, muster::Severity::info, "Fit.", "Nothing to do."}};
constexpr muster::Field kSettings[] = {{.name = "word", .help = "What it says.", .fallback = "fit"}};

class Fit final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        muster::Counter& asked = host_.counter("fit_requests_total", "How often it was asked.");
        host_.operation({.method = "GET", .path = "/fit", .summary = "Says that it is fit."},
                        [&asked](const muster::Call&) -> muster::Result<muster::Reply> {
                            ++asked;
                            return muster::Reply(muster::json({{"says", "fit"}}));
                        });
        host_.troubles({"it is only fit", "and nothing else"});
        host_.event(31000, muster::json({{"word", host_.setting("word", "nothing")}}));
    }
    void settingsChanged() override { host_.log(muster::Severity::info, host_.setting("word", "nothing")); }
};

}  // namespace

MUSTER_PLUGIN(fit, Fit, "1.0.0", .settings = kSettings, .events = kEvents);
