#include "host/daemon/daemon.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "api/describe.h"
#include "host/control/control_server.h"
#include "host/daemon/core_events.h"
#include "host/daemon/core_operations.h"
#include "host/daemon/core_settings.h"
#include "host/daemon/mode_file.h"
#include "host/daemon/worker.h"
#include "host/supervise/rights.h"
#include "host/supervise/signals.h"
#include "pool/pool_operations.h"

namespace muster::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto kDrainLimit = 1000ms;  // for answers under way when the daemon is told to stop
constexpr auto kDrainLook = 10ms;

settings::Options settingsOptions(const CommandLine& line, const std::filesystem::path& state, Log& log) {
    settings::Options options;
    options.file = !line.config.empty() ? line.config : state.empty() ? state : state / "muster.toml";
    options.fileMayBeMissing = line.config.empty();
    options.stateDirectory = state;
    options.overrides = line.set;
    if (!line.listen.empty()) {
        std::string list = "listener.addresses=[";
        for (const std::string& address : line.listen)
            list += (list.back() == '[' ? "\"" : ", \"") + address + '"';
        options.overrides.push_back(list + ']');
    }
    // What the command line says by words of its own shows as such.
    if (!line.state.empty())
        options.overrides.push_back("core.state-directory=" + std::filesystem::absolute(line.state).string());
    if (!line.control.empty())
        options.overrides.push_back("core.control-socket=" + std::filesystem::absolute(line.control).string());
    options.environment = settings::processEnvironment();
    options.notify = [&log](Severity severity, const std::string& text) { log.write(severity, "settings", text); };
    return options;
}

Result<std::unique_ptr<settings::SettingsStore>> openSettings(const CommandLine& line,
                                                              const std::filesystem::path& state, Log& log) {
    auto opened = settings::SettingsStore::open(settingsOptions(line, state, log));
    if (!opened)
        return opened;
    if (auto announced = (*opened)->announce("core", "core", kCoreSettings); !announced)
        return fail(announced.error());
    if (auto announced = (*opened)->announce("core", "pool", kPoolSettings); !announced)
        return fail(announced.error());
    return opened;
}

/// A core setting; its default is in the schema, so that it always has a value of that type.
template <class T>
T value(const settings::SettingsStore& settings, std::string_view section, std::string_view key, T fallback) {
    if (auto found = settings.value(section, key))
        if (T* typed = std::get_if<T>(&*found))
            return std::move(*typed);
    return fallback;
}

std::chrono::milliseconds duration(const settings::SettingsStore& settings, std::string_view key,
                                   std::chrono::milliseconds fallback) {
    return std::chrono::milliseconds(value<std::int64_t>(settings, "core", key, fallback.count()));
}

Severity logLevel(const settings::SettingsStore& settings) {
    const std::string word = value<std::string>(settings, "core", "log-level", "info");
    return word == "debug"     ? Severity::debug
           : word == "warning" ? Severity::warning
           : word == "error"   ? Severity::error
                               : Severity::info;
}

dispatch::Limits limits(const settings::SettingsStore& settings) {
    dispatch::Limits limits;
    limits.commit = duration(settings, "commit-limit", limits.commit);
    limits.exchange = duration(settings, "exchange-limit", limits.exchange);
    return limits;
}

unsigned reactorCount(const settings::SettingsStore& settings) {
    const auto asked = static_cast<unsigned>(value<std::int64_t>(settings, "core", "reactors", 1));
    return std::clamp(asked, 1U, std::max(std::thread::hardware_concurrency(), 1U));
}

pool::StoreConfig storeConfig(const settings::SettingsStore& settings, const std::filesystem::path& directory,
                              bool degraded) {
    pool::StoreConfig config;
    config.directory = directory.string();
    config.degraded = degraded;
    config.intakeLimit = static_cast<std::size_t>(value<std::int64_t>(settings, "pool", "intake-limit", 8 << 20));
    config.retentionAge = std::chrono::duration_cast<std::chrono::hours>(std::chrono::milliseconds(value<std::int64_t>(
        settings, "pool", "retention-age", std::chrono::milliseconds(config.retentionAge).count())));
    config.retentionOctets =
        static_cast<std::uint64_t>(value<std::int64_t>(settings, "pool", "retention-size", 300 << 20));
    return config;
}

