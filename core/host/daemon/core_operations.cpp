#include "host/daemon/core_operations.h"

#include <algorithm>
#include <utility>

#include "api/values.h"
#include "host/daemon/slmgr_lines.h"

namespace muster::daemon {

namespace {

constexpr Field kModeField{.name = "mode",
                           .type = FieldType::choice,
                           .help =
                               "lab: plays the whole host under its own seal; relay: a licensed host answers; none: "
                               "nobody has chosen yet.",
                           .choices = "none|lab|relay",
                           .column = true};

constexpr Field kStatusAnswer[] = {
    {.name = "ready", .type = FieldType::boolean, .help = "Whether clients are served.", .column = true},
    kModeField,
    {.name = "version", .type = FieldType::text, .help = "Of the firmware.", .column = true},
    {.name = "started", .type = FieldType::timestamp, .help = "When the daemon started.", .column = true},
    {.name = "uptime", .type = FieldType::integer, .help = "Seconds since then.", .column = true},
    {.name = "listening", .type = FieldType::texts, .help = "Addresses that clients reach.", .column = true},
    {.name = "clients", .type = FieldType::integer, .help = "Different CMIDs in the pool.", .column = true},
    {.name = "machines", .type = FieldType::integer, .help = "Machines in the pool.", .column = true},
    {.name = "requests", .type = FieldType::integer, .help = "Requests ever recorded.", .column = true},
    {.name = "failed", .type = FieldType::integer, .help = "Of them refused or faulted.", .column = true},
    {.name = "requestsPerSecond", .type = FieldType::number, .help = "Over the last ten seconds.", .column = true},
    {.name = "inFlight", .type = FieldType::integer, .help = "Requests without an answer yet.", .column = true},
    {.name = "answersNotDurable",
     .type = FieldType::integer,
     .help = "Answers since the start that left although their record was not on disk.",
     .column = true},
    {.name = "pluginsStarted", .type = FieldType::integer, .help = "Plugins in service.", .column = true},
    {.name = "pluginsFailed", .type = FieldType::integer, .help = "Plugins that could not be.", .column = true},
    {.name = "store",
     .type = FieldType::choice,
     .help =
         "How requests are recorded. slow: they do not reach the disk in time; failing: the disk does not take them; "
         "missing: there is no database; off: setting pool.record.",
     .choices = "ok|slow|failing|missing|off"},
    {.name = "safeMode", .type = FieldType::boolean, .help = "Only the safe set was started.", .column = true},
    {.name = "degraded",
     .type = FieldType::boolean,
     .help = "A database was set aside or cannot be opened; \"musterctl backup list\" shows what can be restored.",
     .column = true},
    {.name = "trouble", .type = FieldType::texts, .help = "What is wrong, a sentence each.", .column = true},
};

constexpr Field kModeAnswer[] = {
    kModeField,
    {.name = "chosenBy",
     .type = FieldType::choice,
     .help = "Who chose it.",
     .choices = "command line|person|nobody",
     .column = true},
};

constexpr Field kModeBody[] = {
    {.name = "mode",
     .type = FieldType::choice,
     .help = "The mode from now on.",
     .choices = "lab|relay",
     .required = true},
};

constexpr Field kStepFields[] = {
    {.name = "step",
     .type = FieldType::choice,
     .help = "bind: the association; mgmt: the RPC run time's own interface; request: through listener and dispatcher; "
             "record: on disk and in the database.",
     .choices = "bind|mgmt|request|record",
     .column = true},
    {.name = "address", .type = FieldType::text, .help = "What was asked.", .column = true},
    {.name = "found", .type = FieldType::text, .help = "What was found.", .column = true},
};

constexpr Field kSelfTestAnswer[] = {
    {.name = "steps",
     .type = FieldType::objects,
     .help = "All that was tried; all of it is good.",
     .fields = kStepFields},
    {.name = "leftOut", .type = FieldType::text, .help = "What could not be tried, and why; empty: nothing."},
};

bool failed(plugins::State state) noexcept {
    return state != plugins::State::started && state != plugins::State::stopped;
}

Json texts(const std::vector<std::string>& lines) {
    Json::Array array(lines.begin(), lines.end());
    return array;
}

const char* storeWord(const CoreView& view) {
    const pool::Store* const store = view.store.get();
    if (store == nullptr)
        return "missing";
    if (!view.services.recording())
        return "off";
    if (!store->trouble().empty())
        return "failing";
    return view.durable ? "ok" : "slow";
}

Json status(const CoreView& view) {
    const auto uptime = std::chrono::steady_clock::now() - view.startedAt;
    const pool::Store* const store = view.store.get();
    const pool::Totals totals = store != nullptr ? store->totals() : pool::Totals{};
    const auto plugins = view.plugins.list();
    const auto count = [&](auto&& matches) {
        return static_cast<std::int64_t>(
            std::count_if(plugins.begin(), plugins.end(), [&](const auto& plugin) { return matches(plugin.state); }));
    };
    std::vector<std::string> listening;
    for (const Address& address : view.sockets.bound())
        listening.push_back(address.text());
    return json({{"ready", view.ready.load()},
                 {"mode", name(view.mode)},
                 {"version", MUSTER_VERSION},
                 {"started", isoTime(view.started)},
                 {"uptime", std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(uptime).count()}},
                 {"listening", texts(listening)},
                 {"clients", totals.clients},
                 {"machines", totals.machines},
                 {"requests", totals.requests},
                 {"failed", totals.failed},
                 {"requestsPerSecond", view.rate.perSecond()},
                 {"inFlight", static_cast<std::uint64_t>(view.dispatcher.inFlight())},
                 {"answersNotDurable", view.dispatcher.counters().notDurable.value()},
                 {"pluginsStarted", count([](plugins::State state) { return state == plugins::State::started; })},
                 {"pluginsFailed", count(failed)},
                 {"store", storeWord(view)},
                 {"safeMode", view.plugins.safeMode()},
                 {"degraded", view.backups != nullptr && view.backups->isNeeded()},
                 {"trouble", texts(troubles(view, plugins))}});
}

HostView hostView(const CoreView& view) {
    HostView host;
    if (const Authority* authority = view.services.presentAuthority())
        host.keys = authority->keys();
    const auto bound = view.sockets.bound();
    host.port = bound.empty() ? 0 : bound.front().port;
    const auto publishing = view.services.setting("dns", "publish");
    if (publishing)
        if (const bool* on = std::get_if<bool>(&*publishing))
            host.publishesDns = *on;
    if (const pool::Store* const store = view.store.get()) {
        const pool::Totals totals = store->totals();
        host.requests = totals.requests;
        host.failed = totals.failed;
        host.byLicenseStatus = totals.byLicenseStatus;
    }
    host.version = MUSTER_VERSION;
    host.now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return host;
}

/// Why a request of the self-test leaves no record; empty: it does.
std::string unrecorded(const CoreView& view) {
    if (view.mode == Mode::none)
        return "nothing is recorded before a mode is chosen";
    return view.services.recording() ? "" : "requests are not recorded (setting pool.record)";
}

Result<Reply> selfTest(const CoreView& view) {
    constexpr const char* kSubject = "self-test";
    if (!view.ready)
        return fail(Code::busy, kSubject, "the daemon is starting; ask again in a moment");
    for (const plugins::PluginStatus& plugin : view.plugins.list())
        if (failed(plugin.state))
            return fail(Code::internal, kSubject,
                        "plugin " + plugin.name + " is " + plugins::name(plugin.state) + ": " + plugin.reason +
                            "; \"musterctl plugin list\" shows all of them");
    if (view.mode != Mode::none && view.services.presentAuthority() == nullptr)
        return fail(Code::internal, kSubject,
                    "the authority of mode " + std::string(name(view.mode)) +
                        " is not in service; see \"musterctl plugin list\"");
    const auto listening = view.sockets.bound();
    if (listening.empty())
        return fail(Code::internal, kSubject, "no address is listened on, no client can reach this appliance");
    const std::string leftOut = unrecorded(view);
    pool::Store* const store = leftOut.empty() ? view.store.get() : nullptr;
    if (leftOut.empty() && store == nullptr)
        return fail(Code::storage, kSubject, "nothing is recorded: " + view.store.trouble());
    const auto steps = view.services.selfTest().run(listening, store);
    if (!steps)
        return fail(steps.error());
    Json::Array tried;
    for (const selftest::Step& step : *steps) {
        if (!step.good)
            return fail(Code::internal, kSubject,
                        step.name + " at " + step.where + ": " + step.words +
                            "; \"musterctl status\" and the log of musterd say more");
        tried.push_back(json({{"step", step.name}, {"address", step.where}, {"found", step.words}}));
    }
    return Reply(json({{"steps", std::move(tried)}, {"leftOut", leftOut}}));
}

Reply textReply(std::string text) {
    Reply reply;
    reply.text = std::move(text);
    return reply;
}

}  // namespace

