/// What the watch says of a record, and the events in which it tells others.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/event.h"

namespace muster::publisher {

enum class Verdict : std::uint8_t {
    unknown,        ///< not judged yet, or DNS gives no answer: nothing is concluded from that
    ours,           ///< as it is set
    allowed,        ///< of a host that may stand there
    bypass,         ///< of an upstream: clients that choose it do not pass here
    missing,        ///< our record is not in a domain in which it is to be
    stale,          ///< the target has no address
    unreachable,    ///< nothing answers on the port
    notKms,         ///< something answers that is no KMS host
    foreign,        ///< a KMS host that is none of ours
    differs,        ///< our record, with another port, priority or weight than is set
    serversDiffer,  ///< the name servers of the zone do not have the same records
    scavenging,     ///< our record may be taken out for its age
};

/// "not-kms", "servers-differ": stable, as API and history file have it.
const char* name(Verdict verdict) noexcept;
std::optional<Verdict> verdictOf(std::string_view name) noexcept;

/// Somebody should do something about it.
constexpr bool isTrouble(Verdict verdict) noexcept {
    return verdict >= Verdict::bypass;
}

/// A verdict with its ground and what to do: "kms-old.corp.example does not exist, says 10.0.0.53:53", "remove …".
struct Judgement {
    Verdict verdict = Verdict::unknown;
    std::string evidence;  ///< one clause, the same for the same case; no full stop
    std::string advice;    ///< what to do; empty where nothing is to be done

    /// Both as one sentence, without its full stop.
    std::string text() const { return advice.empty() ? evidence : evidence + "; " + advice; }
    bool operator==(const Judgement&) const = default;
};

/// 24100 to 24119 are the watch's.
constexpr std::uint32_t kRecordMissing = 24100;
constexpr std::uint32_t kRecordStale = 24101;
constexpr std::uint32_t kTargetUnreachable = 24102;
constexpr std::uint32_t kTargetNotKms = 24103;
constexpr std::uint32_t kForeignHost = 24104;
constexpr std::uint32_t kBypass = 24105;
constexpr std::uint32_t kRecordDiffers = 24106;
constexpr std::uint32_t kServersDiffer = 24107;
constexpr std::uint32_t kScavenging = 24108;
constexpr std::uint32_t kSettled = 24109;
constexpr std::uint32_t kHistorySetAside = 24110;

/// The event of a trouble. @param verdict  one of isTrouble()
std::uint32_t eventOf(Verdict verdict) noexcept;

/// For the plugin's descriptor. Fields: domain, target, port, text (evidence and advice), before (24109), file and
/// problem (24110).
inline constexpr std::array kWatchEvents{
    EventSpec{kRecordMissing, Severity::error, "In {domain} the SRV record of this appliance is missing: {text}.",
              "Clients of that domain do not find this appliance by DNS. \"musterctl dns publish\" puts the record "
              "there; where updates are not allowed, \"musterctl dns snippets\" has the text to paste. Told when a "
              "second look says the same, and again after a day."},
    EventSpec{kRecordStale, Severity::warning, "In {domain} the record of {target} is stale: {text}.",
              "The name has no address. Clients that choose it lose seconds before they try another host. Remove the "
              "record if the host is retired, else give its name an address."},
    EventSpec{kTargetUnreachable, Severity::warning,
              "In {domain} the record of {target} names a port on which nothing answers: {text}.",
              "Clients that choose it lose up to 20 seconds before they try another host. Start the service there, let "
              "the firewall pass its port, or remove the record if the host is retired. The port was tried from this "
              "appliance; clients elsewhere may see otherwise."},
    EventSpec{kTargetNotKms, Severity::warning, "In {domain} the record of {target} names no KMS host: {text}.",
              "Something answers on that port, but has no KMS interface. Remove the record, or correct its port."},
    EventSpec{kForeignHost, Severity::error,
              "In {domain} {target} answers as a KMS host on port {port} and is none of ours: {text}.",
              "Often a client on which a KMS host key was installed by mistake: it publishes itself and gives wrong "
              "answers to a part of all new clients. On that machine \"slmgr.vbs /dli\" says which key it has; install "
              "a client key there (slmgr.vbs /ipk), then remove the record. If it is rightly there, add it to "
              "dns.allowed, or make it an upstream."},
    EventSpec{kBypass, Severity::warning, "In {domain} clients may choose upstream {target} directly: {text}.",
              "Such clients do not pass this appliance: they are neither counted nor explained here. \"slmgr.vbs "
              "/cdns\" on the upstream keeps it from publishing again; then remove its record. If it may stand there, "
              "add it to dns.allowed."},
    EventSpec{kRecordDiffers, Severity::warning, "In {domain} the record of this appliance is not as set: {text}.",
              "Somebody changed it, or it is left from earlier settings. \"musterctl dns publish\" puts it right."},
    EventSpec{kServersDiffer, Severity::warning, "The name servers of {domain} do not have the same records: {text}.",
              "Clients see one or the other by chance. Just after a change it takes as long as the zone transfer; if "
              "it lasts, see whether the secondary still gets the zone from its primary."},
    EventSpec{kScavenging, Severity::warning, "In {domain} the record of this appliance may be scavenged: {text}.",
              "Active Directory takes out dynamic records that were not refreshed for its two intervals (7 days each "
              "unless changed), where scavenging is on. DNS does not show the time stamp: this is reckoned from the "
              "last refresh that succeeded. \"musterctl dns publish\" refreshes it now."},
    EventSpec{kSettled, Severity::info, "In {domain} the trouble with {target} ({before}) is over: {text}.",
              "Two looks in a row found it so. Nothing is to be done."},
    EventSpec{kHistorySetAside, Severity::warning, "The history of SRV targets begins anew: {file} {problem}.",
              "The file was damaged or changed by somebody; it is kept beside under the name ending in .bad. First and "
              "last seen are counted from now on. Nothing else depends on it."},
};

}  // namespace muster::publisher
