#include "discover.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "kms/hresult.h"

namespace muster::publisher {

namespace {

using Step = DiscoverStep;

// What a Windows resolver says ([MS-ERREF] 2.2, as HRESULTs).
constexpr HResult kNameError{0x8007232B};      // DNS_ERROR_RCODE_NAME_ERROR
constexpr HResult kServerFailure{0x8007232A};  // DNS_ERROR_RCODE_SERVER_FAILURE
constexpr HResult kNoRecords{0x8007251D};      // DNS_INFO_NO_RECORDS

constexpr std::size_t kProbed = 4;  // addresses of one target that are tried

std::string windowsWords(HResult code) {
    const kms::HResultInfo* info = kms::find(code);
    return info != nullptr ? std::string(info->sentence) : std::string();
}

const char* clients(ClientKind kind) noexcept {
    return kind == ClientKind::vista ? "Windows Vista clients" : "Windows 7 clients";
}

std::string who(Address resolver) {
    if (resolver == Address{})
        return "this machine's hosts file";
    resolver.port = resolver.port == 0 ? 53 : resolver.port;
    return resolver.text();
}

HResult codeOf(dns::LookupCode code) noexcept {
    switch (code) {
        case dns::LookupCode::found:
            return HResult::ok;
        case dns::LookupCode::noName:
            return kNameError;
        case dns::LookupCode::noRecords:
        case dns::LookupCode::noService:
            return kNoRecords;
        default:
            return kServerFailure;
    }
}

std::string plural(std::size_t count, const char* one) {
    return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::string hostPort(const dns::Service& service) {
    return service.target + ":" + std::to_string(service.port);
}

std::string joined(const std::vector<std::string>& names) {
    constexpr std::size_t kShown = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i)
        text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    if (names.size() > kShown)
        text += " and " + std::to_string(names.size() - kShown) + " more";
    return text;
}

class Discoverer {
public:
    Discoverer(DiscoverRequest request, dns::NameService& names, const Owners& owners, const dns::Stopped& stopped,
               const ProbeAll& probe)
        : names_(names), owners_(owners), stopped_(stopped), probe_(probe) {
        out_.request = std::move(request);
    }

    Result<Discovery> run() {
        if (auto good = checkSuffixes(); !good)
            return fail(good.error());
        step(Step::Kind::suffixes, Step::Status::ok, joined(out_.request.suffixes),
             out_.request.suffixes.size() == 1 ? "the only suffix that is asked"
                                               : "asked in this order until one has SRV records");
        for (const std::string& suffix : out_.request.suffixes)
            if (!stopped_() && !askSuffix(suffix))
                break;
        if (!stopped_() && !out_.candidates.empty()) {
            choose();
            tryTargets();
        }
        if (stopped_())
            return fail(Code::timeout, "discover", "it was stopped before it was done; ask again");
        conclude();
        return std::move(out_);
    }

private:
    Result<void> checkSuffixes() {
        auto& suffixes = out_.request.suffixes;
        if (suffixes.empty())
            return fail(Code::malformed, "suffix", "there is none; give the DNS suffix of the clients, corp.example");
        if (suffixes.size() > DiscoverRequest::kMaxSuffixes)
            return fail(
                Code::malformed, "suffix",
                std::to_string(suffixes.size()) + " of them, at most " + std::to_string(DiscoverRequest::kMaxSuffixes));
        for (std::string& suffix : suffixes) {
            const auto plain = dns::plainName(suffix);
            if (!plain || !dns::plainName("_vlmcs._tcp." + *plain))
                return fail(Code::malformed, "suffix",
                            "that is no domain: labels of letters, digits, '-' and '_', 240 characters in all");
            suffix = *plain;
        }
        return {};
    }

    Step& step(Step::Kind kind, Step::Status status, std::string subject, std::string text,
               HResult code = HResult::ok) {
        out_.steps.push_back({kind, status, std::move(subject), std::move(text), code, windowsWords(code)});
        return out_.steps.back();
    }

