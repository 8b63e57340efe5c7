#include "host/nsupdate/script.h"

namespace muster::nsupdate {

namespace {

using Record = SecureUpdate::Record;

const char* name(SecureUpdate::Type type) noexcept {
    return type == SecureUpdate::Type::a ? "A" : type == SecureUpdate::Type::aaaa ? "AAAA" : "SRV";
}

std::string data(const Record& record) {
    if (record.type != SecureUpdate::Type::srv)
        return record.address.host();
    return std::to_string(record.priority) + " " + std::to_string(record.weight) + " " + std::to_string(record.port) +
           " " + record.target + ".";
}

}  // namespace

std::string script(const SecureUpdate& update) {
    std::string text = "server " + update.server.host() + " " +
                       std::to_string(update.server.port == 0 ? 53 : update.server.port) + "\n";
    text += "zone " + update.zone + ".\n";
    if (!update.realm.empty())
        text += "realm " + update.realm + "\n";
    for (const auto& prerequisite : update.prerequisites) {
        const std::string subject = prerequisite.name + ". IN " + name(prerequisite.type);
        if (prerequisite.kind == SecureUpdate::Prerequisite::Kind::rrsetMissing)
            text += "prereq nxrrset " + subject + "\n";
        for (const Record& record : prerequisite.is)
            text += "prereq yxrrset " + subject + " " + data(record) + "\n";
    }
    for (const Record& record : update.remove)
        text += "update delete " + record.name + ". IN " + name(record.type) + " " + data(record) + "\n";
    for (const Record& record : update.add)
        text += "update add " + record.name + ". " + std::to_string(record.ttl.count()) + " IN " + name(record.type) +
                " " + data(record) + "\n";
    return text + "send\nanswer\n";
}

}  // namespace muster::nsupdate
