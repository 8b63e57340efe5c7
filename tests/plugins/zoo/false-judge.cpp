/// Characteristics: registers an authority although it is a service.
#include "muster/authority.h"

#include "animal.h"

namespace {

class Judge final : public zoo::Animal, public muster::Authority {
public:
    using Animal::Animal;
    void start() override { host_.authority(*this); }

    muster::Mode mode() const noexcept override { return muster::Mode::relay; }
    void decide(muster::Exchange&) noexcept override {}
    void forget(const muster::Guid&, const muster::Guid&) noexcept override {}
    std::vector<muster::HostKeyStatus> keys() const override { return {}; }
    bool answersWithoutRecord() const noexcept override { return true; }
    std::uint32_t activationInterval() const noexcept override { return 120; }
    std::uint32_t renewalInterval() const noexcept override { return 10080; }
};

}  // namespace

MUSTER_PLUGIN_NAMED(false_judge, "false-judge", Judge, "1.0.0");
