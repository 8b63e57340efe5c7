#include "host/daemon/life.h"

#include <algorithm>
#include <unistd.h>
#include <utility>
#include <vector>

#include "api/describe.h"
#include "audit/operations.h"
#include "backup/events.h"
#include "backup/operations.h"
#include "backup/wishes.h"
#include "host/daemon/box_operations.h"
#include "host/daemon/core_events.h"
#include "host/daemon/memory.h"
#include "host/daemon/mode_file.h"
#include "host/daemon/run_settings.h"
#include "host/daemon/support.h"
#include "host/supervise/signals.h"
#include "kms/later_products.h"
#include "pool/pool_operations.h"

namespace muster::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto kDrainLimit = 1000ms;  // for answers under way when the daemon is told to stop
constexpr auto kDrainLook = 10ms;
constexpr auto kLookForStore = 2s;
constexpr auto kTrim = 60s;

}  // namespace

Life::Life(Premises premises, Mode mode, std::string chosenBy, std::unique_ptr<settings::SettingsStore> settings,
           std::unique_ptr<pool::Archive> store)
    : premises_(std::move(premises)),
      log_(premises_.log),
      mode_(mode),
      settings_(std::move(settings)),
      worker_([this](std::string_view what) { log_.write(Severity::error, "core", what); }),
      reactors_(reactorCount(*settings_),
                [this](std::string_view what) {
                    log_.write(Severity::error, "reactor", "an exception came out of a task: " + std::string(what));
                }),
      store_(std::move(store), premises_.storeTrouble, premises_.openStore),
      services_({log_, *settings_, table_, metrics_, reactors_, premises_.sockets, mode,
                 modeDirectory(premises_.state, mode), premises_.state, store_, newClientsPerHour(*settings_),
                 daemon::recording(*settings_), !premises_.storeTrouble.empty(),
                 [this](std::function<void()> job) { worker_.submit(std::move(job)); }, premises_.nsupdate,
                 premises_.audit}),
      plugins_(services_, pluginOptions(premises_.line, premises_.state)),
      dispatcher_(reactors_.count(), plugins_.families(), limits(*settings_),
                  [this](bool durable) { durabilityChanged(durable); }),
      backups_(makeBackups()),
      firewall_(premises_.line.system, log_),
      view_{mode,
            std::move(chosenBy),
            std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()),
            std::chrono::steady_clock::now(),
            ready_,
            durable_,
            rate_,
            services_,
            plugins_,
            dispatcher_,
            premises_.sockets,
            store_,
            [this](Mode wanted, const std::string& caller) { return chooseMode(wanted, caller); },
            [this] { beginAnew("somebody had it begin anew"); },
            premises_.audit != nullptr ? &premises_.audit->log() : nullptr,
            backups_.get()} {
    services_.setDispatcher(dispatcher_);
    services_.setSettingsChanged(
        [this](const settings::Change& change) { plugins_.settingsChanged(change.section, change.restart); });
}

Result<void> Life::check() {
    plugins_.load();
    return judge(settings_->check());
}

Result<void> Life::judge(const settings::Report& report) const {
    for (const std::string& warning : report.warnings)
        log_.write(Severity::warning, "settings", warning);
    if (!report.good()) {
        std::string text = report.text();
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            log_.write(Severity::error, "settings", text.substr(begin, end - begin));
            begin = end + 1;
        }
        return fail(Code::malformed, "settings",
                    std::to_string(report.findings.size()) +
                        (report.findings.size() == 1 ? " value is" : " values are") +
                        " wrong, listed above; correct the file (\"musterd --check\" judges it without starting)");
    }
    return {};
}

