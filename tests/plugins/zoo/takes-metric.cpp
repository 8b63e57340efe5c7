/// Characteristics: registers the counter of `fit`.
#include "animal.h"

namespace {
class TakesMetric final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override { ++host_.counter("fit_requests_total", "Not its own."); }
};
}  // namespace

MUSTER_PLUGIN_NAMED(takes_metric, "takes-metric", TakesMetric, "1.0.0");
