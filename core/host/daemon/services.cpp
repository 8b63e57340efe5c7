#include "host/daemon/services.h"

#include <exception>
#include <utility>

#include "api/serve.h"

namespace muster::daemon {

namespace {

std::string fieldText(const Json& value) {
    if (const std::string* text = value.string())
        return escaped(*text);
    if (const std::int64_t* number = value.integer())
        return std::to_string(*number);
    if (const std::uint64_t* number = value.natural())
        return std::to_string(*number);
    if (const double* number = value.real())
        return std::to_string(*number);
    if (const bool* flag = value.boolean())
        return *flag ? "yes" : "no";
    return value.isNull() ? "none" : "…";
}

Timestamp wallNow() noexcept {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

std::string eventMessage(std::string_view message, const Json& fields) {
    std::string result;
    while (!message.empty()) {
        const std::size_t open = message.find('{');
        const std::size_t close = open == std::string_view::npos ? open : message.find('}', open);
        result += message.substr(0, close == std::string_view::npos ? message.size() : open);
        if (close == std::string_view::npos)
            break;
        if (const Json* field = fields.find(message.substr(open + 1, close - open - 1)))
            result += fieldText(*field);
        message.remove_prefix(close + 1);
    }
    return result;
}

bool StoreAdmission::overLimit(const Address& source, const Guid& application, const Guid& cmid) noexcept try {
    const pool::Store* const store = store_.get();
    return store != nullptr && !store->isKnown(application, cmid) &&
           !admission_.admit(source, std::chrono::steady_clock::now());
} catch (const std::exception&) {
    return true;  // no memory to remember the source: nothing new is taken in
}

DaemonServices::DaemonServices(const Parts& parts)
    : parts_(parts),
      pool_(parts.store),
      admission_(parts.store, parts.newClientsPerHour),
      recording_(parts.recording) {}

void DaemonServices::serve(bool on) noexcept {
    const std::lock_guard lock(serving_);
    serves_ = on;
    giveOut();
}

void DaemonServices::setRecording(bool on) noexcept {
    const std::lock_guard lock(serving_);
    if (recording_.exchange(on) != on)
        giveOut();
}

void DaemonServices::storeCame() noexcept {
    const std::lock_guard lock(serving_);
    giveOut();
}

void DaemonServices::giveOut() noexcept {
    if (dispatcher_ == nullptr)
        return;
    dispatch::Service service;
    if (serves_) {
        service.authority = presentAuthority();
        service.own = &selfTest_;
        if (recording()) {
            service.store = parts_.store.get();
            service.newClients = &admission_;  // without records all would stay new
        }
    }
    parts_.reactors.onReactors([&](Reactor& reactor) { dispatcher_->serve(reactor, service); });
}

Result<void> DaemonServices::describeSettings(std::string_view section, Fields fields) {
    const std::string owner = "plugin " + std::string(section);
    if (auto announced = parts_.settings.announce(owner, section, fields); !announced)
        return announced;
    parts_.settings.subscribe(section, [this](const settings::Change& change) {
        if (settingsChanged_)
            settingsChanged_(change);
    });
    if (!judging_)
        return {};
    if (const settings::Report report = parts_.settings.check(section); !report.good())
        return fail(Code::malformed, "section [" + std::string(section) + "]", report.text());
    return {};
}

void DaemonServices::forgetSettings(std::string_view section) noexcept try {
    // The subscription stays: to end it would wait for a change that may itself wait for the plugin host.
    parts_.settings.withdraw(section);
} catch (const std::exception& error) {
    parts_.log.write(Severity::error, "core", error.what());
}

std::optional<SettingValue> DaemonServices::setting(std::string_view section, std::string_view key) const {
    return parts_.settings.value(section, key);
}

Result<std::uint32_t> DaemonServices::changeSettings(
    std::string_view section, const std::vector<std::pair<std::string, std::optional<std::string>>>& edits,
    std::string_view author, std::string_view comment) {
    std::vector<settings::SettingsStore::Edit> full;
    full.reserve(edits.size());
    for (const auto& [key, value] : edits)
        full.push_back({std::string(section) + "." + key, value});
    return parts_.settings.changeFromWithin(full, author, comment, parts_.later);
}

void DaemonServices::log(Severity severity, std::string_view channel, std::string_view text) {
    parts_.log.write(severity, channel, text);
}

void DaemonServices::journal(std::string_view source, const EventSpec& spec, Json fields) {
    pool::EventRecord event;
    event.when = wallNow();
    event.id = spec.id;
    event.severity = spec.severity;
    event.source = source;
    event.message = eventMessage(spec.message != nullptr ? spec.message : "", fields);
    event.fields = std::move(fields);
    parts_.log.write(spec.severity, source, event.message);
    if (pool::Store* const store = parts_.store.get())
        store->journal(std::move(event));
}

void DaemonServices::troubles(std::string_view plugin, std::vector<std::string> lines) {
    const std::lock_guard lock(troublesMutex_);
    troubles_[std::string(plugin)] = std::move(lines);
}

std::vector<std::string> DaemonServices::pluginTroubles() const {
    const std::lock_guard lock(troublesMutex_);
    std::vector<std::string> all;
    for (const auto& [plugin, lines] : troubles_)
        for (const std::string& line : lines)
            all.push_back(std::string(plugin).append(": ").append(line));
    return all;
}

FrontAnswer DaemonServices::serve(const FrontRequest& request) noexcept {
    const auto failed = [this](std::string_view owner, std::string_view what) {
        parts_.log.write(Severity::error, owner, "an operation threw: " + std::string(what));
    };
    if (parts_.audit == nullptr)
        return api::serve(parts_.operations, request, failed);
    return api::serve(parts_.operations, request, failed,
                      [this](api::Observed observed) { parts_.audit->observe(std::move(observed)); });
}

Result<SecureUpdateOutcome> DaemonServices::secureUpdate(const SecureUpdate& update) {
    return parts_.nsupdate != nullptr ? parts_.nsupdate->ask(update) : Services::secureUpdate(update);
}

void DaemonServices::setAuthority(Mode mode, Authority* authority) noexcept {
    if (mode != parts_.mode)
        return;
    authority_.store(authority, std::memory_order_release);
    serve(true);
}

}  // namespace muster::daemon
