/// What the tests of the dispatcher share: one reactor, and an authority, a store and a listener that do as the test
/// says.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "muster/authority.h"

#include "host/dispatch/activation_dispatcher.h"
#include "host/reactor/epoll_reactor.h"
#include "kms/body.h"
#include "pool/store.h"

namespace muster::dispatch::test {

using namespace std::chrono_literals;
using pool::Durability;

struct NoFamilies final : Families {
    Product find(const Guid& counted, const Guid&) const noexcept override {
        Product product;
        product.countsVirtual = counted.isZero();
        return product;
    }
    const muster_family* byName(std::string_view) const noexcept override { return nullptr; }
    std::vector<const muster_family*> all() const override { return {}; }
};

struct ScriptedAuthority final : Authority {
    Mode mode() const noexcept override { return Mode::lab; }
    void decide(Exchange& exchange) noexcept override { onDecide(exchange); }
    void forget(const Guid&, const Guid&) noexcept override {}
    std::vector<HostKeyStatus> keys() const override { return {}; }
    bool answersWithoutRecord() const noexcept override { return withoutRecord; }
    std::uint32_t activationInterval() const noexcept override { return 120; }
    std::uint32_t renewalInterval() const noexcept override { return 10080; }

    static Outcome answer(std::uint32_t count) {
        Outcome outcome;
        outcome.kind = Outcome::Kind::answered;
        outcome.counted = true;
        outcome.count = count;
        outcome.setBody({});
        return outcome;
    }

    bool withoutRecord = false;
    std::function<void(Exchange&)> onDecide = [](Exchange& exchange) { exchange.complete(answer(1)); };
};

/// Keeps what it is given until the test says that the disk has it.
struct HeldStore final : pool::Store {
    struct Piece {
        std::vector<pool::RequestRecord> records;
        std::function<void(Durability)> done;
    };

    void append(std::vector<pool::RequestRecord> records, std::function<void(Durability)> done) override {
        if (broken) {
            done(Durability::notDurable);
            return;
        }
        pieces.push_back({std::move(records), std::move(done)});
        if (then)
            then();
    }
    void appendOwn(const Guid& cmid, std::function<void(Durability)> done) override {
        own.push_back({cmid, std::move(done)});
    }
    std::optional<Guid> lastOwn() override { return own.empty() ? std::nullopt : std::optional(own.back().first); }
    void journal(pool::EventRecord) override {}
    bool isKnown(const Guid&, const Guid&) const noexcept override { return false; }
    bool settle(std::chrono::milliseconds) override { return true; }
    pool::Totals totals() const override { return {}; }
    std::string trouble() const override { return {}; }
    std::vector<CountedClient> counted(const Guid&, Timestamp, std::size_t) override { return {}; }
    std::vector<Application> applications() override { return {}; }

    bool broken = false;
    std::vector<Piece> pieces;
    std::vector<std::pair<Guid, std::function<void(Durability)>>> own;
    std::function<void()> then;
};

struct Answers final : Responder {
    void respond(std::uint64_t token, const Outcome& outcome) noexcept override {
        tokens.push_back(token);
        last = outcome;
        if (then)
            then();
    }
    std::vector<std::uint64_t> tokens;
    Outcome last;
    std::function<void()> then;
};

struct TooManyNew final : NewClients {
    bool overLimit(const Address&, const Guid&, const Guid&) noexcept override { return true; }
};

using Body = std::array<std::byte, kms::Request4::kSize>;

/// Takes one client's requests for the appliance's own.
struct OneOwn final : OwnRequests {
    bool comesFrom(const Address& source) noexcept override { return source.port == 99; }
    bool isOwn(const Guid& cmid) noexcept override { return cmid.octets[0] == std::byte{99}; }
    void decide(Exchange& exchange) noexcept override { exchange.complete(ScriptedAuthority::answer(0)); }
};

inline Body requestOf(std::uint8_t client) {
    ActivationRequest request;
    request.major = 4;
    request.requiredClients = 25;
    request.cmid.octets[0] = std::byte{client};
    request.machine.assign("station.example.org");
    Body body{};
    kms::encodeRequest(request, body);
    return body;
}

constexpr auto kNow = 0ms;

class DispatcherFixture : public Utest {
protected:
    NoFamilies families;
    ScriptedAuthority authority;
    HeldStore store;
    Answers answers;
    TooManyNew tooMany;
    OneOwn own;
    Limits limits;
    std::vector<bool> durability;
    reactor::EpollReactor reactor;
    std::unique_ptr<ActivationDispatcher> dispatcher;

    void setup() override { begin(); }

    void begin() {
        dispatcher = std::make_unique<ActivationDispatcher>(1, families, limits,
                                                            [this](bool durable) { durability.push_back(durable); });
        serve({&authority, &store, nullptr});
    }
    void serve(const Service& service) { dispatcher->serve(reactor, service); }
    void submit(std::uint64_t token, Octets body) {
        // Kept: it is submitted in the next round.
        reactor.post([this, token, kept = std::vector<std::byte>(body.begin(), body.end())] {
            dispatcher->submit(reactor, answers, token, Address{}, kept);
        });
    }
    void submit(std::uint64_t token) {
        static const Body body = requestOf(7);
        submit(token, body);
    }
    void round() { reactor.turn(kNow); }
    /// What the first round gathers leaves when the second finds nothing more.
    void turn() {
        round();
        round();
    }
    /// Turns until `token` answers have arrived: for what waits on a timer.
    void turnUntil(std::size_t count) {
        while (answers.tokens.size() < count)
            reactor.turn(10s);
    }
    void commit(std::size_t piece, Durability how = Durability::durable) {
        store.pieces[piece].done(how);
        turn();
    }
    const Counters& counters() const { return dispatcher->counters(); }
};

}  // namespace muster::dispatch::test
