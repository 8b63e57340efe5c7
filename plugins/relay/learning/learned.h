/// What the relay learns about each upstream from the traffic that passes anyway: nothing is asked for its sake.
///
///     auto record = learned.of("kms-a");       // once, when the upstream appears
///     record->note(observation);               // every exchange, on its reactor
///     for (const auto& [name, knowledge] : learned.snapshot()) …
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/exchange.h"
#include "muster/types.h"

#include "knowledge.h"
#include "relay/upstream.h"

namespace muster::relay {

/// One exchange at one upstream. The references live as long as the call of note().
struct Observation {
    Timestamp when{};
    const Address& source;
    const ActivationRequest& request;
    const Product& product;
    Ending ending = Ending::broken;
    HResult result = HResult::ok;  ///< of answered and refused
    Octets epid;                   ///< UTF-16LE of a version 4 answer's ePID, without its terminator; empty else
    std::uint32_t count = 0;       ///< these three of a version 4 answer
    std::uint32_t activationInterval = 0;
    std::uint32_t renewalInterval = 0;
    std::uint32_t waited = 0;  ///< microseconds from sending to the whole answer
};

/// What a list shows of an upstream.
struct Headline {
    Timestamp lastAnswer{};      ///< zero: there was none
    bool hasCount = false;       ///< some version 4 answer was seen
    std::uint32_t count = 0;     ///< in the latest one
    std::uint64_t answered = 0;  ///< ever
    std::uint64_t refused = 0;   ///<
    std::uint64_t failed = 0;    ///< all other endings
    std::uint32_t medianUs = 0;  ///< microseconds; 0: no answer in two days
    std::uint32_t p99Us = 0;     ///<
};

/// What the clock says about a refusal for a wrong clock. @param ahead  seconds, as in Example
Clock clockOf(const ActivationRequest& request, std::int32_t ahead) noexcept;

/// Seconds since 1970, as a ClientRecord has them.
std::uint32_t secondsOf(Timestamp time) noexcept;
/// Whether a host that heard of this client when we did still remembers it. Times of a clock that was a day or more
/// ahead do not count.
bool isPresent(const ClientRecord& client, Timestamp now) noexcept;

/// The record of one upstream. @thread any; a call holds the lock of this upstream alone
class LearnedUpstream {
public:
    LearnedUpstream() = default;
    explicit LearnedUpstream(Knowledge known);
    LearnedUpstream(const LearnedUpstream&) = delete;
    LearnedUpstream& operator=(const LearnedUpstream&) = delete;

    /// Allocates only where a list grows, which all are bounded to; where memory is short the observation is lost.
    void note(const Observation& seen) noexcept;

    /// Whether the latest verdict of this host on a counted ID was, within the last hour, that its key does not cover
    /// it (0xC004F042), or 0xC004F06C to a client whose clock is right: another upstream is the better choice. False
    /// for a zero ID: of sealed requests nothing is known. Takes no lock where nothing was refused in that hour.
    bool latelyRefuses(const Guid& counted, Timestamp now) const noexcept;

    Knowledge snapshot() const;
    Headline headline() const;
    /// When it last had an exchange.
    Timestamp last() const;
    /// Grow with every exchange, and with every one that says something new; for whoever keeps it.
    struct Marks {
        std::uint64_t exchanges = 0;
        std::uint64_t news = 0;
    };
    Marks marks() const;

private:
    void noteProduct(const Observation& seen, const Example& example);
    void noteEpid(const Observation& seen);
    void noteIntervals(const Observation& seen);
    void noteCount(const Observation& seen);
    void noteClient(const Observation& seen, std::uint8_t group, Timestamp& overflowed, ApplicationRecord* application,
                    bool rose);
    ProductRecord* productOf(const Observation& seen);
    ApplicationRecord* applicationOf(const Guid& id, Timestamp when);
    std::size_t slotOf(const Guid& id, std::uint8_t group) const noexcept;
    template <class Gone>
    void dropClients(Gone&& gone);
    void rebuildIndex();

    static constexpr std::uint16_t kEmpty = 0xffff;

    mutable std::mutex mutex_;
    Knowledge known_;
    std::size_t hint_ = 0;              ///< product of the latest exchange
    std::vector<std::uint16_t> index_;  ///< of known_.clients, by CMID and application: open addressing
    std::array<std::uint16_t, kMaxApplications + 1> clientsOf_{};  ///< the last one: sealed
    std::uint32_t purged_ = 0;  ///< seconds since 1970: when clients of over 30 days were last dropped
    Marks marks_;
    std::atomic<std::int64_t> verdictAt_{INT64_MIN};  ///< milliseconds: when latelyRefuses() last became true for an ID
};

/// All upstreams by name. @thread any
class Learned {
public:
    /// The record of an upstream, made when there is none. What nobody holds may make room beyond kMaxUpstreams.
    static constexpr std::size_t kMaxUpstreams = 64;
    std::shared_ptr<LearnedUpstream> of(std::string_view name);
    /// nullptr: nothing was ever learnt under that name.
    std::shared_ptr<LearnedUpstream> find(std::string_view name) const;

    struct Named {
        std::string name;
        Knowledge knowledge;
    };
    /// By name.
    std::vector<Named> snapshot() const;
    /// Sums over all upstreams.
    LearnedUpstream::Marks marks() const;
    /// Puts back what was kept; replaces a record of the same name, so before the first of().
    void restore(std::vector<Named> kept);
    void forget(std::string_view name);

private:
    using Records = std::map<std::string, std::shared_ptr<LearnedUpstream>, std::less<>>;
    void makeRoom();
    void erase(Records::iterator record);

    mutable std::mutex mutex_;
    Records records_;
    LearnedUpstream::Marks gone_;  ///< of records that are no longer there, so that the sums never fall
};

}  // namespace muster::relay
