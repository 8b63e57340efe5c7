#include "publish/attempt.h"

#include <algorithm>
#include <set>
#include <utility>

namespace muster::publisher {

namespace {

constexpr unsigned kMostRounds = 3;  // of planning anew where somebody was quicker

Auth authOf(std::string_view text) noexcept {
    for (const Auth auth : {Auth::tsig, Auth::gss, Auth::manual})
        if (text == name(auth))
            return auth;
    return Auth::none;
}

Trouble troubleOf(const UpdateVerdict& verdict) {
    return {verdict.hresult, verdict.code, verdict.triple, verdict.sentence};
}

Trouble troubleOf(const Error& error, bool key) {
    return {key ? fromDnsError(9017) : kNoCredentials, key ? "no-key" : "not-sent", "", error.text()};
}

}  // namespace

/// One zone of a task.
struct Attempt::Part {
    ZoneReport report;
    Zone zone;
    PlanInput input;
    std::string server;  ///< as the settings have it
    std::vector<std::pair<std::string, dns::Type>> sets;
};

const ZoneReport* Report::failed() const noexcept {
    for (const ZoneReport& zone : zones)
        if (!zone.done())
            return &zone;
    return nullptr;
}

bool Report::changes() const noexcept {
    return std::any_of(zones.begin(), zones.end(), [](const ZoneReport& zone) { return zone.plan.changes; });
}

bool Report::sent() const noexcept {
    return std::any_of(zones.begin(), zones.end(), [](const ZoneReport& zone) { return zone.sent; });
}

std::vector<const ReadBack*> Report::behind() const {
    std::vector<const ReadBack*> out;
    for (const ZoneReport& zone : zones)
        for (const ReadBack& view : zone.views)
            if (!view.agrees)
                out.push_back(&view);
    return out;
}

Report Attempt::carryOut(const Task& task) {
    std::vector<Part> parts = partsOf(task);
    for (Part& part : parts)
        if (part.report.done())
            write(part, task);
    return report(std::move(parts));
}

Report Attempt::preview(const Task& task) {
    std::vector<Part> parts = partsOf(task);
    for (Part& part : parts)
        if (part.report.done())
            readAndPlan(part, task, task.refresh);
    return report(std::move(parts));
}

Report Attempt::verify(const Task& task) {
    std::vector<Part> parts = partsOf(task);
    for (Part& part : parts)
        if (part.report.done()) {
            part.input.ttlCounts = false;  // put right by the next refresh
            if (readAndPlan(part, task, false))
                readBack(part);
        }
    return report(std::move(parts));
}

Report Attempt::report(std::vector<Part> parts) {
    Report out;
    for (Part& part : parts)
        out.zones.push_back(std::move(part.report));
    return out;
}

std::vector<Attempt::Part> Attempt::partsOf(const Task& task) {
    std::vector<Part> parts;
    if (task.wish) {
        const Wish& wish = *task.wish;
        const Credentials credentials{wish.auth, wish.key};
        addPart(parts, task, ownerOf(task.domain), wish.zone, wish.server, credentials);
        const bool covered = !parts.front().report.done() || isWithin(wish.target, parts.front().zone.apex);
        if (!task.absent && !wish.addresses.empty() && !covered)
            addPart(parts, task, wish.target, "", "", credentials);
    }
    // What was put elsewhere before the settings changed is cleaned up there.
    for (const Published& one : ledger_.published()) {
        if (one.domain != task.domain)
            continue;
        const auto known = std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
            return part.zone.apex == one.zone || (!part.report.done() && part.input.zone == one.zone);
        });
        if (!known)
            addPart(parts, task, one.record.name, one.zone, one.server, {authOf(one.auth), one.key});
    }
    return parts;
}

void Attempt::addPart(std::vector<Part>& parts, const Task& task, const std::string& name, const std::string& zone,
                      const std::string& server, const Credentials& credentials) {
    Part part;
    part.server = server;
    part.report.credentials = credentials;
    part.input.zone = zone;
    Zoned found = findZone(name, zone, server, outside_, stopped_);
    if (!found) {
        part.report.zone = zone;
        part.report.server = server;
        part.report.trouble = std::move(found.error());
        parts.push_back(std::move(part));
        return;
    }
    part.zone = std::move(*found);
    for (const Part& other : parts)
        if (other.zone.apex == part.zone.apex)
            return;
    part.report.zone = part.zone.apex;
    part.report.server = part.zone.primary().text();
    part.report.note = part.zone.note;
    PlanInput& input = part.input;
    input.zone = part.zone.apex;
    input.owner = ownerOf(task.domain);
    input.target = task.wish ? task.wish->target : "";
    if (task.wish && !task.absent)
        input.wanted = recordsOf(*task.wish, input.zone);
    for (const Published& one : ledger_.published(task.domain, input.zone))
        input.remembered.push_back(one.record);
    input.shared = task.shared;
    const auto want = [&](const std::string& set, dns::Type type) {
        if (std::find(part.sets.begin(), part.sets.end(), std::pair(set, type)) == part.sets.end())
            part.sets.emplace_back(set, type);
    };
    if (isWithin(input.owner, input.zone))
        want(input.owner, dns::Type::srv);
    for (const auto* records : {&input.wanted, &input.remembered})
        for (const dns::Record& record : *records)
            want(record.name, record.type);
    parts.push_back(std::move(part));
}