    /// @return  the client goes on to the next suffix
    bool askSuffix(const std::string& suffix) {
        const std::string name = "_vlmcs._tcp." + suffix;
        dns::ServiceAnswer answer = names_.services(suffix, stopped_);
        const HResult code = codeOf(answer.said.code);
        if (!answer.said.found()) {
            std::string text = answer.said.text;
            if (answer.said.code == dns::LookupCode::noName)
                text = "there is no such name, says " + who(answer.said.resolver);
            else if (answer.said.code == dns::LookupCode::noRecords)
                text = "the name has no SRV record, says " + who(answer.said.resolver);
            else if (answer.said.code == dns::LookupCode::noService)
                text = "a record with the target \".\" says that nobody offers KMS there, says " +
                       who(answer.said.resolver);
            // A denial sends the client on; where nobody answers it does not learn whether there is something.
            step(Step::Kind::services, Step::Status::failed, name, std::move(text), code);
            if (out_.code != kNoRecords || code == kServerFailure)
                out_.code = code;
            return answer.said.denied();
        }
        out_.code = HResult::ok;
        out_.domain = suffix;
        out_.resolver = answer.said.resolver;
        out_.ttl = answer.ttl;
        std::string text = plural(answer.records.size(), "record") + ", TTL " + std::to_string(answer.ttl.count()) +
                           " s, says " + who(answer.said.resolver);
        if (!answer.note.empty())
            text += "; " + answer.note;
        step(Step::Kind::services, answer.note.empty() ? Step::Status::ok : Step::Status::note, name, std::move(text));
        for (auto& record : answer.records) {
            Candidate candidate;
            candidate.service = {record.priority, record.weight, record.port, record.target};
            candidate.lookup = std::move(record.addresses.said);
            candidate.addresses = std::move(record.addresses.addresses);
            out_.candidates.push_back(std::move(candidate));
        }
        return false;
    }

    void choose() {
        auto& candidates = out_.candidates;
        const bool byWeight = out_.request.as == ClientKind::win7;
        std::vector<dns::Service> services;
        services.reserve(candidates.size());
        for (const Candidate& candidate : candidates)
            services.push_back(candidate.service);
        const auto shares = firstShares(services, byWeight ? dns::SrvChoice::byWeight : dns::SrvChoice::atRandom);
        for (std::size_t i = 0; i < candidates.size(); ++i)
            candidates[i].first = shares[i];
        std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
            return std::tuple(a.service.priority, b.first.numerator) <
                   std::tuple(b.service.priority, a.first.numerator);
        });
        if (candidates.size() == 1) {
            step(Step::Kind::choice, Step::Status::ok, hostPort(candidates[0].service), "the only record");
            return;
        }
        if (!byWeight) {
            step(Step::Kind::choice, Step::Status::ok, plural(candidates.size(), "host"),
                 "one of them at random, whatever priority and weight say");
            return;
        }
        const std::uint16_t lowest = candidates.front().service.priority;
        std::vector<std::string> first;
        std::vector<std::string> later;
        for (const Candidate& candidate : candidates)
            (candidate.service.priority == lowest ? first : later)
                .push_back(hostPort(candidate.service) +
                           (candidate.service.priority == lowest ? " weight " : " priority ") +
                           std::to_string(candidate.service.priority == lowest ? candidate.service.weight
                                                                               : candidate.service.priority));
        std::string text = "lowest priority is " + std::to_string(lowest) + ", of " + joined(first);
        if (!later.empty())
            text += "; only when none of these answers, " + joined(later);
        step(Step::Kind::choice, Step::Status::ok, plural(candidates.size(), "host"), std::move(text));
    }

    void tryTargets() {
        std::vector<Address> all;
        for (Candidate& candidate : out_.candidates)
            for (std::size_t i = 0; i < std::min(candidate.addresses.size(), kProbed); ++i) {
                Address address = candidate.addresses[i];
                address.port = candidate.service.port;
                candidate.probes.push_back({address, {}, {}, {}});
                if (std::find(all.begin(), all.end(), address) == all.end())
                    all.push_back(address);
            }
        const auto probes = probe_(all, out_.request.probes, stopped_);
        for (Candidate& candidate : out_.candidates) {
            for (Probe& mine : candidate.probes)
                for (const Probe& done : probes)
                    if (done.address == mine.address)
                        mine = done;
            candidate.owner = owners_.of(candidate.service.target, candidate.service.port, candidate.addresses);
            report(candidate);
        }
    }