plugins::PluginHostOptions pluginOptions(const CommandLine& line, const std::filesystem::path& state) {
    plugins::PluginHostOptions options;
    if (line.plugins.empty())
        options.directories = plugins::standardDirectories();
    for (const std::filesystem::path& directory : line.plugins)
        options.directories.push_back({directory.string(), true});
    options.guardDirectory = state.string();
    options.firmwareVersion = MUSTER_VERSION;
    // Power cuts are unclean ends as well: whatever clients wait for starts in safe mode, too.
    options.safe = {"webui", "metrics", "listener", "relay", "lab"};
    return options;
}

}  // namespace

/// Members in the order of construction; each may use those above it. What a request can reach is taken out of service
/// in stop(), so that the destructors only free.
class Daemon::Life {
public:
    Life(Daemon& daemon, Mode mode, std::string chosenBy, std::unique_ptr<settings::SettingsStore> settings,
         std::unique_ptr<pool::Archive> store)
        : daemon_(daemon),
          log_(daemon.log_),
          mode_(mode),
          settings_(std::move(settings)),
          worker_([this](std::string_view what) { log_.write(Severity::error, "core", what); }),
          reactors_(reactorCount(*settings_),
                    [this](std::string_view what) {
                        log_.write(Severity::error, "reactor", "an exception came out of a task: " + std::string(what));
                    }),
          store_(std::move(store)),
          services_(
              {log_, *settings_, table_, metrics_, reactors_, daemon.sockets_, mode, modeDirectory(daemon.state_, mode),
               store_.get(),
               static_cast<std::uint32_t>(value<std::int64_t>(*settings_, "pool", "new-clients-per-hour", 1000))}),
          plugins_(services_, pluginOptions(daemon.line_, daemon.state_)),
          dispatcher_(reactors_.count(), plugins_.families(), limits(*settings_),
                      [this](bool durable) { durabilityChanged(durable); }),
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
                daemon.sockets_,
                store_.get(),
                [this](Mode wanted, const std::string& caller) { return chooseMode(wanted, caller); }} {
        services_.setDispatcher(dispatcher_);
        services_.setSettingsChanged(
            [this](const settings::Change& change) { plugins_.settingsChanged(change.section, change.restart); });
    }

    ~Life() { stop("it could not start"); }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    /// @error  what a person has to do something about
    Result<void> start();
    /// Until a signal, or until another mode was chosen: true then.
    bool loop();
    void stop(const char* reason) noexcept;
    /// After stop(): this object must not be destroyed.
    bool wedged() const { return plugins_.anyWedged(); }

    /// Everything that is wrong with the settings and the plugins' parts of them, judged without serving.
    Result<void> judge();

private:
    Result<void> registerOperations();
    std::string productName(const Guid& counted, const Guid& sku);
    Result<void> listensWhereTold() const;
    Result<void> chooseMode(Mode wanted, const std::string& caller);
    void coreSettingsChanged();
    void lookAgain();
    void durabilityChanged(bool durable);
    void everySecond();
    void kickWatchdog();
    void drainThenStop(Monotonic until);
    void syncCounters();
    void tellStatus();

    Daemon& daemon_;
    Log& log_;
    const Mode mode_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> durable_{true};
    RequestRate rate_;
    std::unique_ptr<settings::SettingsStore> settings_;
    api::OperationTable table_;
    plugins::Metrics metrics_;
    reactor::EpollReactor loop_;  // this thread's: signals, ticks, the watchdog
    Worker worker_;
    reactor::ReactorPool reactors_;
    std::unique_ptr<pool::Archive> store_;
    DaemonServices services_;
    plugins::PluginHost plugins_;
    dispatch::ActivationDispatcher dispatcher_;
    CoreView view_;
    std::optional<control::ControlServer> control_;
    std::chrono::milliseconds watchdog_{0};
    bool draining_ = false;
    bool stopped_ = false;
    std::atomic<bool> beginAnew_{false};
    std::string statusTold_;
};