tl::expected<Present, Trouble> Attempt::look(NameServer& server, const std::string& name, dns::Type type) {
    Trouble why;
    for (Address& address : server.addresses) {
        const dns::Reply reply = outside_.ask(address, name, type, stopped_);
        if (reply.ending != dns::Ending::answered) {
            why = {reply.ending == dns::Ending::timedOut      ? kTimeout
                   : reply.ending == dns::Ending::unreachable ? kUnreachable
                                                              : kBadPacket,
                   reply.ending == dns::Ending::timedOut      ? "timeout"
                   : reply.ending == dns::Ending::unreachable ? "unreachable"
                                                              : "broken-answer",
                   "",
                   server.text() + (reply.ending == dns::Ending::timedOut
                                        ? " does not answer; it may be down, or a firewall drops UDP and TCP 53 to it."
                                        : ": " + reply.words + ".")};
            if (reply.ending == dns::Ending::stopped)
                break;
            continue;
        }
        std::swap(address, server.addresses.front());
        const dns::Answer& answer = reply.answer;
        if (answer.rcode != dns::Rcode::noError && answer.rcode != dns::Rcode::nameError)
            return tl::unexpected<Trouble>(Trouble{fromDnsError(9000U + static_cast<std::uint32_t>(answer.rcode)),
                                                   "question-refused", dns::text(answer.rcode),
                                                   server.text() + " answers " + dns::text(answer.rcode) +
                                                       " where it is asked for " + name +
                                                       ": it does not serve the zone, or not to this appliance."});
        if (!answer.authoritative)
            return tl::unexpected<Trouble>(Trouble{
                fromDnsError(9009), "not-authoritative", "",
                server.text() + " does not answer for " + name + " with authority: it is no server of that zone" +
                    (answer.delegated.empty() ? "." : ", which it has handed over (" + answer.delegated + ").")});
        if (answer.name != name)
            return tl::unexpected<Trouble>(
                Trouble{fromDnsError(9709), "alias", "",
                        name + " is an alias (CNAME) of " + answer.name +
                            ", and no record can stand beside an alias. Publish where it leads, or take it away."});
        Present present{name, type, {}};
        for (const dns::Service& service : answer.services)
            present.records.push_back({name, type, answer.recordTtl, service, Address()});
        if (type != dns::Type::srv)
            for (const Address& one : answer.addresses)
                present.records.push_back({name, type, answer.recordTtl, dns::Service(), one});
        return present;
    }
    if (server.addresses.empty())
        why = {kUnreachable, "no-address", "", server.text() + ": " + server.problem};
    return tl::unexpected<Trouble>(std::move(why));
}

bool Attempt::readAndPlan(Part& part, const Task&, bool refresh) {
    part.input.present.clear();
    for (const auto& [name, type] : part.sets) {
        auto present = look(part.zone.servers.front(), name, type);
        if (!present) {
            part.report.trouble = std::move(present.error());
            return false;
        }
        part.input.present.push_back(std::move(*present));
    }
    part.input.refresh = refresh;
    Plan plan = makePlan(part.input);
    // What is shown is what there was to do at first; what is sent is what there is to do now.
    if (!part.report.planned)
        part.report.plan = plan;
    else
        part.report.plan.update = std::move(plan.update);
    part.report.planned = true;
    return true;
}

void Attempt::remember(Part& part, const Task& task, bool alsoBefore) {
    std::vector<Published> records;
    const auto add = [&](const dns::Record& record) {
        const auto known =
            std::any_of(records.begin(), records.end(), [&](const Published& one) { return same(one.record, record); });
        if (!known)
            records.push_back({task.domain, part.zone.apex, part.server, name(part.report.credentials.auth),
                               part.report.credentials.key, record});
    };
    for (const dns::Record& record : part.input.wanted)
        add(record);
    if (alsoBefore)
        for (const dns::Record& record : part.input.remembered)
            add(record);
    if (const auto kept = ledger_.remember(task.domain, part.zone.apex, std::move(records));
        !kept && part.report.remark.empty())
        part.report.remark = "what was published is not on disk: " + kept.error().text();
}

