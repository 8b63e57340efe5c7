/// One reactor's part of the dispatcher. Everything here happens on that reactor's thread, but for Lane::arrived().
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "muster/authority.h"
#include "muster/exchange.h"

#include "host/dispatch/activation_dispatcher.h"
#include "pool/store.h"

namespace muster::dispatch {

struct ActivationDispatcher::Shared {
    explicit Shared(Families& known, OnDurability tell) : families(known), onDurability(std::move(tell)) {}

    Families& families;
    OnDurability onDurability;
    Counters counters;
    std::atomic<bool> durable{true};

    void setDurable(bool now) {
        // The load first: a store that works must not make every reactor write to one cache line.
        if (durable.load(std::memory_order_relaxed) != now && durable.exchange(now, std::memory_order_relaxed) != now &&
            onDurability)
            onDurability(now);
    }
};

class Lane;

/// From submit() until its outcome has been responded, or, when the time was up before, until its authority lets go.
class LiveExchange final : public Exchange {
public:
    explicit LiveExchange(Lane& lane) noexcept : lane_(lane) {}

    Reactor& reactor() noexcept override;
    const ActivationRequest& request() const noexcept override { return request_; }
    bool wellFormed() const noexcept override { return wellFormed_; }
    Octets body() const noexcept override {
        return long_.empty() ? Octets(short_.data(), size_) : Octets(long_.data(), long_.size());
    }
    const Address& source() const noexcept override { return source_; }
    Timestamp received() const noexcept override { return received_; }
    const Product& product() const noexcept override { return product_; }
    bool overNewClientLimit() const noexcept override { return overLimit_; }
    void complete(const Outcome& outcome) noexcept override;

private:
    friend class Lane;

    enum class State : std::uint8_t {
        free,
        deciding,   ///< with its authority
        decided,    ///< has its outcome, waits for its record
        abandoned,  ///< responded to because time was up; its authority still has it
    };
    static constexpr std::size_t kShortBody = 264;  ///< every known version fits: 252 and 260 octets

    Lane& lane_;
    State state_ = State::free;
    bool wellFormed_ = false;
    bool overLimit_ = false;
    bool own_ = false;                  ///< the appliance's: see OwnRequests
    bool leavesWithoutRecord_ = false;  ///< its authority's rule
    std::uint16_t size_ = 0;
    Responder* responder_ = nullptr;  ///< nullptr: nobody waits any more
    std::uint64_t token_ = 0;
    Authority* authority_ = nullptr;
    LiveExchange* next_ = nullptr;     ///< in a free list or a batch
    LiveExchange* younger_ = nullptr;  ///< in the lane's list of those that are being decided
    LiveExchange* older_ = nullptr;    ///<
    Monotonic deadline_;
    Timestamp received_;
    Address source_;
    Product product_;
    ActivationRequest request_;
    Outcome outcome_;
    std::array<std::byte, kShortBody> short_{};
    std::vector<std::byte> long_;
};

class Lane final : public RoundEnd {
public:
    explicit Lane(ActivationDispatcher::Shared& shared, const Limits& limits) : shared_(shared), limits_(limits) {}
    ~Lane() override;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void serve(Reactor& reactor, const Service& service) noexcept;
    void limit(const Limits& limits) noexcept { limits_ = limits; }
    void submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address& source,
                Octets body) noexcept;
    void detach(const Responder& responder) noexcept;
    bool isOwn(const Address& source) const noexcept {
        return service_.own != nullptr && service_.own->comesFrom(source);
    }
    void complete(LiveExchange& exchange, const Outcome& outcome) noexcept;
    void roundEnd() noexcept override;

    Reactor& reactor() noexcept { return *reactor_; }
    std::size_t inFlight() const noexcept { return inFlight_.load(std::memory_order_relaxed); }

private:
    /// What was gathered: sent to the store in one piece, released in one piece.
    struct Batch {
        explicit Batch(Lane& owner) noexcept : lane(owner) {}
        Lane& lane;
        LiveExchange* first = nullptr;  ///< nullptr once released
        Monotonic deadline;
        pool::Durability durability = pool::Durability::durable;
        Batch* next = nullptr;     ///< free list, or the list of those that have arrived
        Batch* younger = nullptr;  ///< those under way, oldest first
        Batch* older = nullptr;    ///<
    };

    void bind(Reactor& reactor) noexcept;
    LiveExchange* take(Octets body);
    void recycle(LiveExchange& exchange) noexcept;
    void respond(LiveExchange& exchange, const Outcome& outcome) noexcept;
    void count(Outcome::Kind kind) noexcept;
    void release(LiveExchange* exchange, bool durable) noexcept;
    void link(LiveExchange& exchange) noexcept;
    void unlink(LiveExchange& exchange) noexcept;
    /// Whether what is decided waits for more: each group costs a sync, however small it is.
    bool gathers() const noexcept;
    /// Has a round look whether more is ready, before the group leaves.
    void lookOnce() noexcept;
    void looked() noexcept;
    /// What is decided leaves: for the store, or at once when nothing is recorded.
    void leave() noexcept;
    void leave(LiveExchange* first, std::size_t count, Monotonic since) noexcept;
    /// The appliance's own request leaves alone: its record is another.
    void leaveOwn(LiveExchange& exchange) noexcept;
    bool send(Batch& batch, std::size_t count) const noexcept;
    /// Its exchanges wait for the store no more.
    void releaseEarly(Batch& batch) noexcept;
    /// Whether all in it may leave without their record.
    static bool nobodyWaits(const Batch& batch) noexcept;
    void recordAlone(const LiveExchange& exchange) const noexcept;
    static pool::RequestRecord record(const LiveExchange& exchange);

    /// @thread any: the store's, or this reactor's
    void arrived(Batch& batch, pool::Durability durability) noexcept;
    void takeArrived() noexcept;
    void armFor(Monotonic due) noexcept;
    void expire() noexcept;

    ActivationDispatcher::Shared& shared_;
    Limits limits_;
    Service service_;
    Reactor* reactor_ = nullptr;

    std::vector<std::unique_ptr<LiveExchange>> exchanges_;
    LiveExchange* freeExchanges_ = nullptr;
    std::vector<std::unique_ptr<Batch>> batches_;
    Batch* freeBatches_ = nullptr;

    LiveExchange* decided_ = nullptr;  ///< and not yet with the store, in the order of completion
    LiveExchange** decidedEnd_ = &decided_;
    std::size_t decidedCount_ = 0;
    Monotonic decidedSince_;        ///< the first of them
    Monotonic storeFree_;           ///< when the last group came back
    std::size_t groupsWaited_ = 0;  ///< batches under way whose exchanges wait for the store
    std::uint64_t movements_ = 0;   ///< submissions and completions
    std::uint64_t movementsSeen_ = 0;
    bool looking_ = false;

    LiveExchange* oldestDeciding_ = nullptr;
    LiveExchange* youngestDeciding_ = nullptr;
    Batch* oldestBatch_ = nullptr;
    Batch* youngestBatch_ = nullptr;
    Reactor::TimerId timer_ = 0;
    Monotonic timerDue_;

    std::size_t longOctets_ = 0;
    std::atomic<std::size_t> inFlight_{0};
    std::atomic<Batch*> arrived_{nullptr};
};

}  // namespace muster::dispatch
