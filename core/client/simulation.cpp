#include "client/simulation.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "dns/srv_order.h"

namespace muster::client {

namespace {

/// Windows 7 and 2008 R2 look at priority and weight of SRV records; the generation before picks at random.
bool minds(const Edition& product) noexcept {
    return product.generation != "vista" && product.generation != "server2008";
}

}  // namespace

Simulation::Simulation(std::vector<WindowsClient> machines, Network& network, Listener& listener, const Pace& pace)
    : machines_(std::move(machines)),
      cached_(machines_.size(), Endpoint{{}, 0}),
      network_(network),
      listener_(listener),
      pace_(pace),
      wanted_(pace.renewals + 1),
      began_(std::chrono::steady_clock::now()),
      quietSince_(began_),
      random_(std::random_device{}()) {
    for (std::size_t i = 0; i < machines_.size(); ++i)
        turns_.push({machines_[i].due(), i});
}

bool Simulation::run() {
    began_ = quietSince_ = std::chrono::steady_clock::now();
    std::vector<std::thread> helpers;
    const std::size_t jobs = std::min(pace_.jobs, machines_.size());
    for (std::size_t i = 1; i < jobs; ++i)
        helpers.emplace_back([this] { work(); });
    work();
    for (std::thread& helper : helpers)
        helper.join();
    return done_ == machines_.size();
}

void Simulation::work() {
    std::unique_lock lock(mutex_);
    while (!finished()) {
        const Monotonic time = std::chrono::steady_clock::now();
        if (time >= pace_.deadline)
            break;
        if (time - quietSince_ >= pace_.progressEvery) {
            quietSince_ = time;
            Progress progress{machines_.size(), done_, attempts_, activations_, refusals_, unreachable_, {}};
            if (busy_ == 0 && !turns_.empty())
                progress.next = std::chrono::duration_cast<std::chrono::milliseconds>(real(turns_.top().due) - time);
            progress.next = std::max(progress.next, std::chrono::milliseconds{0});
            listener_.onProgress(progress);
        }
        const Monotonic nextWord = std::min(pace_.deadline, quietSince_ + pace_.progressEvery);
        if (turns_.empty()) {
            changed_.wait_until(lock, nextWord);
            continue;
        }
        const Turn turn = turns_.top();
        if (turn.due > now()) {
            changed_.wait_until(lock, std::min(nextWord, real(turn.due)));
            continue;
        }
        turns_.pop();
        attempt(lock, turn.machine);
    }
    changed_.notify_all();
}

void Simulation::attempt(std::unique_lock<std::mutex>& lock, std::size_t index) {
    WindowsClient& machine = machines_[index];
    Endpoint& cached = cached_[index];
    const bool wasDone = machine.successes() >= wanted_;
    ++busy_;
    lock.unlock();

    const Minutes at = now();
    LookupFailure failure;
    bool fromCache = !cached.host.empty();
    std::vector<Endpoint> hosts = fromCache ? std::vector{cached} : hostsFor(machine, failure);
    ActivationRequest request = machine.request(at, wallNow());
    Reply reply{Reply::Kind::unreachable, failure.code, {}, failure.detail};
    Endpoint asked{{}, 0};
    for (std::size_t next = 0; next < hosts.size();) {
        asked = hosts[next++];
        // Every host is asked with the time of that moment, as a machine would.
        request = machine.request(at, wallNow());
        reply = network_.ask(asked, request);
        if (reply.kind != Reply::Kind::unreachable)
            break;
        if (fromCache) {
            // DNS is asked again only when the host that was good before fails.
            fromCache = false;
            cached = Endpoint{{}, 0};
            hosts = hostsFor(machine, failure);
            std::erase(hosts, asked);
            next = 0;
        }
    }

    Attempt result;
    switch (reply.kind) {
        case Reply::Kind::answer:
            result = machine.onAnswer(request, reply.answer, at);
            break;
        case Reply::Kind::refused:
            result = machine.onRefusal(reply.code, at);
            break;
        case Reply::Kind::unreachable:
            result = machine.onNoHost(reply.code, at);
            break;
    }
    if (result.activated)
        cached = asked;

    lock.lock();
    --busy_;
    ++attempts_;
    if (result.activated)
        ++activations_;
    else if (reply.kind == Reply::Kind::unreachable)
        ++unreachable_;
    else
        ++refusals_;
    if (!wasDone && machine.successes() >= wanted_)
        ++done_;
    if (!pace_.once)
        turns_.push({machine.due(), index});
    listener_.onEvent({machine, request, result, asked.host.empty() ? std::string() : asked.text(), reply.detail, at});
    quietSince_ = std::chrono::steady_clock::now();
    changed_.notify_all();
}

std::vector<Endpoint> Simulation::hostsFor(const WindowsClient& machine, LookupFailure& failure) {
    auto records = network_.discover();
    if (!records) {
        failure = std::move(records.error());
        return {};
    }
    const auto choice = minds(machine.profile().product) ? dns::SrvChoice::byWeight : dns::SrvChoice::atRandom;
    std::vector<Endpoint> hosts;
    const std::lock_guard guard(randomMutex_);
    for (dns::Service& service : dns::order(std::move(*records), choice, random_))
        hosts.push_back({std::move(service.target), service.port});
    return hosts;
}

Progress Simulation::progress() const {
    const std::lock_guard guard(mutex_);
    return {machines_.size(), done_, attempts_, activations_, refusals_, unreachable_, {}};
}

Minutes Simulation::now() const {
    return Minutes{(std::chrono::steady_clock::now() - began_) / pace_.minute};
}

Monotonic Simulation::real(Minutes licence) const {
    return began_ + licence.count() * pace_.minute;
}

bool Simulation::finished() const noexcept {
    return done_ == machines_.size() || (pace_.once && turns_.empty() && busy_ == 0);
}

}  // namespace muster::client