    void report(Candidate& candidate) {
        const std::string& target = candidate.service.target;
        const std::string port = "TCP " + std::to_string(candidate.service.port) + " of " + target;
        if (!candidate.lookup.found()) {
            const bool denied = candidate.lookup.denied();
            step(Step::Kind::address, Step::Status::failed, target,
                 denied ? "it has no address, says " + who(candidate.lookup.resolver)
                        : "its address is not known: " + candidate.lookup.text,
                 HResult::rpcServerUnavailable);
            step(Step::Kind::port, Step::Status::skipped, port, "there is no address");
            candidate.what = denied ? "which has no address" : "whose address DNS does not tell";
            return;
        }
        std::vector<std::string> addresses;
        for (const Address& address : candidate.addresses)
            addresses.push_back(address.host());
        step(Step::Kind::address, Step::Status::ok, target,
             joined(addresses) + ", says " + who(candidate.lookup.resolver));
        const auto rank = [](const Probe& probe) {
            return probe.rpc == Probe::Rpc::kms ? 2 : probe.port == Probe::Port::open ? 1 : 0;
        };
        const auto best = std::max_element(candidate.probes.begin(), candidate.probes.end(),
                                           [&](const Probe& a, const Probe& b) { return rank(a) < rank(b); });
        if (best == candidate.probes.end() || best->port != Probe::Port::open) {
            const std::string words = best == candidate.probes.end() ? "it was not tried" : best->words;
            step(Step::Kind::port, Step::Status::failed, port, words, HResult::rpcServerUnavailable);
            step(Step::Kind::bind, Step::Status::skipped, target, "there is no connection");
            candidate.what = "on which nothing answers";
            return;
        }
        step(Step::Kind::port, Step::Status::ok, port, "open at " + best->address.text());
        if (best->rpc != Probe::Rpc::kms) {
            step(Step::Kind::bind, Step::Status::failed, target, "it " + best->words, HResult::rpcServerUnavailable);
            candidate.what = "which is no KMS host";
            return;
        }
        candidate.answers = true;
        out_.finds = true;
        const Owner& owner = candidate.owner;
        const bool note = owner.whose == Owner::Whose::nobody || owner.whose == Owner::Whose::upstream;
        switch (owner.whose) {
            case Owner::Whose::ours:
                candidate.what = "which is this appliance";
                break;
            case Owner::Whose::allowed:
                candidate.what = "which is allowed beside this appliance";
                break;
            case Owner::Whose::upstream:
                candidate.what = "which is upstream " + owner.upstream + ", so that they do not pass here";
                break;
            case Owner::Whose::nobody:
                candidate.what = "which answers as a KMS host but is none of yours";
        }
        step(Step::Kind::bind, note ? Step::Status::note : Step::Status::ok, target,
             std::string("answers as a KMS host") +
                 (owner.whose == Owner::Whose::nobody ? ", and is none of yours" : ", " + candidate.what.substr(6)));
    }

    /// The worse, the sooner it is said: foreign, silent, no KMS host, upstream, allowed, ours.
    static int badness(const Candidate& candidate) noexcept {
        if (!candidate.answers)
            return 4;
        switch (candidate.owner.whose) {
            case Owner::Whose::nobody:
                return 5;
            case Owner::Whose::upstream:
                return 3;
            case Owner::Whose::allowed:
                return 2;
            case Owner::Whose::ours:
                break;
        }
        return 1;
    }

