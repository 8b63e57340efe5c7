/// Stand-ins for the host's services: families from given tables, a pool with settable content, a dispatcher that
/// captures, an exchange to hand to an authority.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/exchange.h"
#include "muster/plugin.h"
#include "muster/pool.h"

namespace muster::test {

/// Fill `tables` with the families that are loaded, `countVirtual` with what a setting says instead of their rule.
class FakeFamilies final : public Families {
public:
    std::vector<const muster_family*> tables;
    std::map<std::string, bool, std::less<>> countVirtual;

    Product find(const Guid& counted, const Guid& sku) const noexcept override {
        Product product;
        for (const muster_family* family : tables)
            for (std::uint32_t i = 0; i < family->counted_count; ++i) {
                const muster_counted& candidate = family->counted[i];
                if (std::memcmp(candidate.id.octets, counted.octets.data(), counted.octets.size()) != 0)
                    continue;
                product.family = family;
                product.counted = &candidate;
                const auto setting = countVirtual.find(std::string_view(family->name));
                product.countsVirtual =
                    setting != countVirtual.end() ? setting->second : candidate.virtual_rule == MUSTER_VIRTUAL_COUNTS;
                for (std::uint32_t k = 0; k < candidate.sku_count; ++k)
                    if (std::memcmp(candidate.skus[k].id.octets, sku.octets.data(), sku.octets.size()) == 0)
                        product.sku = &candidate.skus[k];
                return product;
            }
        return product;
    }
    const muster_family* byName(std::string_view name) const noexcept override {
        for (const muster_family* family : tables)
            if (name == family->name)
                return family;
        return nullptr;
    }
    std::vector<const muster_family*> all() const override { return tables; }
};

class FakePool final : public Pool {
public:
    std::map<Guid, std::vector<CountedClient>> clients;  ///< by application, in any order

    std::vector<CountedClient> counted(const Guid& application, Timestamp since, std::size_t limit) override {
        std::vector<CountedClient> out;
        if (const auto found = clients.find(application); found != clients.end())
            std::copy_if(found->second.begin(), found->second.end(), std::back_inserter(out),
                         [&](const CountedClient& client) { return client.counted >= since; });
        std::stable_sort(out.begin(), out.end(),
                         [](const CountedClient& a, const CountedClient& b) { return a.counted > b.counted; });
        if (out.size() > limit)
            out.resize(limit);
        return out;
    }
    std::vector<Application> applications() override {
        std::vector<Application> out;
        for (const auto& [id, counted] : clients) {
            if (counted.empty())
                continue;
            Application application{id, 0};
            for (const CountedClient& client : counted)
                application.largestRequired = std::max(application.largestRequired, client.requiredClients);
            out.push_back(application);
        }
        return out;
    }
};

/// Keeps what a listener submits until the test responds, or answers at once through `answer`.
class FakeDispatcher final : public Dispatcher {
public:
    struct Submission {
        Reactor* reactor = nullptr;
        Responder* responder = nullptr;  ///< nullptr once it was answered or detached
        std::uint64_t token = 0;
        Address source;
        std::vector<std::byte> body;
    };

    std::vector<Submission> submissions;
    /// When set: the outcome of each submission, given before submit() returns; nullopt leaves it waiting.
    std::function<std::optional<Outcome>(const Submission&)> answer;

    void submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address& source,
                Octets body) noexcept override {
        submissions.push_back({&reactor, &responder, token, source, {body.begin(), body.end()}});
        if (!answer)
            return;
        if (const auto outcome = answer(submissions.back()))
            respond(submissions.size() - 1, *outcome);
    }
    void detach(Reactor& reactor, Responder& responder) noexcept override {
        for (Submission& submission : submissions)
            if (submission.responder == &responder && submission.reactor == &reactor)
                submission.responder = nullptr;
    }
    /// False: that one was answered before, or its responder has gone.
    bool respond(std::size_t index, const Outcome& outcome) {
        Responder* responder = std::exchange(submissions.at(index).responder, nullptr);
        if (responder)
            responder->respond(submissions[index].token, outcome);
        return responder != nullptr;
    }
};

/// What an authority gets. Set the members, hand it to decide(), look at `outcome`.
class FakeExchange final : public Exchange {
public:
    explicit FakeExchange(Reactor& reactor) : reactor_(reactor) {}

    ActivationRequest asked;
    bool known = true;  ///< wellFormed()
    std::vector<std::byte> octets;
    Address from = Address::parse("10.0.0.7:49152").value();
    Timestamp at{};
    Product of;
    bool overLimit = false;

    std::optional<Outcome> outcome;
    unsigned completions = 0;  ///< more than one is a programming error of the authority

    Reactor& reactor() noexcept override { return reactor_; }
    const ActivationRequest& request() const noexcept override { return asked; }
    bool wellFormed() const noexcept override { return known; }
    Octets body() const noexcept override { return octets; }
    const Address& source() const noexcept override { return from; }
    Timestamp received() const noexcept override { return at; }
    const Product& product() const noexcept override { return of; }
    bool overNewClientLimit() const noexcept override { return overLimit; }
    void complete(const Outcome& result) noexcept override {
        if (completions++ == 0)
            outcome = result;
    }

private:
    Reactor& reactor_;
};

}  // namespace muster::test
