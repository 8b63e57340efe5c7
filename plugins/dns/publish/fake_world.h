/// Name servers and resolvers for the publisher's tests, in memory: zones with records, updates by the rules of RFC
/// 2136, and whatever goes wrong.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "dns/system_names.h"
#include "publish/outside.h"

namespace muster::publisher::test {

inline dns::Record srv(const std::string& owner, const std::string& target, std::uint16_t port = 1688,
                       std::uint16_t priority = 0, std::uint16_t weight = 100, long long ttl = 3600) {
    return {owner, dns::Type::srv, std::chrono::seconds(ttl), {priority, weight, port, target}, Address()};
}

inline dns::Record a(const std::string& host, const std::string& address, long long ttl = 3600) {
    return {host, dns::Type::a, std::chrono::seconds(ttl), dns::Service(), *dns::numericAddress(address)};
}

class FakeWorld final : public Outside {
public:
    struct Server {
        std::string zone = "corp.example";
        std::vector<std::string> nameServers{"ns1.corp.example", "ns2.corp.example"};
        std::vector<dns::Record> records;
        bool dead = false;
        bool authoritative = true;
        bool alias = false;
        dns::Rcode refuses = dns::Rcode::noError;  ///< what updates end in
        dns::TsigError error = dns::TsigError::none;
        enum class Signs { yes, no, wrongly } signs = Signs::yes;
        bool losesAnswers = false;  ///< updates are applied, their answers never come
        bool forgets = false;       ///< says yes and does nothing
        Server* primary = nullptr;  ///< copies it, once `follows`
        bool follows = true;
    };
    struct Update {
        std::string server;
        dns::Update update;
        Credentials credentials;
    };

    std::map<std::string, Server> servers;                  ///< by "ADDRESS:PORT"
    std::map<std::string, std::vector<std::string>> hosts;  ///< what resolvers know
    std::map<std::string, dns::Soa> soas;                   ///< by zone
    bool resolversDead = false;
    bool noKey = false;
    std::vector<Update> updates;
    std::size_t questions = 0;
    std::function<void()> beforeUpdate;  ///< somebody who is quicker

    /// corp.example on ns1 (primary, 192.0.2.1) and ns2 (192.0.2.2).
    FakeWorld() {
        hosts["ns1.corp.example"] = {"192.0.2.1"};
        hosts["ns2.corp.example"] = {"192.0.2.2"};
        soas["corp.example"] = {"corp.example", "ns1.corp.example", 1, {}, {}};
        servers["192.0.2.1:53"] = {};
        servers["192.0.2.2:53"].primary = &servers["192.0.2.1:53"];
    }
    Server& primary() { return servers.at("192.0.2.1:53"); }
    Server& secondary() { return servers.at("192.0.2.2:53"); }

    dns::Reply ask(const Address& server, const std::string& name, dns::Type type, const dns::Stopped&) override {
        const std::lock_guard lock(mutex_);
        ++questions;
        dns::Reply reply;
        const auto found = servers.find(server.text());
        if (found == servers.end() || found->second.dead)
            return reply;
        Server& one = found->second;
        if (one.primary != nullptr && one.follows)
            one.records = one.primary->records;
        reply.ending = dns::Ending::answered;
        dns::Answer& answer = reply.answer;
        answer.name = one.alias ? "elsewhere.example" : name;
        answer.authoritative = one.authoritative;
        if (!isWithin(name, one.zone)) {
            answer.rcode = dns::Rcode::refused;
            return reply;
        }
        if (const auto soa = soas.find(one.zone); soa != soas.end())
            answer.soa = soa->second;
        if (type == dns::Type::ns)
            answer.nameServers = one.nameServers;
        answer.rcode = dns::Rcode::nameError;
        for (const dns::Record& record : one.records) {
            if (record.name != name)
                continue;
            answer.rcode = dns::Rcode::noError;
            if (record.type != type)
                continue;
            answer.recordTtl = record.ttl;
            if (type == dns::Type::srv)
                answer.services.push_back(record.service);
            else
                answer.addresses.push_back(record.address);
        }
        return reply;
    }