    void conclude() {
        const std::string them = std::string("new ") + clients(out_.request.as);
        const auto codeText = [](HResult code) { return muster::text(code) + ", " + windowsWords(code); };
        if (out_.candidates.empty()) {
            out_.conclusion =
                "No " + them.substr(0, them.size() - 1) + " finds a KMS host by DNS: it reports " + codeText(out_.code);
            return;
        }
        if (!out_.finds) {
            out_.code = HResult::rpcServerUnavailable;
            out_.conclusion = (out_.candidates.size() == 1 ? "The only host that " : "None of the hosts that ") + them +
                              (out_.candidates.size() == 1 ? " find does not answer as a KMS host: they report "
                                                           : " find answers as a KMS host: they report ") +
                              codeText(out_.code);
            return;
        }
        const Candidate* worst = nullptr;
        Share ours{0, out_.candidates.front().first.denominator};
        bool oursThere = false;
        for (const Candidate& candidate : out_.candidates) {
            if (candidate.owner.whose == Owner::Whose::ours) {
                oursThere = true;
                ours.numerator += candidate.first.numerator;
            }
            if (!candidate.first.none() && (worst == nullptr || badness(candidate) > badness(*worst)))
                worst = &candidate;
        }
        // All that share the worst one's fate are said together.
        Share share{0, worst->first.denominator};
        std::vector<std::string> names;
        for (const Candidate& candidate : out_.candidates)
            if (!candidate.first.none() && candidate.what == worst->what) {
                share.numerator += candidate.first.numerator;
                names.push_back(candidate.service.target);
            }
        std::string sentence = fractionWords(share) + " " + them + " ask " + (names.size() > 1 ? "one of " : "") +
                               joined(names) + " first, " + worst->what;
        if (!worst->answers)
            sentence += "; they lose seconds and go on to the next";
        if (worst->owner.whose != Owner::Whose::ours || !worst->answers) {
            if (!oursThere)
                sentence += "; this appliance has no record there";
            else if (ours.none())
                sentence += "; this appliance comes after " + std::string(names.size() > 1 ? "them" : "it");
            else if (worst->owner.whose != Owner::Whose::ours)
                sentence += "; " + ofThousand(ours) + " ask this appliance first";
        }
        out_.conclusion = sentence + ".";
    }

    Discovery out_;
    dns::NameService& names_;
    const Owners& owners_;
    const dns::Stopped& stopped_;
    const ProbeAll& probe_;
};

}  // namespace

std::optional<ClientKind> clientKindOf(std::string_view text) noexcept {
    if (text == "vista")
        return ClientKind::vista;
    return text == "win7" ? std::optional(ClientKind::win7) : std::nullopt;
}

const char* name(ClientKind kind) noexcept {
    return kind == ClientKind::vista ? "vista" : "win7";
}

const char* name(DiscoverStep::Status status) noexcept {
    switch (status) {
        case DiscoverStep::Status::ok:
            return "ok";
        case DiscoverStep::Status::note:
            return "note";
        case DiscoverStep::Status::failed:
            return "failed";
        case DiscoverStep::Status::skipped:
            break;
    }
    return "skipped";
}

const char* name(DiscoverStep::Kind kind) noexcept {
    switch (kind) {
        case DiscoverStep::Kind::suffixes:
            return "suffixes";
        case DiscoverStep::Kind::services:
            return "srv";
        case DiscoverStep::Kind::choice:
            return "choice";
        case DiscoverStep::Kind::address:
            return "address";
        case DiscoverStep::Kind::port:
            return "port";
        case DiscoverStep::Kind::bind:
            break;
    }
    return "bind";
}

Result<Discovery> discover(DiscoverRequest request, dns::NameService& names, const Owners& owners,
                           const dns::Stopped& stopped, const ProbeAll& probe) {
    return Discoverer(std::move(request), names, owners, stopped, probe).run();
}

std::string text(const Discovery& discovery) {
    std::string out = std::string("As ") + clients(discovery.request.as) + " that have no host yet:\n";
    for (const DiscoverStep& step : discovery.steps) {
        const std::string status = name(step.status);
        out += "  " + status + std::string(8 - std::min<std::size_t>(status.size(), 7), ' ') + name(step.kind) + " " +
               step.subject + ": " + step.text;
        if (step.code != HResult::ok)
            out += " (" + muster::text(step.code) + " " + step.windows + ")";
        out += "\n";
    }
    if (discovery.candidates.size() > 1) {
        out += "First asked, of all new clients:\n";
        for (const Candidate& candidate : discovery.candidates)
            out += "  " + hostPort(candidate.service) + " (" + std::to_string(candidate.service.priority) + " " +
                   std::to_string(candidate.service.weight) + "): " + ofThousand(candidate.first) + "\n";
    }
    out += discovery.conclusion + "\n";
    if (discovery.finds)
        out +=
            "Clients that have a host keep it until it fails, whatever DNS says; slmgr.vbs /ckms makes one ask "
            "again.\n";
    return out;
}

}  // namespace muster::publisher
