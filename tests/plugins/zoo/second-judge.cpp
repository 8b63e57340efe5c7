/// Characteristics: a second authority for the mode that `judge` decides.
#include "muster/authority.h"

#include "animal.h"

namespace {

class Judge final : public zoo::Animal, public muster::Authority {
public:
    using Animal::Animal;
    void start() override { host_.authority(*this); }

    muster::Mode mode() const noexcept override { return muster::Mode::lab; }
    void decide(muster::Exchange& exchange) noexcept override {
        exchange.complete(muster::Outcome::refuse(muster::HResult::notEnoughCount));
    }
    void forget(const muster::Guid&, const muster::Guid&) noexcept override {}
    std::vector<muster::HostKeyStatus> keys() const override { return {}; }
    bool answersWithoutRecord() const noexcept override { return false; }
    std::uint32_t activationInterval() const noexcept override { return 120; }
    std::uint32_t renewalInterval() const noexcept override { return 10080; }
};

}  // namespace

MUSTER_PLUGIN_NAMED(second_judge, "second-judge", Judge, "1.0.0", .kind = muster::Kind::authority);
