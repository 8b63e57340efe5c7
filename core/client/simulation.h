/// Lets a fleet live: every machine asks when it is due, hears what the host says, and waits for its next turn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "muster/types.h"

#include "client/discovery.h"
#include "client/windows_client.h"

namespace muster::client {

/// What one host gave for one request.
struct Reply {
    enum class Kind : std::uint8_t {
        answer,       ///< `answer` is set, its seal is good or cannot be checked
        refused,      ///< the host, or the RPC run time, said `code`
        unreachable,  ///< no host was there, or it went away: another one may be tried
    };
    Kind kind = Kind::unreachable;
    HResult code = HResult::rpcServerUnavailable;
    ActivationAnswer answer;
    std::string detail;  ///< for people: "127.0.0.1:1688: Connection refused"
};

/// The network as a machine sees it.
/// @thread many at once
class Network {
public:
    virtual ~Network() = default;

    /// The hosts to try, in no order.
    virtual tl::expected<std::vector<dns::Service>, LookupFailure> discover() = 0;
    virtual Reply ask(const Endpoint& host, const ActivationRequest& request) = 0;
};

/// What happened, for whoever prints it.
struct Event {
    const WindowsClient& machine;
    const ActivationRequest& request;
    const Attempt& attempt;
    std::string host;    ///< the last one asked; empty when none was found
    std::string detail;  ///< why there was no answer
    Minutes at{0};
};

struct Progress {
    std::size_t machines = 0;
    std::size_t done = 0;        ///< as often activated as wanted
    std::uint64_t attempts = 0;  ///< of all machines together
    std::uint64_t activations = 0;
    std::uint64_t refusals = 0;         ///< by the host, or by the client for an insufficient count
    std::uint64_t unreachable = 0;      ///< attempts that found no host
    std::chrono::milliseconds next{0};  ///< real time until the next attempt; 0: one is under way
};

/// @thread one call at a time, from any of the simulation's threads
class Listener {
public:
    virtual ~Listener() = default;
    virtual void onEvent(const Event& event) = 0;
    /// After a while without an event.
    virtual void onProgress(const Progress& progress) = 0;
};

struct Pace {
    std::chrono::nanoseconds minute{std::chrono::milliseconds(10)};  ///< how long a licence minute really takes
    Monotonic deadline = Monotonic::max();
    std::chrono::milliseconds progressEvery{5000};
    std::size_t jobs = 1;        ///< machines that ask at the same time
    std::uint32_t renewals = 0;  ///< wanted after the first activation
    bool once = false;           ///< each machine tries once, whatever comes of it
};

class Simulation {
public:
    /// @param network, listener  outlive the simulation
    Simulation(std::vector<WindowsClient> machines, Network& network, Listener& listener, const Pace& pace);

    /// Runs until every machine was activated as often as wanted, or tried once with `once`, or the deadline passed.
    /// With one job the machines ask in their own order, one after the other; equal times go by position.
    /// @return  whether all are activated as often as wanted
    bool run();

    const std::vector<WindowsClient>& machines() const noexcept { return machines_; }
    Progress progress() const;

private:
    struct Turn {
        Minutes due;
        std::size_t machine;
        bool operator>(const Turn& other) const noexcept {
            return due != other.due ? due > other.due : machine > other.machine;
        }
    };

    void work();
    /// One machine's attempt, without the lock: the machine is this thread's while it is out of the queue.
    void attempt(std::unique_lock<std::mutex>& lock, std::size_t index);
    std::vector<Endpoint> hostsFor(const WindowsClient& machine, LookupFailure& failure);
    Minutes now() const;
    Monotonic real(Minutes licence) const;
    bool finished() const noexcept;

    std::vector<WindowsClient> machines_;
    std::vector<Endpoint> cached_;  ///< by machine: where it was activated; an empty host: nowhere yet
    Network& network_;
    Listener& listener_;
    Pace pace_;
    std::uint32_t wanted_;
    Monotonic began_;
    Monotonic quietSince_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
    std::size_t busy_ = 0;
    std::size_t done_ = 0;
    std::uint64_t attempts_ = 0;
    std::uint64_t activations_ = 0;
    std::uint64_t refusals_ = 0;
    std::uint64_t unreachable_ = 0;
    std::mutex randomMutex_;
    std::mt19937_64 random_;
};

}  // namespace muster::client
