/// All that traffic has taught about one upstream, as a plain value. Everything in it is bounded: what a client or a
/// host sends can fill a list, never lengthen it beyond the numbers here.
///
/// Times are those of this appliance's clock. "The run" of a refusal is what came since the last answer: while
/// `answered` of the same record has not moved, nothing else has been heard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "muster/types.h"

#include "answer_times.h"
#include "relay/upstream.h"

namespace muster::relay {

constexpr std::size_t kMaxCodes = 16;             ///< HRESULTs that are told apart, of an upstream
constexpr std::size_t kMaxProductCodes = 6;       ///< … and of one product group
constexpr std::size_t kMaxProducts = 64;          ///< counted IDs; the one longest unseen makes room
constexpr std::size_t kMaxApplications = 4;       ///< counts that are followed: Windows, two of Office, one more
constexpr std::size_t kMaxClients = 512;          ///< CMIDs of one application; addresses of sealed requests
constexpr std::size_t kMaxExamples = 3;           ///< of one run, each of another client
constexpr std::size_t kMaxOffClocks = 8;          ///< clients whose own clock was the reason
constexpr std::size_t kMaxRecentClocks = 8;       ///< clocks of the clients that were answered last
constexpr std::size_t kMaxEpids = 6;              ///< the present one and five before it
constexpr std::size_t kMaxIntervals = 6;          ///< likewise
constexpr std::size_t kMaxHours = 30 * 24;        ///< samples of a count, one an hour for 30 days
constexpr std::size_t kMaxFiveMinutes = 24 * 12;  ///< … and one in five minutes for a day
constexpr std::size_t kMaxEpidOctets = 126;       ///< 63 UTF-16 units

/// How long a host remembers a client, and so how long a client is evidence about a count.
/// @source docs/kms.md, "Counting"
constexpr std::chrono::hours kHostMemory{30 * 24};
/// A host refuses a client whose clock is further off with 0xC004F06C.
/// @source docs/kms.md, "What a host returns"
constexpr std::chrono::seconds kClockLimit{4 * 3600};
/// The host's clock is not ours: this near to the limit nothing is concluded.
constexpr std::chrono::seconds kClockDoubt{10 * 60};

/// What the client's clock, held against ours, says about a refusal for a wrong clock.
enum class Clock : std::uint8_t {
    right,    ///< cannot be the reason
    wrong,    ///< is the reason
    unclear,  ///< within ten minutes of the limit
    sealed,   ///< versions 5 and 6 do not show it
};

/// One request as evidence.
struct Example {
    Timestamp when{};
    Guid cmid;            ///< zero where the request is sealed
    MachineName machine;  ///< hostile text; empty where the request is sealed
    Address source;
    std::int32_t ahead = 0;  ///< seconds that the client's clock was ahead of ours; negative: behind
    HResult code = HResult::ok;
};

struct CodeTally {
    HResult code = HResult::ok;
    std::uint64_t total = 0;
    Timestamp first{};
    Timestamp last{};
    std::uint64_t run = 0;  ///< since the last answer
    Timestamp runSince{};
    std::uint64_t answered = 0;  ///< how many answers there had been when the run began
};

/// Refusals of one code, one after the other, that say something about the host and not about the one client.
struct Run {
    HResult code = HResult::ok;  ///< ok: there was none
    std::uint64_t length = 0;
    Timestamp since{};
    Timestamp last{};
    std::uint64_t answered = 0;
    std::vector<Example> examples;  ///< the latest, each of another client (CMID; sealed: address)
};

/// What became of the requests for one counted ID; sealed requests are one of these for each version.
struct ProductRecord {
    Guid counted;             ///< zero: sealed
    std::uint16_t major = 0;  ///< protocol version
    bool known = false;       ///< to a family that was loaded when it was last seen
    Guid application;
    std::uint32_t required = 0;  ///< N-policy of the latest request
    Timestamp first{};
    Timestamp last{};
    std::uint64_t answered = 0;
    Timestamp firstAnswered{};
    Timestamp lastAnswered{};
    Example example;  ///< the latest that was answered; `when` zero: none was
    std::vector<CodeTally> codes;
    std::uint64_t otherRefusals = 0;  ///< of codes beyond kMaxProductCodes
    Run run;