std::vector<std::string> troubles(const CoreView& view) {
    return troubles(view, view.plugins.list());
}

std::vector<std::string> troubles(const CoreView& view, const std::vector<plugins::PluginStatus>& plugins) {
    std::vector<std::string> lines;
    if (view.mode == Mode::none)
        lines.emplace_back("no mode is chosen, clients get a fault; choose with \"musterctl mode set\"");
    else if (const Authority* authority = view.services.presentAuthority(); authority != nullptr)
        lines = authority->troubles();
    else
        lines.push_back("mode " + std::string(name(view.mode)) +
                        ": its authority is not in service, clients get a fault; see \"musterctl plugin list\"");
    const std::string missing = view.store.trouble();
    const pool::Store* const store = view.store.get();  // after that: it may come between the two
    if (store == nullptr && !missing.empty())
        lines.push_back("nothing is recorded: " + missing +
                        "; as soon as it can be, requests are recorded again by themselves");
    if (store != nullptr)
        if (std::string text = store->trouble(); !text.empty())
            lines.push_back(std::move(text));
    if (store != nullptr && !view.services.recording())
        lines.emplace_back("requests are not recorded (setting pool.record)");
    else if (!view.durable)
        lines.emplace_back("records do not reach the disk in time (setting core.commit-limit)");
    if (view.audit != nullptr)
        if (std::string text = view.audit->trouble(); !text.empty())
            lines.push_back(std::move(text));
    if (view.backups != nullptr)
        for (std::string& line : view.backups->troubles())
            lines.push_back(std::move(line));
    if (view.plugins.safeMode())
        lines.emplace_back("safe mode: the daemon died too often after its start; see \"musterctl plugin list\"");
    for (std::string& line : view.services.pluginTroubles())
        lines.push_back(std::move(line));
    for (const plugins::PluginStatus& plugin : plugins)
        if (failed(plugin.state))
            lines.push_back("plugin " + plugin.name + " is " + plugins::name(plugin.state) + ": " + plugin.reason);
    if (view.sockets.bound().empty())
        lines.emplace_back("no address is listened on, no client can reach this appliance");
    return lines;
}

