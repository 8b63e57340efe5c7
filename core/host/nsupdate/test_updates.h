/// Updates as the publisher makes them, for the tests of this room.
#pragma once

#include "muster/secure_update.h"

namespace muster::nsupdate::test {

inline SecureUpdate::Record service(std::uint16_t port) {
    SecureUpdate::Record record;
    record.name = "_vlmcs._tcp.corp.example";
    record.ttl = std::chrono::hours(1);
    record.priority = 1;
    record.weight = 100;
    record.port = port;
    record.target = "muster-01.corp.example";
    return record;
}

inline SecureUpdate::Record address(const char* text) {
    SecureUpdate::Record record;
    record.name = "muster-01.corp.example";
    record.address = *Address::parse(text);
    record.address.port = 0;
    record.type = record.address.isV4() ? SecureUpdate::Type::a : SecureUpdate::Type::aaaa;
    record.ttl = std::chrono::minutes(20);
    return record;
}

/// All that an update can be made of.
inline SecureUpdate update() {
    SecureUpdate update;
    update.zone = "corp.example";
    update.server = *Address::parse("10.53.57.1:0");
    update.realm = "CORP.EXAMPLE";
    update.keytab = "/nowhere/muster.keytab";
    update.prerequisites.push_back(
        {SecureUpdate::Prerequisite::Kind::rrsetMissing, "muster-01.corp.example", SecureUpdate::Type::aaaa, {}});
    update.prerequisites.push_back({SecureUpdate::Prerequisite::Kind::rrsetIs,
                                    "_vlmcs._tcp.corp.example",
                                    SecureUpdate::Type::srv,
                                    {service(1688)}});
    update.remove.push_back(service(1688));
    update.add.push_back(service(1689));
    update.add.push_back(address("10.0.0.7:0"));
    update.add.push_back(address("[2001:db8::7]:0"));
    return update;
}

}  // namespace muster::nsupdate::test
