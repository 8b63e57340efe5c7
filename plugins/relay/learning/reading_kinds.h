/// All readings that there are: what each looks at, on what least evidence it is made, how certain it is, what to do.
/// docs/readings.md is made of this table and held to it by a test; the rules can make no reading that is not here.
#pragma once

#include <array>
#include <string_view>

#include "readings.h"

namespace muster::relay {

/// Texts are Markdown for the manual. Where a reading has one certainty or severity, both members say so.
struct ReadingKind {
    std::string_view code;
    std::string_view looksAt;
    std::string_view leastEvidence;
    std::array<Certainty, 2> certainty;  ///< the plain case, another one
    std::array<Severity, 2> severity;
    std::string_view remedy;  ///< in general; a reading names hosts, keys and numbers. Empty: nothing is to be done
};

inline constexpr auto kReadingKinds = std::to_array<ReadingKind>({
    {"host-key",
     "the ePID of the latest answer",
     "one version 4 answer; \"reads as\", never a proof",
     {Certainty::readsAs, Certainty::readsAs},
     {Severity::info, Severity::info},
     ""},
    {"not-an-epid",
     "the ePID of the latest answer",
     "one answer whose ePID has another form than Windows gives it",
     {Certainty::certain, Certainty::certain},
     {Severity::warning, Severity::warning},
     "Check that a licensed KMS host answers at this address."},
    {"epid-changed",
     "the ePIDs of the last 30 days",
     "one answer with the former, one with the present ePID, the change within 30 days",
     {Certainty::likely, Certainty::likely},
     {Severity::info, Severity::info},
     "If nobody meant it, look at the host: a rebuilt one needs its clients to ask again, which takes up to one "
     "renewal "
     "interval."},
    {"several-hosts",
     "ePIDs that alternate",
     "two returns to an ePID that another one had replaced, within 7 days",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Name each host as an upstream of its own."},
    {"intervals-unusual",
     "the activation and renewal interval in the latest answer",
     "one answer: renewal over 14 days, or either outside Windows' 15 to 43,200 minutes",
     {Certainty::certain, Certainty::certain},
     {Severity::warning, Severity::info},
     "Set it on the host (`slmgr /sri 10080` is the default) and restart its licensing service. Of what Windows does "
     "not "
     "take: check that a licensed KMS host answers at this address."},
    {"key-does-not-cover",
     "refusals with 0xC004F042, by counted ID",
     "two of them for a counted ID since it was last answered, within 30 days; of sealed requests two within 7 days",
     {Certainty::certain, Certainty::likely},
     {Severity::warning, Severity::info},
     "Install a host key that covers the product (the reading names those that do), or let another upstream serve it."},
    {"update-missing",
     "refusals with 0xC004F06C to clients whose clocks are right",
     "two clients of one family, three times, none of that family answered since, others answered since or the day "
     "before",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Install the update on the host (for Windows 7 and Server 2008 R2: KB968912 on Vista and Server 2008, KB968915 on "
     "Server 2003), restart it, then install its host key for them."},
    {"host-clock",
     "refusals with 0xC004F06C to clients whose clocks are right",
     "three clients, nobody answered since, and not update-missing",
     {Certainty::likely, Certainty::likely},
     {Severity::error, Severity::error},
     "Set the host's clock and see where it takes its time from (`w32tm /query /status`)."},
    {"client-clocks",
     "refusals with 0xC004F06C to clients whose clocks are wrong",
     "one client, within 7 days",
     {Certainty::certain, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Set the clock there and see where it takes its time from (`w32tm /query /status`)."},
    {"clocks-disagree",
     "refusals with 0xC004F06C to clients whose clocks are wrong",
     "three clients whose clocks agree within 10 minutes, nobody answered since",
     {Certainty::likely, Certainty::likely},
     {Severity::error, Severity::error},
     "Compare clients, host and this appliance with a clock that you trust."},
    {"own-clock",
     "the clocks of clients that were answered, against this appliance's",
     "five clients answered last, all off by 10 minutes or more, within 5 of each other",
     {Certainty::likely, Certainty::likely},
     {Severity::error, Severity::error},
     "Set this appliance's clock."},
    {"not-activated",
     "refusals with 0xC004F041",
     "two of them, nobody answered since",
     {Certainty::certain, Certainty::certain},
     {Severity::critical, Severity::critical},
     "Activate the host with Microsoft, online (`slmgr /ato`) or by telephone."},
    {"not-enabled",
     "refusals with 0xC004F039",
     "two of them, nobody answered since",
     {Certainty::certain, Certainty::certain},
     {Severity::critical, Severity::critical},
     "Install a host key on it (`slmgr /ipk`) and activate it (`slmgr /ato`)."},
    {"version-not-spoken",
     "refusals with 0x8007000D, by protocol version",
     "two addresses, three times, never an answer in that version, others answered",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Let a newer host serve those clients, and set this upstream's `versions`."},
    {"refuses-all",
     "refusals with any other code",
     "three times, nobody answered since; 0x8007000D and 0xC004D104: to two clients",
     {Certainty::certain, Certainty::certain},
     {Severity::error, Severity::error},
     "What the code asks for; the reading says it."},
    {"counts-no-virtual",
     "the count against the clients seen, and whether new ones raise it",
     "five virtual machines seen; the count is that of the physical ones (within a tenth and one) and at least five "
     "and a "
     "third below that of all; or five new virtual ones raised it never and two in three of at least three new "
     "physical "
     "ones did",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::info},
     "Where the count is too low: let those clients ask a host on Windows 7, Server 2008 R2 or later, which counts "
     "both."},
    {"counts-virtual",
     "the count against the clients seen, and whether new ones raise it",
     "five virtual machines seen; two in three of at least five new ones raised the count, or it is that of all",
     {Certainty::likely, Certainty::likely},
     {Severity::info, Severity::info},
     ""},
    {"counts-virtual-contradicted",
     "the last two, against the setting `counts-virtual`",
     "one of the last two, and a setting that says the contrary",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Set `counts-virtual` to what the answers say, if no other clients ask this host directly."},
    {"count-split",
     "the counts of all upstreams together",
     "two hosts, none of which reaches the largest N-policy, and together they do; where they have the same ePID, more "
     "clients seen than either counts",
     {Certainty::certain, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Let one host have all clients that its key covers: make it the primary, and the others stand by."},
    {"count-capped",
     "the count",
     "a count of twice the largest N-policy",
     {Certainty::certain, Certainty::certain},
     {Severity::info, Severity::info},
     ""},
    {"count-below-need",
     "the count against the N-policies of answered products",
     "a count below the N-policy of a product that was answered within 7 days",
     {Certainty::certain, Certainty::certain},
     {Severity::warning, Severity::warning},
     "More machines with a CMID of their own have to ask this host; look for CMIDs that several machines share, and "
     "for "
     "clients that ask another host."},
    {"count-short",
     "the count against the clients seen",
     "five physical machines seen, the count at least three and a third below that",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::warning},
     "Look whether the host was restored or reinstalled, and whether its name or address leads to one machine alone."},
    {"count-fell",
     "the count against the one before",
     "a count at least five and by more than half below the one before, within 7 days",
     {Certainty::likely, Certainty::likely},
     {Severity::warning, Severity::warning},
     "If the host was rebuilt, nothing is to be done: its clients ask again within their renewal interval."},
});

constexpr const ReadingKind* findReadingKind(std::string_view code) noexcept {
    for (const ReadingKind& kind : kReadingKinds)
        if (kind.code == code)
            return &kind;
    return nullptr;
}

/// A code of the table: another one does not compile.
class ReadingCode {
public:
    consteval ReadingCode(const char* code) : code_(code) {  // NOLINT(google-explicit-constructor): a literal is one
        if (findReadingKind(code) == nullptr)
            throw "no reading of that code is in kReadingKinds";
    }
    constexpr const char* text() const noexcept { return code_; }

private:
    const char* code_;
};

}  // namespace muster::relay
