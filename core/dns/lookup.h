/// DNS look-ups: who offers KMS in a domain, and which addresses a host has. They block and are meant for
/// a thread of their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "muster/types.h"

#include "dns/exchange.h"
#include "dns/message.h"

namespace muster::dns {

enum class LookupCode : std::uint8_t {
    found,
    noName,         ///< NXDOMAIN
    noRecords,      ///< the name exists, without records of the kind
    noService,      ///< a record with the target ".": decidedly not here (RFC 2782)
    notServed,      ///< the resolver knows only others to ask (no recursion), or gave a code of its own
    serverFailure,  ///< SERVFAIL
    refused,
    timedOut,
    unreachable,  ///< the system cannot send to any resolver
    malformed,
    badName,  ///< not a name that DNS can be asked for
    stopped,
};

/// What came of a look-up, for programs and for people.
struct Said {
    LookupCode code = LookupCode::timedOut;
    /// One sentence with what to do, the same for the same trouble; empty with `found`. At most a few hundred octets
    std::string text;
    Address resolver;  ///< who said so; zero: none did

    bool found() const noexcept { return code == LookupCode::found; }
    /// An answer, and it says that there is nothing: as opposed to no answer at all.
    bool denied() const noexcept {
        return code == LookupCode::noName || code == LookupCode::noRecords || code == LookupCode::noService;
    }
};

struct AddressAnswer {
    Said said;
    std::chrono::seconds ttl{0};
    /// Port 0, at most 16, IPv4 before IPv6 and smaller before greater: DNS turns the order with every answer.
    std::vector<Address> addresses;
    bool partial = false;  ///< only one of A and AAAA could be asked for: there may be more
};

struct ServiceAnswer {
    struct Record {
        std::uint16_t priority = 0;
        std::uint16_t weight = 0;
        std::uint16_t port = 0;  ///< never 0
        std::string target;      ///< lower case, without the last dot
        AddressAnswer addresses;
    };
    Said said;
    std::string note;             ///< "2 records are left out: …", else empty
    std::chrono::seconds ttl{0};  ///< the least of records, aliases and addresses
    std::vector<Record> records;  ///< at most 64, by priority, then target
};

/// What the Finder asks.
class NameService {
public:
    virtual ~NameService() = default;
    /// SRV of _vlmcs._tcp.DOMAIN with the addresses of its targets. @param domain  absolute, last dot or none
    virtual ServiceAnswer services(const std::string& domain, const Stopped& stopped) = 0;
    /// A and AAAA. Numeric text is itself, with a TTL of 0.
    virtual AddressAnswer addresses(const std::string& host, const Stopped& stopped) = 0;
};

/// One question by the rules of a look-up.
struct Finding {
    Said said;
    Answer answer;  ///< of found and of denials: a denial names the zone in `answer.soa`
};

struct LookupLimits {
    std::chrono::milliseconds attempt{1200};  ///< for one datagram; twice that in the second round
    std::chrono::milliseconds total{5000};    ///< for one name; a domain takes up to twice that with its targets
    unsigned rounds = 2;                      ///< how often the list of resolvers is gone through
};

/// The settings that a remedy names.
struct LookupSettings {
    std::string resolvers = "relay.resolvers";
    std::string domains = "relay.discover";
};

/// Asks the given resolvers, in order, the next where one gives no usable answer.
///
/// Without resolvers it does what the system's own look-up does, as far as files and DNS go: /etc/hosts before DNS, and
/// from /etc/resolv.conf servers, search list and `ndots`, both read anew each time. Not getaddrinfo: that can neither
/// be bounded in time nor stopped, and tells no TTL. With resolvers every name is absolute, and /etc/hosts is not read:
/// the resolvers are the whole truth then.
///
/// @thread one at a time; blocks for LookupLimits at most, about 0.1 s once `stopped` says true
class Lookup final : public NameService {
public:
    explicit Lookup(std::vector<Address> resolvers, LookupLimits limits = {}, std::string hostsFile = "/etc/hosts",
                    std::string resolverFile = "/etc/resolv.conf", LookupSettings settings = {});

    ServiceAnswer services(const std::string& domain, const Stopped& stopped) override;
    AddressAnswer addresses(const std::string& host, const Stopped& stopped) override;

    /// The SRV records of _vlmcs._tcp.DOMAIN alone, with what else came along.
    Finding findServices(const std::string& domain, const Stopped& stopped);
    /// One question for one absolute name, aliases followed; no search list, no hosts file. Text that a denial leaves
    /// empty is for the caller to word.
    Finding find(const std::string& name, Type type, const Stopped& stopped);

private:
    Finding query(const std::vector<Address>& resolvers, const std::string& name, Type type, Monotonic until,
                  const Stopped& stopped) const;
    Finding queryOnce(const std::vector<Address>& resolvers, const std::string& name, Type type, Monotonic until,
                      const Stopped& stopped) const;
    std::vector<Address> resolvers() const;
    AddressAnswer byDns(const std::vector<Address>& resolvers, const std::string& name, Monotonic until,
                        const Stopped& stopped) const;

    std::vector<Address> resolvers_;
    LookupLimits limits_;
    std::string hostsFile_;
    std::string resolverFile_;
    LookupSettings settings_;
};

}  // namespace muster::dns
