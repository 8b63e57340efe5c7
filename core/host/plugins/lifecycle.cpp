#include "host/plugins/lifecycle.h"

#include <algorithm>
#include <utility>

#include "host/plugins/plugin_events.h"

namespace muster::plugins {

namespace {

/// Numbers below are Windows' own: several plugins may raise them.
constexpr std::uint32_t kFirstOwnEvent = 20000;

/// Instances that never ended, for the life of the process: their threads may still run.
void keepForEver(std::shared_ptr<Instance> instance) {
    static auto* const kept = new std::vector<std::shared_ptr<Instance>>;
    kept->push_back(std::move(instance));
}

std::string seconds(std::chrono::milliseconds limit) {
    return limit.count() % 1000 == 0 ? std::to_string(limit.count() / 1000) + " s"
                                     : std::to_string(limit.count()) + " ms";
}

}  // namespace

Lifecycle::Lifecycle(Services& services, FamilyRegistry& families, Roster& roster, StartGuard& guard,
                     std::chrono::milliseconds stopLimit)
    : services_(services), roster_(roster), guard_(guard), stopLimit_(stopLimit), sockets_(services) {
    Counter& faults = services.metrics().counter("core", "plugin_faults_total",
                                                 "Exceptions out of plugins' handlers and threads, contained.");
    commons_ = std::make_shared<Commons>(Commons{
        services, families, sockets_, faults, [this](const std::string& plugin, Mode mode) {
            const auto decider = deciders_.find(mode);
            if (decider != deciders_.end() && decider->second != plugin)
                throw Fault({Code::duplicate, "authority",
                             "mode " + std::string(muster::name(mode)) + " is decided by plugin " + decider->second});
        }});
}

Lifecycle::~Lifecycle() {
    for (Record* record : roster_.all()) {
        for (auto& instance : record->wedgedBefore)
            keepForEver(std::move(instance));
        if (record->instance)
            keepForEver(std::move(record->instance));
    }
}

void Lifecycle::tell(std::uint32_t event, Severity severity, const Record& record, const std::string& text) {
    const std::string& plugin = record.candidate.name;
    services_.log(severity, "plugins", plugin + ": " + text);
    for (const EventSpec& spec : kPluginEvents)
        if (spec.id == event)
            services_.journal("core", spec,
                              json({{"plugin", plugin}, {"reason", text}, {"file", record.candidate.file}}));
}

std::optional<std::string> Lifecycle::unmet(const JudgedPlugin& judged) {
    for (const std::string& need : judged.needs) {
        const Record* other = roster_.holder(need);
        if (!other)
            return "needs " + need + ", which is not there";
        if (other->status.state != State::started)
            return "needs " + need + ", which is " + name(other->status.state) +
                   (other->status.reason.empty() ? "" : ": " + other->status.reason);
    }
    return std::nullopt;
}

std::optional<Error> Lifecycle::eventsTaken(const JudgedPlugin& judged) {
    for (Record* record : roster_.all())
        if (record->instance && record->candidate.name != judged.name)
            for (const EventSpec& theirs : record->instance->judged().events)
                for (const EventSpec& own : judged.events)
                    if (own.id == theirs.id && own.id >= kFirstOwnEvent)
                        return Error{Code::duplicate, "event " + std::to_string(own.id),
                                     "is one of plugin " + record->candidate.name};
    return std::nullopt;
}

std::optional<Error> Lifecycle::bringUp(Record& record, Instance& instance) {
    const std::string& plugin = record.candidate.name;
    const auto during = [](const char* phase, Error error) {
        error.detail = std::string(phase) + ": " + error.text();
        error.subject.clear();
        return error;
    };
    if (auto error = eventsTaken(instance.judged()))
        return during("events", std::move(*error));
    guard_.crumb(plugin, StartGuard::Phase::create);
    if (auto error = instance.create())
        return during("create", std::move(*error));
    guard_.crumb(plugin, StartGuard::Phase::start);
    if (auto error = instance.start())
        return during("start", std::move(*error));
    if (auto error = publish(instance, record.instance.get()))
        return during("start", std::move(*error));
    guard_.good(plugin);
    return std::nullopt;
}

/// What was collected in start() becomes visible, in the place of what `before` had.
std::optional<Error> Lifecycle::publish(Instance& instance, const Instance* before) {
    const std::string& plugin = instance.judged().name;
    if (auto replaced = services_.operations().replace(plugin, instance.takeOperations()); !replaced)
        return replaced.error();
    const auto& authority = instance.authority();
    if (before && before->authority() && (!authority || authority->mode() != before->authority()->mode())) {
        services_.setAuthority(before->authority()->mode(), nullptr);
        deciders_.erase(before->authority()->mode());
    }
    if (authority) {
        authorities_.push_back(authority);
        deciders_[authority->mode()] = plugin;
        services_.setAuthority(authority->mode(), authority.get());
    }
    if (before)
        for (const std::string& metric : before->metrics())
            if (instance.metrics().count(metric) == 0)
                services_.metrics().retire(plugin, metric);
    return std::nullopt;
}

void Lifecycle::withdraw(const Instance& instance) {
    const std::string& plugin = instance.judged().name;
    services_.operations().remove(plugin);
    if (const auto& authority = instance.authority()) {
        services_.setAuthority(authority->mode(), nullptr);
        deciders_.erase(authority->mode());
    }
    for (const std::string& metric : instance.metrics())
        services_.metrics().retire(plugin, metric);
}

/// Waits for calls inside, then stops and destroys. Why it could not; nullopt: done.
std::optional<std::string> Lifecycle::end(Instance& instance) {
    instance.gate().close();
    if (!instance.gate().drained(stopLimit_))
        return std::to_string(instance.gate().inside()) + " calls inside did not end within " + seconds(stopLimit_) +
               "; its code stays, rescan asks once more";
    if (!instance.finish(stopLimit_))
        return "its stop did not end within " + seconds(stopLimit_) + "; its code stays, rescan asks once more";
    return std::nullopt;
}

/// A start that came to nothing: nothing of it was visible but its metrics and sockets.
void Lifecycle::discard(const std::shared_ptr<Instance>& instance, const Instance* before) {
    for (const std::string& metric : instance->metrics())
        if (!before || before->metrics().count(metric) == 0)
            services_.metrics().retire(instance->judged().name, metric);
    if (const auto stuck = end(*instance)) {
        services_.log(Severity::error, "plugins", instance->judged().name + " after its failed start: " + *stuck);
        keepForEver(instance);
    }
    sockets_.closeAll(instance.get(), false);
}

void Lifecycle::launch(Record& record) {
    if (const auto want = unmet(*record.judged)) {
        if (record.status.state != State::rejected || record.status.reason != *want) {
            roster_.set(record, State::rejected, *want);
            tell(kRejected, Severity::warning, record, *want);
        }
        return;
    }
    const auto instance = std::make_shared<Instance>(commons_, record.judged);
    record.ready = false;
    if (const auto error = bringUp(record, *instance)) {
        discard(instance, nullptr);
        roster_.set(record, State::failed, error->detail);
        tell(kFailed, Severity::error, record, error->detail);
        return;
    }
    record.instance = instance;
    roster_.set(record, State::started);
    tell(kStarted, Severity::info, record, "version " + record.judged->version);
}

void Lifecycle::takeDown(Record& record, State final, const std::string& reason, bool ending) {
    if (!record.instance)
        return;
    for (Record* dependent : roster_.dependents(record.candidate.name)) {
        takeDown(*dependent, State::stopped, "needs " + record.candidate.name + ", which is stopped: " + reason,
                 ending);
        dependent->ready = !ending;
    }
    withdraw(*record.instance);
    if (const auto stuck = end(*record.instance)) {
        roster_.set(record, State::wedged, *stuck);
        tell(kWedged, Severity::error, record, *stuck);
        return;
    }
    sockets_.closeAll(record.instance.get(), ending);
    record.instance.reset();
    roster_.set(record, final, reason);
    if (final == State::failed)
        tell(kFailed, Severity::error, record, reason);
    else
        tell(kStopped, Severity::info, record, reason);
}

void Lifecycle::succeed(Record& record, std::shared_ptr<const JudgedPlugin> next) {
    const std::string before = record.judged->version;
    const auto stays = [&](const std::string& why) {
        const std::string text =
            "version " + next->version + " cannot take over: " + why + "; version " + before + " goes on";
        roster_.setReason(record, text);
        tell(kNotSucceeded, Severity::warning, record, text);
    };
    if (const auto want = unmet(*next))
        return stays(*want);
    if (auto described = services_.describeSettings(next->name, next->settings); !described)
        return stays(described.error().text());
    const auto instance = std::make_shared<Instance>(commons_, next);
    const auto error = bringUp(record, *instance);
    guard_.clearCrumb();
    if (error) {
        discard(instance, record.instance.get());
        if (auto back = services_.describeSettings(record.judged->name, record.judged->settings); !back)
            services_.log(Severity::warning, "plugins", back.error().text());
        return stays(error->detail);
    }

    // From here on the new one serves; the old one drains.
    const auto old = std::exchange(record.instance, instance);
    record.judged = std::move(next);
    roster_.describe(record, record.judged->version, name(record.judged->kind), record.judged->buildId);
    const auto stuck = end(*old);
    std::string text = "version " + record.judged->version + " follows " + before;
    if (stuck) {
        record.wedgedBefore.push_back(old);
        text += "; of version " + before + " " + *stuck;
    } else {
        sockets_.closeAll(old.get(), false);
    }
    roster_.set(record, State::started, stuck ? text : "");
    tell(stuck ? kWedged : kSucceeded, stuck ? Severity::error : Severity::info, record, text);
}

void Lifecycle::retry(Record& record) {
    auto& before = record.wedgedBefore;
    const std::size_t stuck = before.size();
    before.erase(std::remove_if(before.begin(), before.end(),
                                [this](const auto& instance) {
                                    if (end(*instance))
                                        return false;
                                    sockets_.closeAll(instance.get(), false);
                                    return true;
                                }),
                 before.end());
    if (stuck > 0 && before.empty() && record.status.state == State::started)
        roster_.setReason(record, "");
    if (record.status.state != State::wedged || !record.instance || end(*record.instance))
        return;
    sockets_.closeAll(record.instance.get(), false);
    record.instance.reset();
    record.ready = !record.gone;
    roster_.set(record, State::stopped, record.gone ? "its file is gone" : "it has ended at last");
    tell(kStopped, Severity::info, record, "it has ended at last");
}

}  // namespace muster::plugins
