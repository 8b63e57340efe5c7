#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "fields.h"
#include "relay/events.h"
#include "relay/learning/learned_json.h"
#include "relay/relay.h"

namespace muster::relay {

namespace {

constexpr std::chrono::seconds kLongestCheck{20};

Json addressesOf(const Entry& entry) {
    Json::Array out;
    for (const Address& address : entry.addresses)
        out.emplace_back(address.text());
    return out;
}

template <class T>
Json arrayOf(const std::vector<T>& items) {
    Json::Array out;
    for (const T& item : items)
        out.emplace_back(item);
    return out;
}

Json arrayOf(const std::vector<std::uint16_t>& items) {
    Json::Array out;
    for (const std::uint16_t item : items)
        out.emplace_back(unsigned{item});
    return out;
}

const Entry* find(const Roster& roster, std::string_view name) {
    const auto found =
        std::find_if(roster.begin(), roster.end(), [&](const Entry& entry) { return entry.upstream.name == name; });
    return found == roster.end() ? nullptr : &*found;
}

tl::unexpected<Error> unknown(std::string_view name) {
    return fail(Code::missing, "upstream " + std::string(name),
                "there is none of that name; \"musterctl upstream list\" shows those there are");
}

}  // namespace

Json Relay::picture(const Entry& entry, const std::vector<Reading>& readings) const {
    const Member& member = *entry.member;
    const Health::Picture health = member.health.picture();
    const Upstream& upstream = entry.upstream;
    std::string why = explain(health, wallNow());
    if (!entry.problem.empty())
        why = entry.problem + "; " + why;
    else if (entry.addresses.empty())
        why = "its name is not resolved yet; " + why;
    if (member.standsBack.load() != 0)
        why += "; stands back behind those that took over (relay.fail-back is off)";
    const auto order = duties_->of(upstream.name);
    const auto configured = order ? order->over : configuredDuty(upstream.name);
    Json out = json({{"name", upstream.name},
                     {"address", upstream.host + ":" + std::to_string(upstream.port)},
                     {"condition", name(health.condition)},
                     {"state", name(upstream.duty)},
                     {"stateFrom", order        ? "person"
                                   : configured ? "settings"
                                                : "discovery"},
                     {"priority", unsigned{upstream.priority}},
                     {"why", std::move(why)},
                     {"addresses", addressesOf(entry)},
                     {"families", arrayOf(upstream.families)},
                     {"versions", arrayOf(upstream.versions)},
                     {"weight", unsigned{upstream.weight}},
                     {"countsVirtual", name(upstream.countsVirtual)},
                     {"discoveredIn", upstream.discoveredIn},
                     {"asked", member.asked.load()},
                     {"answers", member.answers.load()},
                     {"failures", member.failures.load()},
                     {"associations", unsigned{member.associations.load()}},
                     {"opened", member.opened.load()}});
    if (order) {
        out.set("stateBy", order->by);
        out.set("stateSince", isoTime(order->when));
    }
    if (configured)
        out.set("stateInSettings", name(*configured));
    const Headline headline = member.learned->headline();  // also of before the last restart
    if (headline.hasCount)
        out.set("count", unsigned{headline.count});
    if (headline.lastAnswer != Timestamp{})
        out.set("lastAnswer", isoTime(headline.lastAnswer));
    out.set("reading", worstReading(readings));
    return out;
}

Result<Reply> Relay::list(const Call&) {
    Json::Array items;
    const RosterRef now = roster();
    const auto readings = readingsOf(*now);
    for (std::size_t i = 0; i < now->size(); ++i)
        items.push_back(picture((*now)[i], readings[i]));
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> Relay::show(const Call& call) {
    const RosterRef now = roster();
    const Entry* const entry = find(*now, call.text("name"));
    if (entry == nullptr)
        return unknown(call.text("name"));
    // All are read together: that a count is split shows in two hosts only.
    const auto readings = readingsOf(*now)[static_cast<std::size_t>(entry - now->data())];
    Json out = picture(*entry, readings);
    out.set("readings", readingsJson(readings));
    const auto families = host_.families().all();
    out.set("learned", learnedJson(entry->member->learned->snapshot(), {wallNow(), families}));
    return Reply(std::move(out));
}

Result<Reply> Relay::counts(const Call& call) {
    const RosterRef now = roster();
    const Entry* const entry = find(*now, call.text("name"));
    if (entry == nullptr)
        return unknown(call.text("name"));
    const auto families = host_.families().all();
    const bool fine = call.text("step") == "5m";
    return Reply(json(
        {{"items", countsJson(entry->member->learned->snapshot(), fine, {wallNow(), families})}, {"next", nullptr}}));
}

std::vector<Subject> Relay::subjectsOf(const Roster& roster) {
    std::vector<Subject> subjects;
    for (const Entry& entry : roster)
        subjects.push_back({entry.upstream.name, entry.upstream.countsVirtual, entry.member->learned->snapshot()});
    return subjects;
}

std::vector<std::vector<Reading>> Relay::readingsOf(const Roster& roster) const {
    const auto families = host_.families().all();
    return read(subjectsOf(roster), {wallNow(), families});
}

Result<Reply> Relay::check(const Call& call) {
    const std::string wanted(call.text("name"));
    const RosterRef now = roster();
    const Entry* const found = find(*now, wanted);
    if (found == nullptr)
        return unknown(wanted);
    if (found->upstream.duty == Duty::maintenance)
        return fail(Code::conflict, "upstream " + wanted,
                    "it is in maintenance and not probed; \"musterctl upstream activate\" ends that");
    if (found->addresses.empty())
        return fail(Code::missing, "upstream " + wanted,
                    found->problem.empty() ? "its name is not resolved yet" : found->problem);
    struct Waiting {
        std::mutex mutex;
        std::condition_variable wake;
        bool over = false;
    };
    const auto waiting = std::make_shared<Waiting>();
    host_.reactor(0).post([this, wanted, waiting] {
        prober_->probeNow(wanted, [waiting] {
            {
                const std::lock_guard lock(waiting->mutex);
                waiting->over = true;
            }
            waiting->wake.notify_all();
        });
    });
    std::chrono::milliseconds patience{0};
    {
        const std::lock_guard lock(mutex_);
        patience = config_.probe.connect * 3 * static_cast<int>(found->addresses.size() + 1) + std::chrono::seconds(1);
    }
    std::unique_lock lock(waiting->mutex);
    if (!waiting->wake.wait_for(lock, std::min<std::chrono::milliseconds>(patience, kLongestCheck),
                                [&] { return waiting->over; }))
        return fail(Code::timeout, "upstream " + wanted, "the probe has not ended yet; look again in a moment");
    lock.unlock();
    return show(call);
}

Result<Reply> Relay::discover(const Call&) {
    const bool over = finder_->refreshAndWait(kLongestCheck);
    Json::Array items;
    for (const DomainRound& round : finder_->rounds()) {
        Json::Array records;
        for (const DomainRound::Record& record : round.records) {
            Json::Array addresses;
            for (const Address& address : record.addresses)
                addresses.emplace_back(address.host());
            records.push_back(json({{"target", record.target},
                                    {"port", unsigned{record.port}},
                                    {"priority", unsigned{record.priority}},
                                    {"weight", unsigned{record.weight}},
                                    {"addresses", std::move(addresses)},
                                    {"upstream", record.upstream},
                                    {"remark", record.remark}}));
        }
        Json item = json({{"domain", round.domain},
                          {"resolver", round.resolver == Address{} ? std::string() : round.resolver.text()},
                          {"records", std::move(records)},
                          {"found", static_cast<std::int64_t>(round.records.size())},
                          {"ttl", std::int64_t{round.ttl.count()}},
                          {"problem", over ? round.problem : "this round is not over yet; " + round.problem},
                          {"note", round.note}});
        if (round.answered != Timestamp{})
            item.set("answered", isoTime(round.answered));
        items.push_back(std::move(item));
    }
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> Relay::setDuty(const Call& call, Duty duty) {
    const std::string wanted(call.text("name"));
    const RosterRef now = roster();
    const Entry* const found = find(*now, wanted);
    if (found == nullptr)
        return unknown(wanted);
    if (duty == Duty::active)
        found->member->standsBack.store(0);
    Json before = json({{"state", name(found->upstream.duty)}});
    const auto kept = duties_->set(wanted, {duty, configuredDuty(wanted), call.caller.name, wallNow()});
    host_.event(kDutyChanged, json({{"caller", call.caller.name}, {"upstream", wanted}, {"duty", name(duty)}}));
    rebuild();
    if (!kept)
        return fail(kept.error());
    auto reply = show(call);
    if (reply) {
        reply->before = std::move(before);
        reply->after = json({{"state", name(duty)}});
    }
    return reply;
}

Result<void> Relay::apply(Result<UpstreamList> list, const Call& call, const std::string& comment) {
    if (!list)
        return fail(list.error());
    if (std::string why = host_.settingFixed("upstreams"); !why.empty())
        return fail(Code::denied, "setting relay.upstreams",
                    "the " + why + " fixes the list for this run; start with --config to change it");
    const auto revision =
        host_.changeSettings({{"upstreams", SettingValue(std::move(*list))}}, call.caller.name, comment);
    if (!revision)
        return fail(revision.error());
    settingsChanged();  // the answer shows the list as it is from now on
    return {};
}

/// As the settings have it, for the audit log; null: they have none of that name.
Json Relay::configured(const std::string& name) const {
    for (Json& item : host_.setting("upstreams", UpstreamList{}))
        if (nameOf(item) == name)
            return std::move(item);
    return {};
}

Result<Reply> Relay::add(const Call& call) {
    auto list = withAdded(host_.setting("upstreams", UpstreamList{}), call);
    const std::string name = list ? nameOf(list->back()) : std::string();
    if (auto done = apply(std::move(list), call, "upstream add " + name); !done)
        return fail(done.error());
    Call shown = call;
    shown.path.set("name", name);
    auto reply = show(shown);
    if (reply)
        reply->after = configured(name);
    return reply;
}

Result<Reply> Relay::change(const Call& call) {
    const std::string before(call.text("name"));
    auto list = withChanged(host_.setting("upstreams", UpstreamList{}), before, call);
    Json earlier = configured(before);
    const Json* const renamed = call.body.find("rename");
    const std::string after = renamed != nullptr && renamed->string() != nullptr ? *renamed->string() : before;
    Result<void> kept;
    if (list && after != before)
        kept = duties_->rename(before, after);
    if (auto done = apply(std::move(list), call, "upstream set " + before); !done) {
        if (after != before)
            (void)duties_->rename(after, before);
        return fail(done.error());
    }
    if (const Json* const state = call.body.find("state"); state != nullptr && !state->isNull()) {
        kept = duties_->clear(after);  // who says it in the settings means it now
        if (const Entry* const entry = find(*roster(), after);
            entry != nullptr && state->string() != nullptr && *state->string() == name(Duty::active))
            entry->member->standsBack.store(0);
        rebuild();
    }
    if (!kept)
        return fail(kept.error());
    Call shown = call;
    shown.path.set("name", after);
    shown.body = Json();
    auto reply = show(shown);
    if (reply) {
        reply->before = std::move(earlier);
        reply->after = configured(after);
    }
    return reply;
}

Result<Reply> Relay::remove(const Call& call) {
    const std::string name(call.text("name"));
    Json before = configured(name);
    if (auto done =
            apply(withRemoved(host_.setting("upstreams", UpstreamList{}), name), call, "upstream remove " + name);
        !done)
        return fail(done.error());
    (void)duties_->clear(name);
    Reply reply(json({{"removed", name}}));
    reply.before = std::move(before);
    return reply;
}

void Relay::registerOperations() {
    const auto add = [this](const Operation& operation, Result<Reply> (Relay::*handler)(const Call&)) {
        host_.operation(operation, [this, handler](const Call& call) { return (this->*handler)(call); });
    };
    add({.method = "GET",
         .path = "/upstreams",
         .role = Role::viewer,
         .support = true,
         .cli = "upstream list",
         .summary = "The licensed hosts that are asked, in their order, and how they are.",
         .answer = kListAnswer,
         .list = true},
        &Relay::list);
    add({.method = "GET",
         .path = "/upstreams/{name}",
         .role = Role::viewer,
         .cli = "upstream show",
         .summary = "One upstream with all that is known of it.",
         .path_ = kName,
         .answer = kShowAnswer},
        &Relay::show);
    add({.method = "POST",
         .path = "/upstreams",
         .role = Role::admin,
         .cli = "upstream add",
         .summary = "Adds a licensed host to the settings, at the end of its priority.",
         .body = kAddBody,
         .answer = kShowAnswer},
        &Relay::add);
    add({.method = "PATCH",
         .path = "/upstreams/{name}",
         .role = Role::admin,
         .cli = "upstream set",
         .summary = "Changes what is named of an upstream in the settings.",
         .path_ = kName,
         .body = kChangeBody,
         .answer = kShowAnswer},
        &Relay::change);
    add({.method = "DELETE",
         .path = "/upstreams/{name}",
         .role = Role::admin,
         .cli = "upstream remove",
         .summary = "Takes a host out of the settings; it finishes what it has.",
         .path_ = kName,
         .answer = kRemoveAnswer,
         .confirm = "Take this host out of the list of upstreams?"},
        &Relay::remove);
    add({.method = "GET",
         .path = "/upstreams/{name}/counts",
         .role = Role::viewer,
         .cli = "upstream counts",
         .summary = "The count that an upstream reported, over time.",
         .path_ = kName,
         .query = kCountsQuery,
         .answer = kCountSampleFields,
         .list = true},
        &Relay::counts);
    add({.method = "POST",
         .path = "/upstreams/{name}/check",
         .role = Role::operator_,
         .cli = "upstream check",
         .summary = "Probes it now, by an RPC bind and mgmt, and says how it is.",
         .path_ = kName,
         .answer = kShowAnswer,
         .changes = false},
        &Relay::check);
    add({.method = "POST",
         .path = "/upstreams/discover",
         .role = Role::operator_,
         .cli = "upstream discover",
         .summary = "Asks DNS now for hosts of the domains in setting relay.discover.",
         .answer = kDiscoverAnswer,
         .list = true,
         .changes = false},
        &Relay::discover);
    struct Change {
        const char* path;
        const char* cli;
        const char* summary;
        Duty duty;
    };
    static constexpr Change kChanges[] = {
        {"/upstreams/{name}/drain", "upstream drain",
         "Lets it finish what it has; new requests go to others while they can.", Duty::draining},
        {"/upstreams/{name}/rest", "upstream rest", "Maintenance: asks and probes it no more.", Duty::maintenance},
        {"/upstreams/{name}/activate", "upstream activate", "Puts it back in its turn.", Duty::active},
    };
    for (const Change& change : kChanges)
        host_.operation({.method = "POST",
                         .path = change.path,
                         .role = Role::operator_,
                         .cli = change.cli,
                         .summary = change.summary,
                         .path_ = kName,
                         .answer = kShowAnswer},
                        [this, duty = change.duty](const Call& call) { return setDuty(call, duty); });
}

}  // namespace muster::relay
