#include "host/daemon/daemon.h"

#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

#include "host/daemon/mode_file.h"
#include "host/daemon/run_settings.h"
#include "host/supervise/rights.h"

namespace muster::daemon {

namespace {

/// What the command line says; otherwise a person has chosen, or nobody.
std::optional<Mode> chosenMode(const CommandLine& line) noexcept {
    if (line.lab)
        return Mode::lab;
    return line.relay.empty() ? std::nullopt : std::optional(Mode::relay);
}

}  // namespace

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
    return sayText(error.text(), code);
}

ExitCode Daemon::sayText(const std::string& text, ExitCode code) const {
    log_.write(Severity::critical, "core", text);
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

Life::Premises Daemon::premises(std::string keptMode, std::string storeTrouble, PresentStore::Open openStore) {
    return {line_,
            state_,
            log_,
            notifier_,
            sockets_,
            [this] { denyExec(); },
            nsupdate_.get(),
            audit_.get(),
            std::move(keptMode),
            std::move(storeTrouble),
            std::move(openStore)};
}

ExitCode Daemon::check() {
    auto settings = openSettings(line_, {}, log_);
    if (!settings)
        return say(settings.error(), ExitCode::configuration);
    Life life(premises(name(Mode::none)), chosenMode(line_).value_or(Mode::none), "nobody", std::move(*settings),
              nullptr);
    if (const auto judged = life.check(); !judged)
        return say(judged.error(), ExitCode::configuration);
    log_.write(Severity::info, "core", "the settings are good");
    return ExitCode::good;
}

/// What a restore has laid ready, before anything of it is open. The audit log may be a part of it.
Result<void> Daemon::putInPlace(std::optional<backup::Plan>& restored) {
    const backup::Directories directories{
        state_, line_.config.empty() ? state_ / "muster.toml" : std::filesystem::absolute(line_.config)};
    if (backup::isStaged(state_))
        audit_.reset();
    auto put = backup::putInPlace(directories);
    if (!audit_)
        audit_ = std::make_unique<audit::Recorder>(audit::LogOptions{(state_ / "audit").string()});
    if (!put)
        return fail(put.error());
    restored = std::move(*put);
    if (!restored)
        return {};
    AuditNote note;
    note.who = restored->by;
    note.action = "restore";
    note.what = json({{"backup", restored->backup},
                      {"parts", Json::Array(restored->parts.begin(), restored->parts.end())},
                      {"aside", restored->aside}});
    audit_->note("core", std::move(note));
    return backup::forget(directories, *restored);
}

ExitCode Daemon::run() {
    if (line_.check)
        return check();
    auto state = stateDirectory();
    if (!state)
        return say(state.error(), ExitCode::configuration);
    state_ = *state;
    if (auto helper = nsupdate::Helper::start(state_))
        nsupdate_ = std::move(*helper);
    else
        log_.write(Severity::warning, "core", helper.error().text() + "; no updates under GSS-TSIG");
    // A relay that may do with less goes on without what it would keep: clients come before records.
    auto lock = line_.degraded ? supervise::StateLock::takeAsItIs(state_) : supervise::StateLock::take(state_);
    if (!lock)
        return say(lock.error(), ExitCode::configuration);
    sockets_.adopt(supervise::passedDescriptors());

    for (;;) {
        std::optional<backup::Plan> restored;
        std::string restoreTrouble;
        if (auto put = putInPlace(restored); !put) {
            if (!line_.degraded)
                return say(put.error(), ExitCode::configuration);
            say(put.error(), ExitCode::good);  // clients come first: it is tried again at the next start
            restoreTrouble = put.error().text();
        }
        const std::optional<Mode> chosen = chosenMode(line_);
        const auto kept = readMode(state_);
        if (!kept && !chosen)
            return say(kept.error(), ExitCode::configuration);
        const Mode mode = chosen ? *chosen : *kept;
        const bool withoutStore = line_.degraded && mode == Mode::relay;
        if (!lock->trouble().empty() && !withoutStore)
            return sayText(lock->trouble(), ExitCode::configuration);
        std::string chosenBy = chosen ? "command line" : mode == Mode::none ? "nobody" : "person";
        auto settings = openSettings(line_, state_, log_);
        if (!settings)
            return say(settings.error(), ExitCode::configuration);
        std::unique_ptr<pool::Archive> store;
        std::string storeTrouble;
        PresentStore::Open openStore;
        if (mode != Mode::none) {
            openStore = [&lock, this,
                         config = storeConfig(**settings, modeDirectory(state_, mode),
                                              line_.degraded)]() -> Result<std::unique_ptr<pool::Archive>> {
                if (auto held = lock->renew(state_); !held)
                    return fail(held.error());
                return pool::Archive::open(config);
            };
            auto opened = openStore();
            if (!opened && !withoutStore)
                return say(opened.error(), ExitCode::configuration);
            if (opened)
                store = std::move(*opened);
            else
                storeTrouble = opened.error().text();
        }
        Life::Premises given =
            premises(kept ? name(*kept) : "unreadable", std::move(storeTrouble), std::move(openStore));
        given.restored = std::move(restored);
        given.restoreTrouble = std::move(restoreTrouble);
        Life life(std::move(given), mode, std::move(chosenBy), std::move(*settings), std::move(store));
        const auto started = life.start();
        const bool again = started && life.loop();
        if (!again)
            notifier_.stopping();
        life.stop(!started ? "it could not start" : again ? life.whyAnew() : "a signal");
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
