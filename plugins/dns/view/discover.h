/// What a new client would find by DNS, step by step, with its own error code where it would fail.
/// @source docs/kms.md, "DNS publishing" and "Error codes"; RFC 2782; [MS-ERREF] 2.1
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "dns/lookup.h"
#include "dns/srv_order.h"
#include "dns/watch/owners.h"
#include "dns/watch/probe.h"
#include "shares.h"

namespace muster::publisher {

enum class ClientKind : std::uint8_t {
    vista,  ///< Windows Vista and Server 2008: one of all records at random
    win7,   ///< Windows 7, Server 2008 R2 and later: by priority and weight
};
/// "vista", "win7"
std::optional<ClientKind> clientKindOf(std::string_view text) noexcept;
const char* name(ClientKind kind) noexcept;

struct DiscoverRequest {
    static constexpr std::size_t kMaxSuffixes = 8;
    std::vector<std::string> suffixes;  ///< the search list, in its order
    ClientKind as = ClientKind::win7;
    ProbeTerms probes;
};

/// Something that the client does, and what comes of it.
struct DiscoverStep {
    enum class Status : std::uint8_t {
        ok,
        note,     ///< it goes on, but somebody should look at it
        failed,   ///< the client fails, or passes on to the next
        skipped,  ///< not done, since what it needs is not there
    };
    enum class Kind : std::uint8_t { suffixes, services, choice, address, port, bind };
    Kind kind = Kind::suffixes;
    Status status = Status::ok;
    std::string subject;         ///< "_vlmcs._tcp.corp.example", "kms-a.corp.example"
    std::string text;            ///< one sentence without its full stop
    HResult code = HResult::ok;  ///< of a failed one: what the client has in hand
    std::string windows;         ///< Windows' words for that code
};
const char* name(DiscoverStep::Status status) noexcept;
const char* name(DiscoverStep::Kind kind) noexcept;

struct Candidate {
    dns::Service service;
    Share first;  ///< of all new clients, those that ask it first
    dns::Said lookup;
    std::vector<Address> addresses;
    std::vector<Probe> probes;
    Owner owner;
    bool answers = false;  ///< as a KMS host
    std::string what;      ///< "which answers as a KMS host but is none of yours"
};

struct Discovery {
    DiscoverRequest request;
    std::vector<DiscoverStep> steps;
    std::string domain;  ///< whose records are used; empty: none has any
    Address resolver;    ///< who said so
    std::chrono::seconds ttl{0};
    std::vector<Candidate> candidates;  ///< by priority, then share
    bool finds = false;                 ///< some host answers: a client gets somewhere in the end
    HResult code = HResult::ok;         ///< what the client reports if it does not
    std::string conclusion;             ///< one sentence, with its full stop
};

using ProbeAll = std::function<std::vector<Probe>(const std::vector<Address>&, const ProbeTerms&, const dns::Stopped&)>;

/// Asks `names`, tries every target, and reckons who is asked first. Never a KMS request.
/// @param names     for a certain resolver: a dns::Lookup with that one
/// @error malformed a suffix is no domain, or there are none or too many
/// @error timeout   it was stopped
/// @thread any but a reactor's; blocks for some seconds for each suffix, and for the probes
Result<Discovery> discover(DiscoverRequest request, dns::NameService& names, const Owners& owners,
                           const dns::Stopped& stopped, const ProbeAll& probe = probeAll);

/// For a terminal: one line a step, the candidates, the conclusion. Ends in a line feed.
std::string text(const Discovery& discovery);

}  // namespace muster::publisher