Result<void> addCoreOperations(api::OperationTable& table, const CoreView& view) {
    const auto add = [&](const Operation& operation, Handler handler) {
        return table.add("core", operation, std::move(handler));
    };
    if (auto added = add({.method = "GET",
                          .path = "/status",
                          .role = Role::viewer,
                          .support = true,
                          .cli = "status",
                          .summary = "How the appliance is, and what is wrong.",
                          .answer = kStatusAnswer},
                         [&view](const Call&) -> Result<Reply> { return Reply(status(view)); });
        !added)
        return added;
    if (auto added = add({.method = "GET",
                          .path = "/mode",
                          .role = Role::viewer,
                          .cli = "mode show",
                          .summary = "Which mode the appliance is in.",
                          .answer = kModeAnswer},
                         [&view](const Call&) -> Result<Reply> {
                             return Reply(json({{"mode", name(view.mode)}, {"chosenBy", view.modeChosenBy}}));
                         });
        !added)
        return added;
    if (auto added =
            add({.method = "POST",
                 .path = "/mode",
                 .role = Role::admin,
                 .cli = "mode set",
                 .summary = "Chooses the mode; the daemon begins anew in it.",
                 .body = kModeBody,
                 .answer = kModeAnswer,
                 .confirm = "Change the mode? Clients, journal and keys of the other mode are kept and not seen."},
                [&view](const Call& call) -> Result<Reply> {
                    const Mode mode = call.text("mode") == "lab" ? Mode::lab : Mode::relay;
                    if (auto chosen = view.chooseMode(mode, call.caller.name); !chosen)
                        return fail(chosen.error());
                    Reply reply(json({{"mode", name(mode)}, {"chosenBy", "person"}}));
                    reply.before = json({{"mode", name(view.mode)}, {"chosenBy", view.modeChosenBy}});
                    reply.after = reply.body;
                    return reply;
                });
        !added)
        return added;
    if (auto added = add({.method = "POST",
                          .path = "/restart",
                          .role = Role::admin,
                          .cli = "restart",
                          .summary = "Has the daemon begin anew, in order: settings that need a restart take effect.",
                          .confirm = "Begin anew? Clients are not served for a moment, and ask again."},
                         [&view](const Call&) -> Result<Reply> {
                             view.restart();
                             return Reply(json({{"restarting", true}}));
                         });
        !added)
        return added;
    if (auto added = add({.method = "POST",
                          .path = "/self-test",
                          .role = Role::operator_,
                          .cli = "self-test",
                          .summary = "Asks this appliance what a client would ask, all the way to the disk and back. "
                                     "No upstream and no name server hears of it, and no client is counted.",
                          .answer = kSelfTestAnswer},
                         [&view](const Call&) { return selfTest(view); });
        !added)
        return added;
    if (auto added = add({.method = "GET",
                          .path = "/dli",
                          .role = Role::viewer,
                          .cli = "dli",
                          .summary = "What slmgr /dli prints on a KMS host.",
                          .text = true},
                         [&view](const Call&) -> Result<Reply> { return textReply(dliText(hostView(view))); });
        !added)
        return added;
    return add({.method = "GET",
                .path = "/dlv",
                .role = Role::viewer,
                .support = true,
                .cli = "dlv",
                .summary = "What slmgr /dlv prints on a KMS host.",
                .text = true},
               [&view](const Call&) -> Result<Reply> { return textReply(dlvText(hostView(view))); });
}

}  // namespace muster::daemon
