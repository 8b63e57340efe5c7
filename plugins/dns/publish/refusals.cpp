#include "publish/refusals.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

namespace muster::publisher {

namespace {

using dns::Rcode;
using dns::TsigVerdict;
using Tsig = dns::TsigError;

constexpr std::uint32_t kRcodeBase = 9000;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string tsigName(std::uint16_t error) {
    switch (static_cast<Tsig>(error)) {
        case Tsig::none:
            return "none";
        case Tsig::badSig:
            return "BADSIG";
        case Tsig::badKey:
            return "BADKEY";
        case Tsig::badTime:
            return "BADTIME";
        case Tsig::badTrunc:
            return "BADTRUNC";
    }
    return std::to_string(error);
}

/// "2 h 5 min", "40 s"
std::string span(std::chrono::seconds length) {
    const auto seconds = length.count();
    if (seconds < 120)
        return std::to_string(seconds) + " s";
    if (seconds < 7200)
        return std::to_string(seconds / 60) + " min";
    if (seconds < 172'800)
        return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
    return std::to_string(seconds / 86'400) + " days";
}

std::string tripleOf(const Sent& sent, const Asker& asker) {
    std::string out = dns::text(sent.answer.rcode);
    if (asker.auth != Auth::tsig && !sent.answer.isSigned && sent.answer.tsig.error == 0)
        return out + ", not signed";
    if (sent.answer.tsig.error != 0)
        out += ", TSIG error " + tsigName(sent.answer.tsig.error);
    if (!sent.answer.isSigned)
        return out + ", answer not signed";
    return out + (sent.answer.tsig.authentic ? ", answer signed with our key" : ", answer signed, not by our key");
}

/// The names of an update, for sentences: at most the first.
std::string ownerIn(const dns::Update& update) {
    if (!update.add.empty())
        return update.add.front().name;
    return update.remove.empty() ? update.zone : update.remove.front().name;
}

class Judge {
public:
    Judge(const Sent& sent, const Asker& asker, const dns::Update& update)
        : sent_(sent), asker_(asker), update_(update), owner_(ownerIn(update)) {}

    UpdateVerdict run() {
        if (sent_.secure)
            return secure(*sent_.secure);
        if (sent_.ending != dns::Ending::answered)
            return silence();
        out_.triple = tripleOf(sent_, asker_);
        return asker_.auth == Auth::tsig ? signedRequest() : plainRequest();
    }

private:
    UpdateVerdict say(UpdateVerdict::Kind kind, std::uint32_t hresult, std::string code, std::string sentence) {
        out_.kind = kind;
        out_.hresult = hresult;
        out_.code = std::move(code);
        out_.sentence = std::move(sentence);
        return std::move(out_);
    }
    UpdateVerdict refused(std::uint32_t error, const char* code, std::string sentence) {
        return say(UpdateVerdict::Kind::refused, fromDnsError(error), code, std::move(sentence));
    }
    static std::uint32_t number(Rcode rcode) { return kRcodeBase + static_cast<std::uint32_t>(rcode); }
    std::string keyWords() const {
        return "key " + asker_.key + (asker_.algorithm.empty() ? "" : " (" + asker_.algorithm + ")");
    }

    UpdateVerdict silence() {
        const std::string applied = " Whether it was carried out is not known: the records are read back first.";
        switch (sent_.ending) {
            case dns::Ending::unreachable:
                return say(UpdateVerdict::Kind::unanswered, kUnreachable, "unreachable",
                           sent_.server + " cannot be reached: " + sent_.words +
                               ". Look at the route and at firewalls between here and port 53 there, UDP and TCP; if "
                               "updates go to another server, name it with \"server\".");
            case dns::Ending::broken:
                return say(UpdateVerdict::Kind::unanswered, kBadPacket, "broken-answer",
                           sent_.server + " answered with what cannot be read: " + sent_.words + "." + applied);
            case dns::Ending::stopped:
                return say(UpdateVerdict::Kind::unanswered, kTimeout, "stopped",
                           "It was given up before an answer came.");
            default:
                return say(UpdateVerdict::Kind::unanswered, kTimeout, "timeout",
                           sent_.server + " did not answer" + (sent_.words.empty() ? "" : " (" + sent_.words + ")") +
                               ". It may be down, hidden behind another server, or a firewall drops UDP and TCP 53; if "
                               "updates go to another server, name it with \"server\"." +
                               applied);
        }
    }

    UpdateVerdict signedRequest() {
        const TsigVerdict& tsig = sent_.answer.tsig;
        switch (static_cast<Tsig>(tsig.error)) {
            case Tsig::badKey:
                return refused(
                    9017, "notauth-badkey",
                    sent_.server + " does not accept " + keyWords() + " for " + owner_ +
                        ". Either it does not know a key of that name, or its policy does not let this key "
                        "change that name (Knot says the same of both). Compare name and algorithm of the "
                        "key on the server, and look for the rule that allows it _vlmcs._tcp: \"musterctl dns "
                        "snippets\" has it for each kind of server.");
            case Tsig::badSig:
                return refused(9016, "notauth-badsig",
                               sent_.server + " knows a key named " + asker_.key +
                                   ", and the signature is not that key's: the secret here is another one, or the "
                                   "algorithm is (" +
                                   asker_.algorithm + " here). Copy the secret anew with \"musterctl dns add-key " +
                                   asker_.key + " -\".");
            case Tsig::badTime:
                return badTime();
            case Tsig::badTrunc:
                return refused(9016, "notauth-badtrunc",
                               sent_.server +
                                   " wants a longer signature than it got, which only happens where it "
                                   "asks for another algorithm than " +
                                   asker_.algorithm + ".");
            case Tsig::none:
                break;
            default:
                return refused(9016, "tsig-error",
                               sent_.server + " refused the signature with the TSIG error " +
                                   std::to_string(tsig.error) + ", which has no meaning in an update.");
        }
        if (tsig.kind == TsigVerdict::Kind::unsigned_)
            return unsignedAnswer();
        if (!tsig.good())
            return say(UpdateVerdict::Kind::unverified, 0, "answer-not-verifiable",
                       sent_.server + " answered " + dns::text(sent_.answer.rcode) +
                           ", and the answer's signature cannot be trusted: " + tsig.words +
                           " It is not believed; what stands in the zone is read back instead.");
        return byCode(true);
    }

    UpdateVerdict badTime() {
        std::string by = "too far from its own";
        if (sent_.answer.tsig.serverTime) {
            const auto difference =
                std::chrono::duration_cast<std::chrono::seconds>(sent_.at - *sent_.answer.tsig.serverTime);
            by = span(difference < std::chrono::seconds(0) ? -difference : difference) +
                 (difference < std::chrono::seconds(0) ? " behind its own" : " ahead of its own");
        }
        return refused(9018, "notauth-badtime",
                       sent_.server + " knows the key, and this appliance's clock is " + by +
                           "; 5 minutes are allowed. Set the clock that is wrong (here: NTP).");
    }

    /// The request was signed, the answer is not, and no TSIG error stands in it.
    UpdateVerdict unsignedAnswer() {
        switch (sent_.answer.rcode) {
            case Rcode::noError:
                return say(UpdateVerdict::Kind::unverified, 0, "answer-not-signed",
                           sent_.server +
                               " said that it is done, without a signature: that may be anybody's word. What "
                               "stands in the zone is read back.");
            case Rcode::refused:
                return refused(number(Rcode::refused), "refused-unsigned",
                               sent_.server +
                                   " refused, without a signature of its own. PowerDNS says so of a key that is wrong, "
                                   "unknown or not allowed for the zone (TSIG-ALLOW-DNSUPDATE), of clocks that differ "
                                   "by more than 5 minutes, of an address that may not send updates "
                                   "(allow-dnsupdate-from) and where updates are off (dnsupdate=yes); other servers, "
                                   "where the zone takes no updates from here at all.");
            case Rcode::notAuth:
                return refused(number(Rcode::notAuth), "notauth",
                               sent_.server + " is not the server of zone " + update_.zone +
                                   ", or only a secondary that passes no updates on. Name the primary with \"server\", "
                                   "the zone with \"zone\".");
            default:
                return byCode(false);
        }
    }

    UpdateVerdict plainRequest() {
        const Rcode rcode = sent_.answer.rcode;
        if (rcode != Rcode::refused && rcode != Rcode::notAuth)
            return byCode(true);
        std::string sentence = sent_.server +
                               " refuses updates that are not signed, or those from this address. Give a key "
                               "(\"musterctl dns add-key\", then key = NAME), or auth = \"gss\" where the zone takes "
                               "secure updates only (Active Directory).";
        if (rcode == Rcode::notAuth)
            sentence += " Knot says so with NOTAUTH; from others that means that zone " + update_.zone +
                        " is not theirs: then name its primary with \"server\".";
        return refused(number(rcode), "refused-needs-key", std::move(sentence));
    }

    /// Codes that mean the same from all servers. @param trusted  an answer that nobody else can have sent
    UpdateVerdict byCode(bool trusted) {
        const Rcode rcode = sent_.answer.rcode;
        switch (rcode) {
            case Rcode::noError:
                if (!trusted)
                    break;
                return say(UpdateVerdict::Kind::applied, 0, "applied", "");
            case Rcode::formatError:
                return refused(number(rcode), "formerr",
                               sent_.server +
                                   " could not read the update (FORMERR). It may not speak RFC 2136, or "
                                   "something on the way cuts messages.");
            case Rcode::serverFailure:
                return refused(number(rcode), "servfail",
                               sent_.server +
                                   " accepted the update and failed at it (SERVFAIL). Usually it cannot write: BIND "
                                   "needs to write the .jnl beside the zone file, Knot a journal or a zone file it may "
                                   "write; its log says which.");
            case Rcode::nameError:
                return refused(number(rcode), "nxdomain",
                               sent_.server + " says that zone " + update_.zone + " does not exist (NXDOMAIN).");
            case Rcode::notImplemented:
                return refused(number(rcode), "notimp",
                               sent_.server +
                                   " does not know dynamic updates (NOTIMP): NSD, for one, has none by "
                                   "design. Name the primary that has them with \"server\", or write the "
                                   "record by hand (auth = \"manual\", \"musterctl dns snippets\").");
            case Rcode::refused:
                return refused(number(rcode), "refused-policy",
                               sent_.server + " knows " + (asker_.key.empty() ? "us" : "the key " + asker_.key) +
                                   " and its policy does not allow " + owner_ +
                                   " to be changed with it. BIND wants a line in update-policy: \"musterctl dns "
                                   "snippets --server bind\" has it.");
            case Rcode::yxDomain:
            case Rcode::yxRrset:
            case Rcode::nxRrset:
                return say(UpdateVerdict::Kind::overtaken, fromDnsError(number(rcode)),
                           rcode == Rcode::nxRrset   ? "nxrrset"
                           : rcode == Rcode::yxRrset ? "yxrrset"
                                                     : "yxdomain",
                           "The zone has changed between reading and writing (" + dns::text(rcode) +
                               "); nothing was written. It is read again.");
            case Rcode::notAuth:
                return refused(number(rcode), "notauth",
                               sent_.server + " is not the server of zone " + update_.zone +
                                   ", or only a secondary that passes no updates on. Name the primary with \"server\", "
                                   "the zone with \"zone\".");
            case Rcode::notZone:
                return refused(number(rcode), "notzone",
                               owner_ + " lies outside of zone " + update_.zone + " for " + sent_.server +
                                   " (NOTZONE): a zone of its own begins in between, or \"zone\" is wrong.");
            default:
                break;
        }
        return say(UpdateVerdict::Kind::refused,
                   fromDnsError(static_cast<std::uint32_t>(rcode) <= 10 ? number(rcode) : 9502U),
                   "rcode-" + std::to_string(static_cast<unsigned>(rcode)),
                   sent_.server + " answered " + dns::text(rcode) + ", which updates do not have.");
    }

    // --- nsupdate -g: its exit code and what it prints is all there is

    UpdateVerdict secure(const SecureUpdateOutcome& outcome) {
        const std::string words = lower(outcome.words);
        const auto has = [&](std::string_view part) { return words.find(part) != std::string::npos; };
        out_.triple = "nsupdate ended with " + std::to_string(outcome.exit);
        if (outcome.timedOut)
            return say(UpdateVerdict::Kind::unanswered, kTimeout, "timeout",
                       "nsupdate did not end in time and was killed. Either " + sent_.server +
                           " or the domain controller that gives tickets does not answer (UDP and TCP 53 and 88). What "
                           "stands in the zone is read back.");
        if (!outcome.ticket)
            return noTicket(has);
        if (outcome.exit == 0 && !has("update failed") && !has("tsig error"))
            return say(UpdateVerdict::Kind::applied, 0, "applied", "");
        struct Word {
            const char* printed;
            Rcode rcode;
        };
        for (const Word& word :
             {Word{"update failed: refused", Rcode::refused}, Word{"update failed: notauth", Rcode::notAuth},
              Word{"update failed: notzone", Rcode::notZone}, Word{"update failed: servfail", Rcode::serverFailure},
              Word{"update failed: nxrrset", Rcode::nxRrset}, Word{"update failed: yxrrset", Rcode::yxRrset},
              Word{"update failed: yxdomain", Rcode::yxDomain}, Word{"update failed: notimp", Rcode::notImplemented},
              Word{"update failed: formerr", Rcode::formatError}})
            if (has(word.printed))
                return secureCode(word.rcode);
        if (has("tsig verify failure") || has("verify failure") || has("tsig error with server"))
            return say(UpdateVerdict::Kind::unverified, 0, "answer-not-verifiable",
                       sent_.server +
                           " answered, and the reply's signature could not be verified: Samba before 4.21 "
                           "and some Windows servers sign replies so. What stands in the zone is read back; "
                           "it is not sent again.");
        if (has("gss-tsig query was unsuccessful") || has("gssapi") || has("gss_init") || has("badkey"))
            return say(
                UpdateVerdict::Kind::refused, fromDnsError(9017), "gss-refused",
                sent_.server + " does not accept the Kerberos ticket of " + asker_.key +
                    ". Its name in DNS and its service principal (DNS/HOST) must agree, and both clocks within 5 "
                    "minutes.");
        if (has("timed out") || has("communications error") || has("no servers could be reached"))
            return say(UpdateVerdict::Kind::unanswered, kTimeout, "timeout",
                       sent_.server + " did not answer nsupdate. What stands in the zone is read back.");
        return say(UpdateVerdict::Kind::unverified, 0, "nsupdate-failed",
                   "nsupdate ended with " + std::to_string(outcome.exit) + ": " + firstLine(outcome.words) +
                       ". What stands in the zone is read back.");
    }

    template <class Has>
    UpdateVerdict noTicket(const Has& has) {
        std::string sentence = "No Kerberos ticket could be had for " + asker_.key + ": ";
        if (has("clock skew"))
            sentence += "the clocks differ by more than 5 minutes; set the one that is wrong.";
        else if (has("preauth") || has("password") || has("decrypt integrity"))
            sentence +=
                "the keytab's key is not the account's any more; export the keytab anew (setting "
                "dns.gss-keytab).";
        else if (has("keytab") || has("key table"))
            sentence +=
                "the keytab cannot be used; setting dns.gss-keytab names a file with a key of that principal "
                "that the helper's user can read.";
        else if (has("cannot find kdc") || has("cannot contact any kdc") || has("cannot resolve"))
            sentence += "no domain controller of its realm is found or answers (DNS _kerberos._udp, port 88).";
        else if (has("not found in kerberos") || has("client not found"))
            sentence += "the directory has no such account (setting dns.gss-principal).";
        else
            sentence += firstLine(sent_.secure->words) + ".";
        return say(UpdateVerdict::Kind::refused, kNoCredentials, "gss-no-ticket", std::move(sentence));
    }

    UpdateVerdict secureCode(Rcode rcode) {
        out_.triple = dns::text(rcode) + ", as nsupdate says";
        // Samba says SERVFAIL where Windows says REFUSED.
        if (rcode == Rcode::refused || rcode == Rcode::serverFailure) {
            std::string sentence = sent_.server + " knows " + asker_.key + " and does not let it change " + owner_ +
                                   ". In Active Directory the account that made a record owns it: give this one "
                                   "rights on _vlmcs under _tcp, best by a group of all KMS hosts.";
            if (rcode == Rcode::serverFailure)
                sentence += " (Samba says so with SERVFAIL; if its log speaks of something else, that is the reason.)";
            return refused(number(rcode), "refused-policy", std::move(sentence));
        }
        sent_.answer.rcode = rcode;
        return byCode(true);
    }

    static std::string firstLine(const std::string& words) {
        std::string line = words.substr(0, words.find('\n'));
        line.resize(std::min<std::size_t>(line.size(), 200));
        while (!line.empty() && (line.back() == '.' || line.back() == '\r' || line.back() == ' '))
            line.pop_back();
        return line.empty() ? "it said nothing" : line;
    }

    Sent sent_;
    const Asker& asker_;
    const dns::Update& update_;
    const std::string owner_;
    UpdateVerdict out_;
};

}  // namespace

UpdateVerdict judgeUpdate(const Sent& sent, const Asker& asker, const dns::Update& update) {
    return Judge(sent, asker, update).run();
}

std::string hresultText(std::uint32_t hresult) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08X", hresult);
    return text;
}

}  // namespace muster::publisher
