/// A DNS update that is signed with GSS-TSIG (RFC 3645), as secure zones of Active Directory want it. The host has it
/// sent by nsupdate, outside of musterd, under the Kerberos principal of a keytab. Typed from end to end: no text of
/// this reaches a shell, and none but names, numbers and addresses reaches nsupdate.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/types.h"

namespace muster {

struct SecureUpdate {
    enum class Type : std::uint16_t { a = 1, aaaa = 28, srv = 33 };

    struct Record {
        std::string name;  ///< absolute, lower case, without its last dot
        Type type = Type::srv;
        std::chrono::seconds ttl{0};  ///< of additions: 0 to 2^31 - 1
        // --- of srv
        std::uint16_t priority = 0;
        std::uint16_t weight = 0;
        std::uint16_t port = 0;  ///< 1 to 65535
        std::string target;      ///< as `name`
        // --- of a and aaaa
        Address address;  ///< its port is not looked at
    };

    struct Prerequisite {
        enum class Kind : std::uint8_t {
            rrsetMissing,  ///< the name has no record of that type (RFC 2136 2.4.3)
            rrsetIs,       ///< its records of that type are exactly `is`, whatever their TTL (2.4.2)
        };
        Kind kind = Kind::rrsetMissing;
        std::string name;
        Type type = Type::srv;
        std::vector<Record> is;  ///< of rrsetIs: at least one, each with that name and type
    };

    std::string zone;       ///< its apex
    Address server;         ///< its primary; port 0 stands for 53
    std::string realm;      ///< Kerberos realm; empty: the keytab's principal and krb5.conf say it
    std::string principal;  ///< "muster-01$@CORP.EXAMPLE"
    std::string keytab;     ///< absolute path; the helper's user reads it

    std::vector<Prerequisite> prerequisites;
    std::vector<Record> remove;  ///< by exact data, before the additions
    std::vector<Record> add;

    std::chrono::milliseconds limit{15'000};  ///< for all of it, ticket included; then what runs is killed
};

struct SecureUpdateOutcome {
    int exit = 0;           ///< nsupdate's, or kinit's where no ticket could be had; 128 and more: ended by a signal
    bool ticket = false;    ///< there was a Kerberos ticket
    bool timedOut = false;  ///< it was killed at the limit: whether the update was applied is not known
    std::string words;      ///< what they printed, at most 4 KiB; text from outside
};

}  // namespace muster