Result<void> Daemon::Life::judge() {
    plugins_.load();
    const settings::Report report = settings_->check();
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

Result<void> Daemon::Life::start() {
    settings_->begin();  // judged before; now a file that was edited while nobody ran becomes a revision
    log_.setLevel(logLevel(*settings_));
    if (auto judged = judge(); !judged)
        return judged;
    services_.judgeSettings();
    if (auto added = registerOperations(); !added)
        return added;
    settings_->subscribe("core", [this](const settings::Change&) { coreSettingsChanged(); });
    settings_->subscribe("pool", [this](const settings::Change&) { coreSettingsChanged(); });
    services_.serve(true);
    plugins_.start();
    daemon_.sockets_.dropUnclaimed();
    if (auto listening = listensWhereTold(); !listening)
        return listening;

    daemon_.denyExec();
    std::filesystem::path path = daemon_.line_.control;
    if (path.empty())
        path = value<std::string>(*settings_, "core", "control-socket", "");
    if (path.empty())
        path = daemon_.state_ / "control.sock";
    control::Options options;
    options.operatorGroup = value<std::string>(*settings_, "core", "operator-group", options.operatorGroup);
    options.log = [this](Severity severity, const std::string& text) { log_.write(severity, "control", text); };
    options.handlerFailed = [this](std::string_view owner, std::string_view what) {
        log_.write(Severity::error, owner, "an operation threw: " + std::string(what));
    };
    ready_ = true;
    control_.emplace(path.string(), table_, options);
    if (auto started = control_->start(); !started) {
        control_.reset();
        return started;
    }
    services_.journal("core", kStarted, json({{"version", MUSTER_VERSION}, {"mode", name(mode_)}}));
    for (const std::string& trouble : troubles(view_))
        log_.write(Severity::warning, "core", trouble);
    return {};
}

/// What the command line names is wanted here and now: a person waits for it, or a script that tries the next port.
Result<void> Daemon::Life::listensWhereTold() const {
    const auto bound = daemon_.sockets_.bound();
    for (const std::string& text : daemon_.line_.listen) {
        const auto wanted = Address::parse(text);
        const auto same = [&](const Address& address) {
            return address == *wanted || (wanted->port == 0 && address.octets == wanted->octets);
        };
        if (std::none_of(bound.begin(), bound.end(), same))
            return fail(Code::missing, "--listen " + text, "nothing listens there; the lines above say why");
    }
    return {};
}

Result<void> Daemon::Life::registerOperations() {
    if (auto added = addCoreOperations(table_, view_); !added)
        return added;
    if (auto added = api::addDescriptions(table_, MUSTER_VERSION); !added)
        return added;
    if (auto added = settings::addOperations(table_, *settings_); !added)
        return added;
    if (auto added = plugins::addPluginOperations(table_, plugins_); !added)
        return added;
    if (!store_)
        return {};
    Result<void> result;
    pool::addPoolOperations(
        {*store_, [this](const Guid& counted, const Guid& sku) { return productName(counted, sku); },
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

std::string Daemon::Life::productName(const Guid& counted, const Guid& sku) {
    const Product product = plugins_.families().find(counted, sku);
    return product.sku != nullptr ? product.sku->name : product.counted != nullptr ? product.counted->name : "";
}

bool Daemon::Life::loop() {
    const supervise::SignalWatch signals(loop_, {[this](int) {
                                                     log_.write(Severity::info, "core", "told to stop");
                                                     beginAnew_ = false;
                                                     if (!draining_)
                                                         drainThenStop(std::chrono::steady_clock::now() + kDrainLimit);
                                                 },
                                                 [this] { lookAgain(); }});
    tellStatus();
    daemon_.notifier_.ready(statusTold_);
    log_.write(Severity::info, "core", "ready: " + statusTold_);
    watchdog_ = daemon_.notifier_.watchdogInterval();
    if (watchdog_ != 0ms)
        kickWatchdog();
    everySecond();
    loop_.run();
    return beginAnew_;
}

void Daemon::Life::stop(const char* reason) noexcept {
    if (std::exchange(stopped_, true))
        return;
    if (ready_.exchange(false))
        services_.journal("core", kStopping, json({{"reason", reason}}));
    if (control_)
        control_->stop();
    worker_.stop();  // what it does, it does to what goes now
    plugins_.stop();
    services_.serve(false);
    if (plugins_.anyWedged())
        return;      // code of a plugin still runs: what it may reach stays, and the process ends without unwinding
    store_.reset();  // calls back for every batch under way: the dispatcher is still there
    reactors_.stop();
}

void Daemon::Life::everySecond() {
    loop_.after(1s, [this] { everySecond(); });
    rate_.sample(dispatcher_.counters().requests.value());
    syncCounters();
    tellStatus();
    worker_.submitIfIdle([this] { plugins_.tick(std::chrono::steady_clock::now()); });
}

void Daemon::Life::kickWatchdog() {
    if (reactors_.turning())
        daemon_.notifier_.watchdog();
    loop_.after(watchdog_, [this] { kickWatchdog(); });
}

void Daemon::Life::drainThenStop(Monotonic until) {
    draining_ = true;
    if (dispatcher_.inFlight() == 0 || std::chrono::steady_clock::now() >= until)
        loop_.stop();
    else
        loop_.after(kDrainLook, [this, until] { drainThenStop(until); });
}

void Daemon::Life::tellStatus() {
    std::string text = std::string(name(mode_)) + " mode";
    const auto bound = daemon_.sockets_.bound();
    for (std::size_t i = 0; i < bound.size(); ++i)
        text += (i == 0 ? ", listening on " : ", ") + bound[i].text();
    if (text != statusTold_) {
        statusTold_ = std::move(text);
        daemon_.notifier_.status(statusTold_);
    }
}

void Daemon::Life::lookAgain() {
    daemon_.notifier_.reloading();
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
        daemon_.notifier_.ready("");
        loop_.post([this] {
            statusTold_.clear();
            tellStatus();
        });
    });
}

void Daemon::Life::coreSettingsChanged() {
    log_.setLevel(logLevel(*settings_));
    services_.admission().setPerHour(
        static_cast<std::uint32_t>(value<std::int64_t>(*settings_, "pool", "new-clients-per-hour", 1000)));
    const dispatch::Limits now = limits(*settings_);
    reactors_.onReactors([&](Reactor& reactor) { dispatcher_.limit(reactor, now); });
}

void Daemon::Life::durabilityChanged(bool durable) {
    // On a reactor: what may wait for a lock is done by the worker.
    durable_ = durable;
    worker_.submit([this, durable] {
        if (durable)
            services_.journal("core", kDurableAgain, Json(Json::Object{}));
        else
            services_.journal("core", kNotDurable,
                              json({{"trouble", store_ ? store_->trouble() : std::string("no store")}}));
    });
}

Result<void> Daemon::Life::chooseMode(Mode wanted, const std::string& caller) {
    if (daemon_.line_.lab)
        return fail(Code::conflict, "mode", "this run was started with --lab; start without it to choose a mode");
    if (wanted == mode_)
        return {};
    const auto known = plugins_.list();
    const auto is = [&](const plugins::PluginStatus& plugin) { return plugin.name == name(wanted); };
    if (std::none_of(known.begin(), known.end(), is))
        return fail(Code::missing, std::string("mode ") + name(wanted),
                    "its plugin is not installed; \"musterctl plugin list\" shows those that are");
    if (auto written = writeMode(daemon_.state_, wanted); !written)
        return written;
    services_.journal("core", kModeChosen, json({{"caller", caller}, {"mode", name(wanted)}, {"before", name(mode_)}}));
    beginAnew_ = true;
    loop_.post([this] { drainThenStop(std::chrono::steady_clock::now() + kDrainLimit); });
    return {};
}

void Daemon::Life::syncCounters() {
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

Daemon::Daemon(CommandLine line, Log& log)
    : line_(std::move(line)),
      log_(log),
      sockets_(notifier_, [&log](Severity severity, std::string_view text) { log.write(severity, "core", text); }) {}

Daemon::~Daemon() = default;

void Daemon::denyExec() {
#ifndef MUSTER_SANITIZED  // a sanitizer starts its symbolizer to say what it has found
    if (std::exchange(execDenied_, true))
        return;
    if (const auto denied = supervise::denyExec(); !denied)
        log_.write(Severity::warning, "core", denied.error().text());
#endif
}

ExitCode Daemon::say(const Error& error, ExitCode code) const {
    log_.write(Severity::critical, "core", error.text());
    return code;
}

Result<std::filesystem::path> Daemon::stateDirectory() const {
    if (!line_.state.empty())
        return std::filesystem::absolute(line_.state);
    auto settings = openSettings(line_, {}, log_);
    if (!settings)
        return fail(settings.error());
    return std::filesystem::absolute(value<std::string>(**settings, "core", "state-directory", "/var/lib/muster"));
}

ExitCode Daemon::check() {
    auto settings = openSettings(line_, {}, log_);
    if (!settings)
        return say(settings.error(), ExitCode::configuration);
    Life life(*this, line_.lab ? Mode::lab : Mode::none, "nobody", std::move(*settings), nullptr);
    if (const auto judged = life.judge(); !judged)
        return say(judged.error(), ExitCode::configuration);
    log_.write(Severity::info, "core", "the settings are good");
    return ExitCode::good;
}

ExitCode Daemon::run() {
    if (line_.check)
        return check();
    auto state = stateDirectory();
    if (!state)
        return say(state.error(), ExitCode::configuration);
    state_ = *state;
    const auto lock = supervise::StateLock::take(state_);
    if (!lock)
        return say(lock.error(), ExitCode::configuration);
    sockets_.adopt(supervise::passedDescriptors());

    for (;;) {
        Mode mode = Mode::lab;
        std::string chosenBy = "command line";
        if (!line_.lab) {
            const auto kept = readMode(state_);
            if (!kept)
                return say(kept.error(), ExitCode::configuration);
            mode = *kept;
            chosenBy = mode == Mode::none ? "nobody" : "person";
        }
        auto settings = openSettings(line_, state_, log_);
        if (!settings)
            return say(settings.error(), ExitCode::configuration);
        std::unique_ptr<pool::Archive> store;
        if (mode != Mode::none) {
            auto opened = pool::Archive::open(storeConfig(**settings, modeDirectory(state_, mode), line_.degraded));
            if (!opened)
                return say(opened.error(), ExitCode::configuration);
            store = std::move(*opened);
        }
        Life life(*this, mode, std::move(chosenBy), std::move(*settings), std::move(store));
        const auto started = life.start();
        const bool again = started && life.loop();
        if (!again)
            notifier_.stopping();
        life.stop(!started ? "it could not start" : again ? "another mode was chosen" : "a signal");
        if (!started)
            say(started.error(), ExitCode::configuration);
        if (life.wedged()) {
            log_.write(Severity::error, "core", "a plugin did not stop; the process ends all the same");
            ::_exit(static_cast<int>(!started ? ExitCode::configuration : again ? ExitCode::internal : ExitCode::good));
        }
        if (!started)
            return ExitCode::configuration;
        if (!again)
            break;
        sockets_.handOver();
    }
    log_.write(Severity::info, "core", "stopped");
    return ExitCode::good;
}

}  // namespace muster::daemon
