/// What shall stand in DNS for one domain, as the administrator wants it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "muster/types.h"

#include "dns/update.h"

namespace muster::publisher {

enum class Auth : std::uint8_t {
    none,    ///< updates are not signed: the server knows us by our address, or takes them from all
    tsig,    ///< by a shared key (RFC 8945)
    gss,     ///< by Kerberos (RFC 3645): secure zones of Active Directory
    manual,  ///< nothing is sent: a person writes the records, we watch them
};
constexpr const char* name(Auth auth) noexcept {
    switch (auth) {
        case Auth::none:
            return "none";
        case Auth::tsig:
            return "tsig";
        case Auth::gss:
            return "gss";
        case Auth::manual:
            return "manual";
    }
    return "?";
}

struct Wish {
    std::string domain;  ///< as dns::plainName() gives it
    std::string target;  ///< as dns::plainName() gives it; has a dot
    std::uint16_t port = 1688;
    std::uint16_t priority = 0;
    std::uint16_t weight = 100;
    std::chrono::seconds ttl{3600};
    std::vector<Address>
        addresses;  ///< of the target, to publish too; port 0, sorted; empty: they are not ours to write

    // --- where and how
    std::string zone;    ///< empty: found by SOA
    std::string server;  ///< "HOST", "ADDRESS", each with or without ":PORT"; empty: the zone's primary by its SOA
    Auth auth = Auth::none;
    std::string key;  ///< of tsig: its name

    bool operator==(const Wish&) const = default;
};

/// The name that clients ask for. @source docs/kms.md, "DNS publishing"
inline std::string ownerOf(std::string_view domain) {
    return std::string("_vlmcs._tcp.").append(domain);
}

/// True where `name` is `zone` or below it; both as dns::plainName() gives them.
inline bool isWithin(std::string_view name, std::string_view zone) {
    return name == zone ||
           (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

/// The records of a wish that belong into that zone: the SRV record, and addresses where they are wanted.
std::vector<dns::Record> recordsOf(const Wish& wish, std::string_view zone);

/// One line as zone files have it: "_vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 muster-01.corp.example."
std::string text(const dns::Record& record);
/// Its data alone: "0 100 1688 muster-01.corp.example.", "10.0.0.7"
std::string data(const dns::Record& record);
/// Same name, type and data; the TTL is another matter.
bool same(const dns::Record& a, const dns::Record& b);

}  // namespace muster::publisher