Result<void> Life::start() {
    log_.setLevel(logLevel(*settings_));
    plugins_.load();  // now all sections are known: the file is judged whole, and kept if it was edited meanwhile
    if (const char* option = premises_.line.modeOption(); option != nullptr && !hasPlugin(name(mode_)))
        return fail(Code::missing, option,
                    std::string("the plugin ") + name(mode_) + " is not installed; install it or name its directory " +
                        "with --plugins");
    if (auto judged = judge(settings_->begin()); !judged)
        return judged;
    services_.judgeSettings();
    if (premises_.audit != nullptr)
        premises_.audit->log().onTrouble([this](const std::string& trouble) {
            if (trouble.empty())
                services_.journal("core", kAuditAgain, Json(Json::Object{}));
            else
                services_.journal("core", kAuditTrouble, json({{"trouble", trouble}}));
        });
    if (auto added = registerOperations(); !added)
        return added;
    settings_->subscribe("core", [this](const settings::Change&) { coreSettingsChanged(); });
    settings_->subscribe("pool", [this](const settings::Change&) { coreSettingsChanged(); });
    services_.serve(true);
    plugins_.start();
    premises_.sockets.dropUnclaimed();
    if (auto listening = listensWhereTold(); !listening)
        return listening;

    premises_.denyExec();
    ready_ = true;
    if (auto started = startControl(); !started) {
        if (premises_.storeTrouble.empty())
            return started;
        // It may be on the disk that the relay does without.
        log_.write(Severity::critical, "core",
                   "no control socket, clients are served all the same: " + started.error().text() +
                       "; name another place with --control");
    }
    if (const char* option = premises_.line.modeOption())
        services_.journal("core", kModeOfRun,
                          json({{"caller", "uid " + std::to_string(::getuid())},
                                {"option", option},
                                {"mode", name(mode_)},
                                {"before", premises_.keptMode}}));
    if (premises_.restored)
        services_.journal("core", backup::kRestored,
                          json({{"parts", backup::joined(premises_.restored->parts)},
                                {"name", premises_.restored->backup},
                                {"by", premises_.restored->by},
                                {"aside", premises_.restored->aside}}));
    if (!premises_.restoreTrouble.empty())
        services_.journal("core", backup::kRestoreFailed, json({{"trouble", premises_.restoreTrouble}}));
    if (backups_)
        backups_->start();
    services_.journal("core", kStarted, json({{"version", MUSTER_VERSION}, {"mode", name(mode_)}}));
    for (const std::string& trouble : troubles(view_))
        log_.write(Severity::warning, "core", trouble);
    return {};
}

Result<void> Life::startControl() {
    std::filesystem::path path = premises_.line.control;
    if (path.empty())
        path = value<std::string>(*settings_, "core", "control-socket", "");
    if (path.empty())
        path = premises_.state / "control.sock";
    control::Options options;
    options.operatorGroup = value<std::string>(*settings_, "core", "operator-group", options.operatorGroup);
    options.log = [this](Severity severity, const std::string& text) { log_.write(severity, "control", text); };
    options.handlerFailed = [this](std::string_view owner, std::string_view what) {
        log_.write(Severity::error, owner, "an operation threw: " + std::string(what));
    };
    if (premises_.audit != nullptr)
        options.observer = [audit = premises_.audit](api::Observed observed) { audit->observe(std::move(observed)); };
    control_.emplace(path.string(), table_, options);
    auto started = control_->start();
    if (!started)
        control_.reset();
    return started;
}

/// What the command line names is wanted here and now: a person waits for it, or a script that tries the next port.
Result<void> Life::listensWhereTold() const {
    const auto bound = premises_.sockets.bound();
    for (const std::string& text : premises_.line.listen) {
        const auto wanted = Address::parse(text);
        const auto same = [&](const Address& address) {
            return address == *wanted || (wanted->port == 0 && address.octets == wanted->octets);
        };
        if (std::none_of(bound.begin(), bound.end(), same))
            return fail(Code::missing, "--listen " + text, "nothing listens there; the lines above say why");
    }
    return {};
}

Result<void> Life::registerOperations() {
    if (auto added = addCoreOperations(table_, view_); !added)
        return added;
    if (auto added = addBoxOperations(table_, premises_.line.system); !added)
        return added;
    if (auto added = addSupport(table_, MUSTER_VERSION); !added)
        return added;
    if (auto added = api::addDescriptions(table_, MUSTER_VERSION); !added)
        return added;
    if (auto added = settings::addOperations(table_, *settings_); !added)
        return added;
    if (auto added = plugins::addPluginOperations(table_, plugins_); !added)
        return added;
    if (premises_.audit != nullptr)
        if (auto added = audit::addOperations(table_, premises_.audit->log()); !added)
            return added;
    if (backups_)
        if (auto added = backup::addOperations(table_, *backups_); !added)
            return added;
    pool::Archive* const archive = store_.get();
    return archive != nullptr ? registerPoolOperations(*archive) : Result<void>();
}

Result<void> Life::registerPoolOperations(pool::Archive& archive) {
    Result<void> result;
    pool::addPoolOperations(
        {archive, [this](const Guid& counted, const Guid& sku) { return productName(counted, sku); },
         [this](const Guid& application, const Guid& cmid) {
             if (Authority* authority = services_.presentAuthority())
                 authority->forget(application, cmid);
         }},
        [&](const Operation& operation, Handler handler) {
            if (auto added = table_.add("core", operation, std::move(handler)); !added && result)
                result = added;
        });
    return result;
}

std::string Life::productName(const Guid& counted, const Guid& sku) {
    const Product product = plugins_.families().find(counted, sku);
    if (product.sku != nullptr)
        return product.sku->name;
    return product.counted != nullptr ? product.counted->name : kms::laterProductName(counted);
}