    bool isSealed() const noexcept { return major >= 5; }
    /// Nothing was answered since this run began.
    bool inRun() const noexcept { return run.code != HResult::ok && run.answered == answered; }
};

struct EpidRecord {
    std::array<std::byte, kMaxEpidOctets> octets{};  ///< UTF-16LE, hostile
    std::uint8_t size = 0;
    Timestamp since{};  ///< when it was first seen
    Timestamp last{};
    std::uint64_t answers = 0;
    std::uint32_t returns = 0;  ///< how often it came back after another one

    Octets view() const noexcept { return {octets.data(), size}; }
};

struct IntervalRecord {
    std::uint32_t activation = 0;  ///< minutes
    std::uint32_t renewal = 0;     ///< minutes
    Timestamp since{};
    Timestamp last{};
};

struct CountSample {
    std::uint32_t start = 0;  ///< seconds since 1970, a multiple of the sample's length
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    std::uint32_t last = 0;
};

/// How often the count rose when a client answered that this upstream had not answered in 30 days.
struct Rises {
    std::uint32_t asked = 0;
    std::uint32_t rose = 0;
};

/// What the host counts for one application.
struct ApplicationRecord {
    Guid id;
    std::uint32_t required = 0;  ///< the largest N-policy that was answered
    std::uint32_t count = 0;
    Timestamp counted{};  ///< when that was
    /// From when on the clients seen can be held against the count: the first answer, or when the host began anew.
    Timestamp epoch{};
    std::uint32_t fellFrom = 0;  ///< the count at the time of `epoch`, where it fell by more than half; else 0
    std::uint32_t fellTo = 0;
    Timestamp overflowed{};  ///< when a client last found no room in the table: what is counted is "at least"
    Rises physical;
    Rises virtual_;
    std::vector<CountSample> hours;    ///< oldest first
    std::vector<CountSample> minutes;  ///< of five; oldest first

    /// The count never shows more: the host remembers twice the largest N-policy. @source docs/kms.md, "Counting"
    std::uint64_t cap() const noexcept { return std::uint64_t{2} * required; }
};

/// One client that was answered in the last 30 days.
struct ClientRecord {
    static constexpr std::uint8_t kSealed = 0xff;

    Guid id;                  ///< CMID; of a sealed request the address it came from
    std::uint32_t first = 0;  ///< seconds since 1970
    std::uint32_t last = 0;
    std::uint8_t application = 0;  ///< index into applications, or kSealed
    bool isVirtual = false;
};

struct RecentClock {
    Guid cmid;
    Timestamp when{};
    std::int32_t ahead = 0;  ///< seconds
};

struct Knowledge {
    Timestamp since{};  ///< the first exchange; zero: there was none
    Timestamp last{};
    std::array<std::uint64_t, 7> endings{};  ///< by Ending
    Timestamp lastAnswer{};
    Timestamp lastRefusal{};
    std::vector<CodeTally> codes;
    std::uint64_t otherRefusals = 0;
    std::vector<EpidRecord> epids;          ///< the present one first
    std::vector<IntervalRecord> intervals;  ///< the present ones first
    std::vector<ApplicationRecord> applications;
    std::vector<ProductRecord> products;
    std::vector<ClientRecord> clients;
    Timestamp sealedOverflowed{};
    std::vector<Example>
        offClocks;  ///< refused for a clock that is wrong by ours; latest first, each of another client
    std::array<RecentClock, kMaxRecentClocks> recentClocks{};  ///< of answered clients; a ring
    std::uint8_t recentClock = 0;                              ///< where the next one goes
    AnswerTimes times;

    std::uint64_t of(Ending ending) const noexcept { return endings[static_cast<std::size_t>(ending)]; }
};

}  // namespace muster::relay
