/// Characteristics: registers an operation of its own, then the one of `fit`.
#include "animal.h"

namespace {
class TakesRoute final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        host_.operation({.method = "GET", .path = "/takes-route", .summary = "Its own."}, zoo::says("mine"));
        host_.operation({.method = "GET", .path = "/fit", .summary = "Not its own."}, zoo::says("stolen"));
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(takes_route, "takes-route", TakesRoute, "1.0.0");