bool Life::loop() {
    const supervise::SignalWatch signals(loop_, {[this](int) {
                                                     log_.write(Severity::info, "core", "told to stop");
                                                     beginAnew_ = false;
                                                     if (!draining_)
                                                         drainThenStop(std::chrono::steady_clock::now() + kDrainLimit);
                                                 },
                                                 [this] { lookAgain(); }});
    tellStatus();
    giveBackMemory();  // what only the start needed
    premises_.notifier.ready(statusTold_);
    log_.write(Severity::info, "core", "ready: " + statusTold_);
    watchdog_ = premises_.notifier.watchdogInterval();
    if (watchdog_ != 0ms)
        kickWatchdog();
    everySecond();
    loop_.run();
    return beginAnew_;
}

void Life::stop(const char* reason) noexcept {
    if (std::exchange(stopped_, true))
        return;
    if (ready_.exchange(false))
        services_.journal("core", kStopping, json({{"reason", reason}}));
    if (premises_.audit != nullptr)
        premises_.audit->log().onTrouble({});
    if (backups_)
        backups_->stop();  // before those who wait for it
    if (control_)
        control_->stop();
    worker_.stop();  // what it does, it does to what goes now
    plugins_.stop();
    services_.serve(false);
    if (plugins_.anyWedged())
        return;      // code of a plugin still runs: what it may reach stays, and the process ends without unwinding
    store_.close();  // calls back for every batch under way: the dispatcher is still there
    reactors_.stop();
}

void Life::everySecond() {
    loop_.after(1s, [this] { everySecond(); });
    rate_.sample(dispatcher_.counters().requests.value());
    syncCounters();
    // Without a request no record tells that the store is back.
    const pool::Store* const store = store_.get();
    if (!durable_ && store != nullptr && store->trouble().empty())
        dispatcher_.storeWorks();
    tellStatus();
    const Monotonic now = std::chrono::steady_clock::now();
    if (store_.isWanted() && now >= nextLook_) {
        nextLook_ = now + kLookForStore;
        worker_.submitIfIdle([this] { lookForStore(); });
    } else if (now >= nextTrim_) {
        nextTrim_ = now + kTrim;
        worker_.submitIfIdle([] { giveBackMemory(); });
    }
    worker_.submitIfIdle([this] {
        plugins_.tick(std::chrono::steady_clock::now());
        if (premises_.audit != nullptr)
            premises_.audit->tick();
        firewall_.tick(premises_.sockets.allBound());
    });
}

/// On the worker: until it is there, and once it is, all that does without it begins to use it.
void Life::lookForStore() {
    if (!store_.look())
        return;
    if (auto added = registerPoolOperations(*store_.get()); !added)
        log_.write(Severity::error, "core", added.error().text());
    plugins_.tick(std::chrono::steady_clock::now());  // they make the directories that they could not make
    services_.storeCame();
    services_.journal("core", kStoreCame, Json(Json::Object{}));
    loop_.post([this] {
        if (control_ || draining_)
            return;
        if (auto started = startControl(); !started)
            log_.write(Severity::error, "core", "no control socket: " + started.error().text());
    });
}

void Life::kickWatchdog() {
    if (reactors_.turning())
        premises_.notifier.watchdog();
    loop_.after(watchdog_, [this] { kickWatchdog(); });
}

void Life::drainThenStop(Monotonic until) {
    draining_ = true;
    if (dispatcher_.inFlight() == 0 || std::chrono::steady_clock::now() >= until)
        loop_.stop();
    else
        loop_.after(kDrainLook, [this, until] { drainThenStop(until); });
}

void Life::tellStatus() {
    std::string text = std::string(name(mode_)) + " mode";
    const auto bound = premises_.sockets.bound();
    for (std::size_t i = 0; i < bound.size(); ++i)
        text += (i == 0 ? ", listening on " : ", ") + bound[i].text();
    if (text != statusTold_) {
        statusTold_ = std::move(text);
        premises_.notifier.status(statusTold_);
    }
}

void Life::lookAgain() {
    premises_.notifier.reloading();
    worker_.submit([this] {
        std::string changes;
        const auto note = [&](const std::string& text) { changes += (changes.empty() ? "" : "; ") + text; };
        if (const auto reloaded = settings_->reload(); !reloaded)
            note("settings stay as they were (" + reloaded.error().text() + ")");
        else if (*reloaded)
            note("settings changed");
        for (const std::string& sentence : plugins_.rescan())
            note(sentence);
        services_.journal("core", kReloaded, json({{"changes", changes.empty() ? "nothing has changed" : changes}}));
        premises_.notifier.ready("");
        loop_.post([this] {
            statusTold_.clear();
            tellStatus();
        });
    });
}

