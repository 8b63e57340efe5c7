/// Characteristics: none; needs `fit`, and is needed by nobody.
#include "animal.h"

namespace {
constexpr const char* kNeeds[] = {"fit", nullptr};
class NeedsFit final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        host_.operation({.method = "GET", .path = "/needs-fit", .summary = "Says so."}, zoo::says("here"));
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(needs_fit, "needs-fit", NeedsFit, "1.0.0", .needs = kNeeds);