void Attempt::write(Part& part, const Task& task) {
    ZoneReport& report = part.report;
    for (unsigned round = 0; round < kMostRounds; ++round) {
        if (!readAndPlan(part, task, task.refresh))
            return;
        const dns::Update& update = report.plan.update;
        if (update.add.empty() && update.remove.empty())
            break;
        const std::string server = report.server;
        if (report.credentials.auth == Auth::manual) {
            report.trouble = {0, "manual", "", "These records are written by hand (auth = \"manual\")."};
            return;
        }
        remember(part, task, true);  // before it is sent: a crash in between leaves no record that nobody knows of
        auto sent = outside_.send(update, part.zone.primary().addresses.front(), server, report.credentials, stopped_);
        if (!sent) {
            report.trouble = troubleOf(sent.error(), report.credentials.auth == Auth::tsig);
            return;
        }
        report.sent = true;
        UpdateVerdict verdict = judgeUpdate(*sent, outside_.asker(report.credentials), update);
        report.verdict = verdict;
        if (verdict.kind == UpdateVerdict::Kind::overtaken && round + 1 < kMostRounds)
            continue;
        settle(part, verdict);
        break;
    }
    if (!report.done())
        return;
    readBack(part);
    remember(part, task, false);
}

/// What the answer is worth, where need be by reading back what stands there now.
void Attempt::settle(Part& part, const UpdateVerdict& verdict) {
    ZoneReport& report = part.report;
    if (verdict.kind == UpdateVerdict::Kind::refused || verdict.kind == UpdateVerdict::Kind::overtaken) {
        report.trouble = troubleOf(verdict);
        return;
    }
    PlanInput now = part.input;
    now.present.clear();
    now.refresh = false;
    now.ttlCounts = false;
    for (const auto& [name, type] : part.sets) {
        auto present = look(part.zone.servers.front(), name, type);
        if (!present) {
            report.trouble =
                verdict.kind == UpdateVerdict::Kind::applied ? std::move(present.error()) : troubleOf(verdict);
            return;
        }
        now.present.push_back(std::move(*present));
    }
    const bool there = !makePlan(now).changes;
    if (verdict.kind == UpdateVerdict::Kind::applied) {
        if (!there)
            report.trouble = {fromDnsError(9501), "not-there", verdict.triple,
                              report.server +
                                  " said that the update is done, and does not have the records: something "
                                  "on it or between us takes them away or hides them (views, policies, "
                                  "scripts)."};
        return;
    }
    // A refresh changes nothing that could be read: of a silence nobody can tell what it was.
    if (there && (verdict.kind == UpdateVerdict::Kind::unverified || report.plan.changes)) {
        report.remark = "applied, reply signature not verifiable: " + verdict.sentence;
        if (verdict.kind == UpdateVerdict::Kind::unanswered)
            report.remark = "applied, though no answer came: the records were read back";
        return;
    }
    report.trouble = troubleOf(verdict);
    if (!there && verdict.kind == UpdateVerdict::Kind::unverified) {
        report.trouble->hresult = fromDnsError(9016);
        report.trouble->sentence += " The records are not there.";
    }
}

void Attempt::readBack(Part& part) {
    for (NameServer& server : part.zone.servers) {
        ReadBack view;
        view.server = server.text();
        view.primary = server.primary;
        PlanInput now = part.input;
        now.present.clear();
        now.refresh = false;
        now.ttlCounts = false;
        for (const auto& [name, type] : part.sets) {
            auto present = look(server, name, type);
            if (!present) {
                view.problem = std::move(present.error().sentence);
                break;
            }
            view.records.insert(view.records.end(), present->records.begin(), present->records.end());
            now.present.push_back(std::move(*present));
        }
        if (view.problem.empty()) {
            for (const PlanLine& line : makePlan(now).lines)
                if (line.change != PlanLine::Change::stays)
                    view.problem +=
                        (view.problem.empty() ? "" : "; ") +
                        std::string(line.change == PlanLine::Change::added ? "it lacks " : "it still has ") +
                        text(line.record);
            view.agrees = view.problem.empty();
        }
        part.report.views.push_back(std::move(view));
    }
}

}  // namespace muster::publisher
