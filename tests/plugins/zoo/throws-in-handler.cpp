/// Characteristics: its three operations throw a std::exception, an int, and a Fault; a fourth one throws in its
/// stream.
#include <stdexcept>

#include "animal.h"

namespace {
class Throws final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        using muster::Call;
        using muster::Reply;
        using muster::Result;
        host_.operation({.method = "GET", .path = "/throws/std", .summary = "Throws."},
                        [](const Call&) -> Result<Reply> { throw std::runtime_error("bitten"); });
        host_.operation({.method = "GET", .path = "/throws/int", .summary = "Throws."},
                        [](const Call&) -> Result<Reply> { throw 42; });
        host_.operation({.method = "GET", .path = "/throws/fault", .summary = "Throws."},
                        [](const Call&) -> Result<Reply> {
                            throw muster::Fault({muster::Code::missing, "client 7", "not known"});
                        });
        host_.operation({.method = "GET", .path = "/throws/stream", .summary = "Throws.", .stream = true},
                        [](const Call&) -> Result<Reply> {
                            Reply reply;
                            reply.stream = [](muster::Sink&) { throw std::runtime_error("bitten late"); };
                            return reply;
                        });
    }
};
}  // namespace

MUSTER_PLUGIN_NAMED(throws_in_handler, "throws-in-handler", Throws, "1.0.0");