void Life::coreSettingsChanged() {
    log_.setLevel(logLevel(*settings_));
    services_.admission().setPerHour(newClientsPerHour(*settings_));
    const bool record = recording(*settings_);
    if (record != services_.recording()) {
        services_.setRecording(record);
        services_.journal("core", record ? kRecordingAgain : kNotRecording, Json(Json::Object{}));
    }
    const dispatch::Limits now = limits(*settings_);
    reactors_.onReactors([&](Reactor& reactor) { dispatcher_.limit(reactor, now); });
}

void Life::durabilityChanged(bool durable) {
    // On a reactor: what may wait for a lock is done by the worker.
    durable_ = durable;
    worker_.submit([this, durable] {
        if (durable)
            services_.journal("core", kDurableAgain, Json(Json::Object{}));
        else
            services_.journal(
                "core", kNotDurable,
                json({{"trouble", store_.get() != nullptr ? store_.get()->trouble() : store_.trouble()}}));
    });
}

bool Life::hasPlugin(std::string_view wanted) const {
    const auto known = plugins_.list();
    return std::any_of(known.begin(), known.end(),
                       [&](const plugins::PluginStatus& plugin) { return plugin.name == wanted; });
}

Result<void> Life::chooseMode(Mode wanted, const std::string& caller) {
    if (const char* option = premises_.line.modeOption())
        return fail(Code::conflict, "mode",
                    std::string("this run was started with ") + option + "; start without it to choose a mode");
    if (wanted == mode_)
        return {};
    if (!hasPlugin(name(wanted)))
        return fail(Code::missing, std::string("mode ") + name(wanted),
                    "its plugin is not installed; \"musterctl plugin list\" shows those that are");
    if (auto written = writeMode(premises_.state, wanted); !written)
        return written;
    services_.journal("core", kModeChosen, json({{"caller", caller}, {"mode", name(wanted)}, {"before", name(mode_)}}));
    beginAnew("another mode was chosen");
    return {};
}

void Life::beginAnew(const char* why) {
    why_ = why;
    beginAnew_ = true;
    loop_.post([this] { drainThenStop(std::chrono::steady_clock::now() + kDrainLimit); });
}

std::unique_ptr<backup::Backups> Life::makeBackups() {
    if (premises_.state.empty())
        return nullptr;
    backup::Surroundings around;
    around.directories = {premises_.state, settings_->file()};
    around.version = MUSTER_VERSION;
    around.mode = mode_;
    around.store = [this] { return store_.get(); };
    around.policy = [this] { return backupPolicy(*settings_); };
    around.judgeSettings = [this](std::string_view text) -> Result<void> {
        const settings::Report report = settings_->checkText(text, "the settings in it");
        if (report.good())
            return {};
        return fail(Code::incompatible, "settings", "this Muster would not start with them: " + report.text());
    };
    around.event = [this](const EventSpec& spec, Json fields) { services_.journal("core", spec, std::move(fields)); };
    around.beginAnew = [this] { beginAnew("a backup is restored"); };
    return std::make_unique<backup::Backups>(std::move(around));
}

void Life::syncCounters() {
    struct Shown {
        const char* name;
        const char* help;
        const Counter dispatch::Counters::*counter;
    };
    static constexpr Shown kShown[] = {
        {"requests_total", "Activation requests received.", &dispatch::Counters::requests},
        {"requests_malformed_total", "Requests of no known shape.", &dispatch::Counters::malformed},
        {"answers_total", "Requests answered with a body.", &dispatch::Counters::answered},
        {"refusals_total", "Requests refused with an HRESULT.", &dispatch::Counters::refused},
        {"faults_total", "Requests ended by an RPC fault.", &dispatch::Counters::faulted},
        {"dropped_total", "Requests whose connection was closed without a word.", &dispatch::Counters::dropped},
        {"answers_not_durable_total", "Answers that left although their record was not on disk.",
         &dispatch::Counters::notDurable},
        {"answers_withheld_total", "Answers turned into a fault because their record was not on disk.",
         &dispatch::Counters::withheld},
        {"requests_overdue_total", "Requests not decided in time.", &dispatch::Counters::overdue},
        {"requests_without_authority_total", "Requests that nobody was there to decide.",
         &dispatch::Counters::withoutAuthority},
        {"new_clients_over_limit_total", "New clients beyond the bound of their source.",
         &dispatch::Counters::newOverLimit},
        {"completed_twice_total", "Requests that an authority completed twice.", &dispatch::Counters::completedTwice},
    };
    for (const Shown& shown : kShown) {
        Counter& counter = metrics_.counter("core", shown.name, shown.help);
        counter += (dispatcher_.counters().*shown.counter).value() - counter.value();
    }
}

}  // namespace muster::daemon
