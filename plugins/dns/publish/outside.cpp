#include "publish/outside.h"

#include <utility>

namespace muster::publisher {

namespace {

using namespace std::chrono_literals;

constexpr auto kAttempt = 1500ms;    // one datagram
constexpr auto kQuestion = 3s;       // one question to one server
constexpr auto kUpdateAttempt = 3s;  // a server that signs and writes a journal may take its time
constexpr auto kUpdate = 5s;         // one update, TCP included
constexpr auto kSecureUpdate = 15s;  // ticket included
constexpr unsigned kQuestionTries = 2;

dns::LookupSettings ourSettings() {
    return {"dns.resolvers", "dns.domains"};
}

SecureUpdate::Record converted(const dns::Record& record) {
    SecureUpdate::Record out;
    out.name = record.name;
    out.type = static_cast<SecureUpdate::Type>(record.type);
    out.ttl = record.ttl;
    out.priority = record.service.priority;
    out.weight = record.service.weight;
    out.port = record.service.port;
    out.target = record.service.target;
    out.address = record.address;
    return out;
}

std::vector<SecureUpdate::Record> converted(const std::vector<dns::Record>& records) {
    std::vector<SecureUpdate::Record> out;
    out.reserve(records.size());
    for (const dns::Record& record : records)
        out.push_back(converted(record));
    return out;
}

}  // namespace

dns::Reply Network::ask(const Address& server, const std::string& name, dns::Type type, const dns::Stopped& stopped) {
    const Monotonic until = std::chrono::steady_clock::now() + kQuestion;
    dns::Reply reply;
    for (unsigned i = 0; i < kQuestionTries; ++i) {  // a datagram may get lost; a question may be repeated
        reply = dns::ask(server, name, type, kAttempt, until, stopped, false);
        if (reply.ending != dns::Ending::timedOut)
            break;
    }
    return reply;
}

dns::Finding Network::find(const std::string& name, dns::Type type, const dns::Stopped& stopped) {
    return dns::Lookup(hooks_.resolvers(), {}, "/etc/hosts", "/etc/resolv.conf", ourSettings())
        .find(name, type, stopped);
}

dns::AddressAnswer Network::addresses(const std::string& host, const dns::Stopped& stopped) {
    return dns::Lookup(hooks_.resolvers(), {}, "/etc/hosts", "/etc/resolv.conf", ourSettings())
        .addresses(host, stopped);
}

Asker Network::asker(const Credentials& credentials) {
    Asker asker{credentials.auth, credentials.key, ""};
    if (credentials.auth == Auth::gss)
        asker.key = hooks_.gss().principal;
    else if (credentials.auth == Auth::tsig)
        if (const auto key = hooks_.key(credentials.key))
            asker.algorithm = dns::name(key->algorithm);
    return asker;
}

Result<Sent> Network::send(const dns::Update& update, const Address& server, const std::string& named,
                           const Credentials& credentials, const dns::Stopped& stopped) {
    Sent sent;
    sent.server = named;
    sent.at = hooks_.now();
    if (credentials.auth == Auth::gss)
        return sendSecurely(update, server, std::move(sent));
    const auto message = dns::encodeUpdate(update, dns::randomId());
    if (!message)
        return fail(message.error());
    std::optional<dns::TsigKey> key;
    dns::SignedMessage signedMessage;
    Octets octets = *message;
    if (credentials.auth == Auth::tsig) {
        auto found = hooks_.key(credentials.key);
        if (!found)
            return fail(found.error());
        key = std::move(*found);
        auto made = dns::sign(*message, *key, sent.at);
        if (!made)
            return fail(made.error());
        signedMessage = std::move(*made);
        octets = signedMessage.octets;
    }
    const dns::Transaction done =
        dns::transact(server, octets, kUpdateAttempt, std::chrono::steady_clock::now() + kUpdate, stopped,
                      [&](Octets answer) { return dns::answersUpdate(answer, octets); });
    sent.ending = done.ending;
    sent.words = done.words;
    if (done.ending != dns::Ending::answered)
        return sent;
    sent.at = hooks_.now();
    auto answer = key ? dns::readUpdateAnswer(done.answer, signedMessage, *key, sent.at)
                      : dns::readUpdateAnswer(done.answer, octets);
    if (!answer) {
        sent.ending = dns::Ending::broken;
        sent.words = answer.error().detail;
        return sent;
    }
    sent.answer = std::move(*answer);
    return sent;
}

Result<Sent> Network::sendSecurely(const dns::Update& update, const Address& server, Sent sent) const {
    const Gss gss = hooks_.gss();
    if (gss.keytab.empty() || gss.principal.empty())
        return fail(Code::missing, "settings dns.gss-keytab and dns.gss-principal",
                    "auth = \"gss\" needs both: a keytab file, and the account in it");
    SecureUpdate job;
    job.zone = update.zone;
    job.server = server;
    job.principal = gss.principal;
    if (const std::size_t at = gss.principal.rfind('@'); at != std::string::npos)
        job.realm = gss.principal.substr(at + 1);
    job.keytab = gss.keytab;
    for (const auto& one : update.prerequisites) {
        using Theirs = dns::Update::Prerequisite::Kind;
        using Ours = SecureUpdate::Prerequisite::Kind;
        if (one.kind != Theirs::rrsetMissing && one.kind != Theirs::rrsetIs)
            return fail(Code::internal, "secure update of zone " + update.zone, "a prerequisite that it cannot carry");
        job.prerequisites.push_back({one.kind == Theirs::rrsetIs ? Ours::rrsetIs : Ours::rrsetMissing, one.name,
                                     static_cast<SecureUpdate::Type>(one.type), converted(one.is)});
    }
    job.remove = converted(update.remove);
    job.add = converted(update.add);
    job.limit = kSecureUpdate;
    auto outcome = hooks_.secure(job);
    if (!outcome)
        return fail(outcome.error());
    sent.ending = dns::Ending::answered;
    sent.secure = std::move(*outcome);
    return sent;
}

}  // namespace muster::publisher