    dns::Finding find(const std::string& name, dns::Type type, const dns::Stopped&) override {
        const std::lock_guard lock(mutex_);
        dns::Finding finding;
        if (resolversDead) {
            finding.said.code = dns::LookupCode::timedOut;
            finding.said.text = "No resolver answers.";
            return finding;
        }
        finding.said.code = dns::LookupCode::noName;
        finding.said.text = "The name does not exist.";
        for (const auto& [zone, soa] : soas)
            if (isWithin(name, zone) || zone == ".") {
                if (!finding.answer.soa || zone.size() > finding.answer.soa->zone.size())
                    finding.answer.soa = soa;
                if (name == zone && type == dns::Type::soa)
                    finding.said.code = dns::LookupCode::found;
            }
        return finding;
    }

    dns::AddressAnswer addresses(const std::string& host, const dns::Stopped&) override {
        const std::lock_guard lock(mutex_);
        dns::AddressAnswer answer;
        answer.said.code = dns::LookupCode::found;
        if (const auto numeric = dns::numericAddress(host)) {
            answer.addresses.push_back(*numeric);
            return answer;
        }
        const auto found = hosts.find(host);
        if (found == hosts.end()) {
            answer.said.code = dns::LookupCode::noName;
            answer.said.text = host + " does not exist.";
            return answer;
        }
        for (const std::string& text : found->second)
            answer.addresses.push_back(*dns::numericAddress(text));
        return answer;
    }

    Result<Sent> send(const dns::Update& update, const Address& server, const std::string& named,
                      const Credentials& credentials, const dns::Stopped&) override {
        if (noKey)
            return fail(Code::missing, "key " + credentials.key, "is not here");
        if (beforeUpdate)
            std::exchange(beforeUpdate, nullptr)();
        const std::lock_guard lock(mutex_);
        updates.push_back({server.text(), update, credentials});
        Sent sent;
        sent.server = named;
        const auto found = servers.find(server.text());
        if (found == servers.end() || found->second.dead)
            return sent;
        Server& one = found->second;
        dns::Rcode rcode = one.refuses;
        if (rcode == dns::Rcode::noError && !one.forgets)
            rcode = carryOut(one, update);
        if (one.losesAnswers)
            return sent;
        sent.ending = dns::Ending::answered;
        sent.answer.rcode = rcode;
        dns::TsigVerdict& tsig = sent.answer.tsig;
        using Kind = dns::TsigVerdict::Kind;
        tsig.error = static_cast<std::uint16_t>(one.error);
        sent.answer.isSigned = one.signs != Server::Signs::no && one.error == dns::TsigError::none;
        tsig.authentic = sent.answer.isSigned && one.signs == Server::Signs::yes;
        tsig.kind = one.error != dns::TsigError::none     ? Kind::serverError
                    : !sent.answer.isSigned               ? Kind::unsigned_
                    : one.signs == Server::Signs::wrongly ? Kind::badMac
                                                          : Kind::good;
        return sent;
    }

    Asker asker(const Credentials& credentials) override { return {credentials.auth, credentials.key, "hmac-sha256"}; }

private:
    /// RFC 2136 3.2 and 3.4, for what makePlan() makes.
    static dns::Rcode carryOut(Server& server, const dns::Update& update) {
        using Kind = dns::Update::Prerequisite::Kind;
        for (const auto& one : update.prerequisites) {
            std::vector<dns::Record> there;
            for (const dns::Record& record : server.records)
                if (record.name == one.name && record.type == one.type)
                    there.push_back(record);
            if (one.kind == Kind::rrsetMissing && !there.empty())
                return dns::Rcode::yxRrset;
            if (one.kind == Kind::rrsetIs && (there.size() != one.is.size() ||
                                              !std::all_of(there.begin(), there.end(), [&](const dns::Record& record) {
                                                  return std::any_of(
                                                      one.is.begin(), one.is.end(),
                                                      [&](const dns::Record& wanted) { return same(record, wanted); });
                                              })))
                return dns::Rcode::nxRrset;
        }
        for (const dns::Record& gone : update.remove)
            std::erase_if(server.records, [&](const dns::Record& record) { return same(record, gone); });
        for (const dns::Record& fresh : update.add) {
            std::erase_if(server.records, [&](const dns::Record& record) { return same(record, fresh); });
            server.records.push_back(fresh);
            for (dns::Record& record : server.records)
                if (record.name == fresh.name && record.type == fresh.type)
                    record.ttl = fresh.ttl;  // a set has one TTL
        }
        return dns::Rcode::noError;
    }

    std::mutex mutex_;
};

}  // namespace muster::publisher::test
