#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <thread>

#include "events.h"
#include "learned_json.h"
#include "relay.h"

namespace muster::relay {

namespace {

constexpr Field kName[] = {
    {.name = "name", .help = "The upstream's name.", .minimum = 1, .maximum = 64, .required = true},
};

constexpr std::chrono::seconds kLongestCheck{20};

template <std::size_t N>
constexpr std::array<Field, N + 2> with(const Field& name, bool required, const std::array<Field, N>& others) {
    std::array<Field, N + 2> all{};
    all[1] = name;
    all[0] = {.name = "address",
              .help = "Where it listens: HOST or HOST:PORT.",
              .minimum = 1,
              .maximum = 262,
              .required = required};
    for (std::size_t i = 0; i < N; ++i)
        all[i + 2] = others[i];
    return all;
}

constexpr auto kChanges = std::to_array<Field>({
    {.name = "priority",
     .type = FieldType::integer,
     .help = "The smallest is asked first.",
     .minimum = 0,
     .maximum = 65535},
    {.name = "weight",
     .type = FieldType::integer,
     .help = "Its share of clients where they are spread.",
     .minimum = 0,
     .maximum = 65535},
    {.name = "families",
     .type = FieldType::texts,
     .help = "Product families that it may serve; empty: all.",
     .minimum = 0,
     .maximum = 32},
    {.name = "versions",
     .type = FieldType::integers,
     .help = "Protocol versions that it may serve: 4, 5, 6; empty: all.",
     .minimum = 0,
     .maximum = 8},
    {.name = "networks",
     .type = FieldType::networks,
     .help = "Networks whose clients it may serve; empty: all.",
     .minimum = 0,
     .maximum = 64},
    {.name = "countsVirtual",
     .type = FieldType::choice,
     .help = "Whether it adds virtual machines to its count.",
     .choices = "yes|no|unknown"},
    {.name = "state", .type = FieldType::choice, .help = "What it is to do.", .choices = "active|draining|maintenance"},
});
constexpr Field kNewName{
    .name = "name", .help = "What to call it; without it, its address.", .minimum = 1, .maximum = 64};
constexpr Field kRename{.name = "rename", .help = "What to call it from now on.", .minimum = 1, .maximum = 64};
constexpr auto kAddBody = with(kNewName, true, kChanges);
constexpr auto kChangeBody = with(kRename, false, kChanges);

constexpr Field kRemoveAnswer[] = {{.name = "removed", .help = "The upstream that was removed.", .column = true}};

constexpr Field kCountsQuery[] = {
    {.name = "step",
     .type = FieldType::choice,
     .help = "1h: 30 days by the hour; 5m: the last day by five minutes.",
     .fallback = "1h",
     .choices = "1h|5m"},
};

constexpr Field kRecordAnswer[] = {
    {.name = "target", .help = "The host that the record names."},
    {.name = "port", .type = FieldType::integer, .help = "Its port."},
    {.name = "priority", .type = FieldType::integer, .help = "The smallest is asked first."},
    {.name = "weight", .type = FieldType::integer, .help = "Share among those of equal priority."},
    {.name = "addresses", .type = FieldType::texts, .help = "What the target resolves to."},
    {.name = "upstream", .help = "The name under which it serves; empty: it was left out."},
    {.name = "remark", .help = "Why it was left out, or what is wrong with it."},
};

constexpr Field kDiscoverAnswer[] = {
    {.name = "domain", .help = "The domain whose _vlmcs._tcp record was asked for.", .column = true},
    {.name = "found", .type = FieldType::integer, .help = "Records it has.", .column = true},
    {.name = "ttl", .type = FieldType::integer, .help = "Seconds for which the answer holds.", .column = true},
    {.name = "resolver", .help = "Who answered.", .column = true},
    {.name = "answered", .type = FieldType::timestamp, .help = "When the records were last confirmed.", .column = true},
    {.name = "problem", .help = "What was wrong in this round; empty: nothing.", .column = true},
    {.name = "note", .help = "What was left out."},
    {.name = "records", .type = FieldType::objects, .help = "The records.", .fields = kRecordAnswer},
};

constexpr Field kListAnswer[] = {
    {.name = "name", .help = "What it is called here.", .column = true},
    {.name = "address", .help = "Host and port as configured or discovered.", .column = true},
    {.name = "condition",
     .type = FieldType::choice,
     .help = "What probes and traffic show.",
     .choices = "untried|up|down",
     .column = true},
    {.name = "state",
     .type = FieldType::choice,
     .help = "What a person wants of it.",
     .choices = "active|draining|maintenance",
     .column = true},
    {.name = "priority", .type = FieldType::integer, .help = "The smallest is asked first.", .column = true},
    {.name = "count",
     .type = FieldType::integer,
     .help = "The count in its latest answer; absent: none was seen.",
     .column = true},
    {.name = "lastAnswer", .type = FieldType::timestamp, .help = "When it last answered a client.", .column = true},
    {.name = "why", .help = "Its condition in words, with the evidence.", .column = true},
    {.name = "addresses", .type = FieldType::texts, .help = "What its name resolves to."},
    {.name = "families", .type = FieldType::texts, .help = "Product families that it may serve; empty: all."},
    {.name = "versions", .type = FieldType::integers, .help = "Protocol versions that it may serve; empty: all."},
    {.name = "weight", .type = FieldType::integer, .help = "Its share of clients where they are spread."},
    {.name = "countsVirtual",
     .type = FieldType::choice,
     .help = "Whether it counts virtual machines, as the settings say.",
     .choices = "yes|no|unknown"},
    {.name = "discoveredIn", .help = "The domain whose record named it; empty: the settings did."},
    {.name = "asked", .type = FieldType::integer, .help = "Requests sent to it since the start."},
    {.name = "answers", .type = FieldType::integer, .help = "Of them answered, refusals included."},
    {.name = "failures", .type = FieldType::integer, .help = "Attempts that led to the next upstream."},
    {.name = "associations", .type = FieldType::integer, .help = "RPC associations open now."},
    {.name = "opened", .type = FieldType::integer, .help = "RPC associations opened since the start."},
    {.name = "reading", .help = "The weightiest of what its answers say about it; empty: nothing is the matter."},
};
constexpr Field kShowAnswer[] = {
    {.name = "name", .help = "What it is called here.", .column = true},
    {.name = "address", .help = "Host and port as configured or discovered.", .column = true},
    {.name = "condition",
     .type = FieldType::choice,
     .help = "What probes and traffic show.",
     .choices = "untried|up|down",
     .column = true},
    {.name = "state",
     .type = FieldType::choice,
     .help = "What a person wants of it.",
     .choices = "active|draining|maintenance",
     .column = true},
    {.name = "priority", .type = FieldType::integer, .help = "The smallest is asked first.", .column = true},
    {.name = "count",
     .type = FieldType::integer,
     .help = "The count in its latest answer; absent: none was seen.",
     .column = true},
    {.name = "lastAnswer", .type = FieldType::timestamp, .help = "When it last answered a client.", .column = true},
    {.name = "why", .help = "Its condition in words, with the evidence.", .column = true},
    {.name = "addresses", .type = FieldType::texts, .help = "What its name resolves to."},
    {.name = "families", .type = FieldType::texts, .help = "Product families that it may serve; empty: all."},
    {.name = "versions", .type = FieldType::integers, .help = "Protocol versions that it may serve; empty: all."},
    {.name = "weight", .type = FieldType::integer, .help = "Its share of clients where they are spread."},
    {.name = "countsVirtual",
     .type = FieldType::choice,
     .help = "Whether it counts virtual machines, as the settings say.",
     .choices = "yes|no|unknown"},
    {.name = "discoveredIn", .help = "The domain whose record named it; empty: the settings did."},
    {.name = "asked", .type = FieldType::integer, .help = "Requests sent to it since the start."},
    {.name = "answers", .type = FieldType::integer, .help = "Of them answered, refusals included."},
    {.name = "failures", .type = FieldType::integer, .help = "Attempts that led to the next upstream."},
    {.name = "associations", .type = FieldType::integer, .help = "RPC associations open now."},
    {.name = "opened", .type = FieldType::integer, .help = "RPC associations opened since the start."},
    {.name = "reading", .help = "The weightiest of what its answers say about it; empty: nothing is the matter."},
    {.name = "readings",
     .type = FieldType::objects,
     .help = "What its answers say about it, with the evidence.",
     .column = true,
     .fields = kReadingFields},
    {.name = "learned",
     .type = FieldType::object,
     .help = "What was learnt from its answers.",
     .column = true,
     .fields = kLearnedFields},
};

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

Timestamp wallNow() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string isoTime(Timestamp time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    const auto ms = time.time_since_epoch().count() % 1000;
    char rest[8];
    std::snprintf(rest, sizeof rest, ".%03dZ", static_cast<int>(ms < 0 ? ms + 1000 : ms));
    return std::string(text, size) + rest;
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
    Json out = json({{"name", upstream.name},
                     {"address", upstream.host + ":" + std::to_string(upstream.port)},
                     {"condition", name(health.condition)},
                     {"state", name(upstream.duty)},
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

std::vector<std::vector<Reading>> Relay::readingsOf(const Roster& roster) const {
    std::vector<Subject> subjects;
    for (const Entry& entry : roster)
        subjects.push_back({entry.upstream.name, entry.upstream.countsVirtual, entry.member->learned->snapshot()});
    const auto families = host_.families().all();
    return read(subjects, {wallNow(), families});
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
    const std::uint64_t before = found->member->probes.load();
    host_.reactor(0).post([this, wanted] { prober_->probeNow(wanted); });
    std::chrono::milliseconds patience{0};
    {
        const std::lock_guard lock(mutex_);
        patience = config_.probe.connect * 3 * static_cast<int>(found->addresses.size() + 1) + std::chrono::seconds(1);
    }
    const auto until = std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(patience, kLongestCheck);
    while (found->member->probes.load() == before) {
        if (std::chrono::steady_clock::now() > until)
            return fail(Code::timeout, "upstream " + wanted, "the probe has not ended yet; look again in a moment");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
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
        found->member->standsBack.store(false);
    const auto kept = duties_->set(wanted, {duty, call.caller.name, wallNow()});
    host_.event(kDutyChanged, json({{"caller", call.caller.name}, {"upstream", wanted}, {"duty", name(duty)}}));
    rebuild();
    if (!kept)
        return fail(kept.error());
    return show(call);
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

Result<Reply> Relay::add(const Call& call) {
    auto list = withAdded(host_.setting("upstreams", UpstreamList{}), call);
    const std::string name = list ? nameOf(list->back()) : std::string();
    if (auto done = apply(std::move(list), call, "upstream add " + name); !done)
        return fail(done.error());
    Call shown = call;
    shown.path.set("name", name);
    return show(shown);
}

Result<Reply> Relay::change(const Call& call) {
    const std::string before(call.text("name"));
    auto list = withChanged(host_.setting("upstreams", UpstreamList{}), before, call);
    const Json* const renamed = call.body.find("rename");
    const std::string after = renamed != nullptr && renamed->string() != nullptr ? *renamed->string() : before;
    if (auto done = apply(std::move(list), call, "upstream set " + before); !done)
        return fail(done.error());
    Call shown = call;
    shown.path.set("name", after);
    shown.body = Json();
    return show(shown);
}

Result<Reply> Relay::remove(const Call& call) {
    const std::string name(call.text("name"));
    if (auto done =
            apply(withRemoved(host_.setting("upstreams", UpstreamList{}), name), call, "upstream remove " + name);
        !done)
        return fail(done.error());
    (void)duties_->clear(name);
    return Reply(json({{"removed", name}}));
}

void Relay::registerOperations() {
    const auto add = [this](const Operation& operation, Result<Reply> (Relay::*handler)(const Call&)) {
        host_.operation(operation, [this, handler](const Call& call) { return (this->*handler)(call); });
    };
    add({.method = "GET",
         .path = "/upstreams",
         .role = Role::viewer,
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
         .answer = kShowAnswer},
        &Relay::check);
    add({.method = "POST",
         .path = "/upstreams/discover",
         .role = Role::operator_,
         .cli = "upstream discover",
         .summary = "Asks DNS now for hosts of the domains in setting relay.discover.",
         .answer = kDiscoverAnswer,
         .list = true},
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
