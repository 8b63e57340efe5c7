/// What musterd and musterd-system say to each other: one request, one answer, each one packet of a SOCK_SEQPACKET
/// socket. Both ends take the other's words for hostile. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "system/settings.h"

namespace muster::system {

constexpr std::uint16_t kProtocol = 1;                      ///< of this codec; said in Hello
constexpr std::size_t kMaxPacket = std::size_t{16} * 1024;  ///< octets of either kind
constexpr std::size_t kMaxWords = 1024;                     ///< octets of an error's text, and of an update's
constexpr std::size_t kMaxName = 128;                       ///< of a slot, a version, a state
constexpr std::size_t kMaxPath = 256;
constexpr std::size_t kMaxSlots = 16;
constexpr std::size_t kMaxLive = 32;  ///< ports that a box has, and addresses of each

/// All that can be asked. The numbers are those of the wire: append only.
enum class Verb : std::uint8_t {
    hello = 1,
    networkRead,
    networkSet,      ///< on trial until networkConfirm
    networkConfirm,  ///< the trial is over: it stays
    networkRevert,   ///< the trial is over: back
    timeRead,
    timeSet,
    clockSet,
    hostnameRead,
    hostnameSet,
    firewallRead,
    firewallSet,
    slotsRead,
    slotMark,
    updateRead,
    updateInstall,  ///< of the file whose name Hello says
    restart,
    powerOff,
    reset,  ///< to factory settings, at the restart that begins with it
};
constexpr Verb kFirstVerb = Verb::hello;
constexpr Verb kLastVerb = Verb::reset;
const char* name(Verb verb) noexcept;  ///< "networkRead"

struct Clock {
    std::int64_t seconds = 0;  ///< since 1970, UTC; 2020-01-01 to 2100-01-01
    bool operator==(const Clock&) const = default;
};
constexpr std::int64_t kMinClock = 1'577'836'800;
constexpr std::int64_t kMaxClock = 4'102'444'800;

struct Hostname {
    std::string name;
    bool operator==(const Hostname&) const = default;
};

struct SlotMark {
    enum class As : std::uint8_t { good, bad, active };
    enum class Which : std::uint8_t { booted, other };
    As as = As::good;
    Which which = Which::booted;
    bool operator==(const SlotMark&) const = default;
};

using Argument = std::variant<std::monostate, NetworkSettings, TimeSettings, Clock, Hostname, OpenPorts, SlotMark>;

struct Request {
    Verb verb = Verb::hello;
    Argument argument;  ///< of the one kind that the verb has
    bool operator==(const Request&) const = default;
};

struct Hello {
    std::uint16_t protocol = kProtocol;
    std::string version;     ///< of musterd-system
    std::string updateFile;  ///< absolute: where the bundle lies that updateInstall installs
    bool slots = false;      ///< the box has two systems, and RAUC to change them
    bool operator==(const Hello&) const = default;
};

/// A network port as it is now.
struct LivePort {
    std::string name;
    bool up = false;  ///< it is up and has a carrier
    std::string mac;  ///< "52:54:00:12:34:56"; empty: it has none
    std::vector<Prefix> addresses;
    bool operator==(const LivePort&) const = default;
};

struct NetworkState {
    NetworkSettings settings;       ///< in force
    std::uint32_t secondsLeft = 0;  ///< until they go back to what was before; 0: they are not on trial
    std::vector<LivePort> ports;
    bool operator==(const NetworkState&) const = default;
};

struct TimeState {
    TimeSettings settings;
    bool synchronized = false;  ///< a server has told the time since the start
    std::int64_t now = 0;       ///< seconds since 1970
    bool operator==(const TimeState&) const = default;
};

struct Slot {
    std::string name;       ///< "rootfs.0"
    std::string bootName;   ///< "A"; empty: it belongs to one that has one
    std::string state;      ///< "booted", "active", "inactive"
    std::string health;     ///< "good", "bad"; empty: not known
    std::string version;    ///< of what is installed there; empty: not known
    std::string installed;  ///< when; empty: not known
    bool operator==(const Slot&) const = default;
};

struct SlotsState {
    std::string compatible;  ///< which bundles fit
    std::string booted;      ///< boot name
    std::string primary;     ///< name of the slot that is started next
    std::vector<Slot> slots;
    bool operator==(const SlotsState&) const = default;
};

struct UpdateState {
    enum class Phase : std::uint8_t {
        none,
        installing,
        installed,  ///< the next start is of it
        failed,     ///< it was not installed
        running,    ///< it was started since
        wentBack,   ///< it was started since, and the box went back to the other system by itself
    };
    Phase phase = Phase::none;
    std::uint8_t percent = 0;
    std::string words;    ///< what the installer says
    std::string slot;     ///< boot name of the system that it went into; empty: not known
    std::string version;  ///< of what was installed there; empty: not known
    bool operator==(const UpdateState&) const = default;
};

/// monostate: done, and nothing to say.
using Answer =
    std::variant<std::monostate, Hello, NetworkState, TimeState, Hostname, OpenPorts, SlotsState, UpdateState>;

/// Whether it may be done: the argument is the verb's, and all in it within its bounds.
/// @error malformed  the first thing that is wrong, with what may be
Result<void> check(const Request& request);

/// @param number  comes back with the answer
/// @error malformed  as check()
Result<std::vector<std::byte>> encodeRequest(std::uint32_t number, const Request& request);
/// @param packet  hostile
/// @error malformed  as check(), or no request
Result<std::pair<std::uint32_t, Request>> decodeRequest(Octets packet);

/// An answer to `verb`, or an error, whose texts are cut to kMaxWords.
/// @error internal  the answer is none to that verb, or more than fits: our own mistake
Result<std::vector<std::byte>> encodeAnswer(std::uint32_t number, Verb verb, const Result<Answer>& answer);
/// @param packet  hostile
/// @param verb    that was asked: of another's answer nothing is taken
/// @error malformed  no answer to that; of the inner result: what the other end said
Result<std::pair<std::uint32_t, Result<Answer>>> decodeAnswer(Octets packet, Verb verb);

}  // namespace muster::system
