#include "host/plugins/plugin_host.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "host/plugins/image.h"
#include "host/plugins/judge.h"
#include "host/plugins/library.h"
#include "host/plugins/lifecycle.h"
#include "host/plugins/needs.h"
#include "host/plugins/plugin_events.h"
#include "host/plugins/start_guard.h"

namespace muster::plugins {

namespace {

constexpr const char* kGuardFile = "/plugin-guard";
constexpr const char* kCountVirtual = "count-virtual-machines";

constexpr Field kFamilySettings[] = {
    {.name = kCountVirtual,
     .type = FieldType::choice,
     .help = "Whether virtual machines raise the count towards the threshold; by-family: as the generation does.",
     .fallback = "by-family",
     .choices = "by-family|yes|no"},
};

/// What the setting of a family says instead of its own rule.
std::optional<bool> countVirtual(const Services& services, std::string_view family) {
    const auto value = services.setting("family-" + std::string(family), kCountVirtual);
    const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
    if (!text || (*text != "yes" && *text != "no"))
        return std::nullopt;
    return *text == "yes";
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::span<const EventSpec> pluginEvents() noexcept {
    return kPluginEvents;
}

Fields familySettings() noexcept {
    return kFamilySettings;
}

class PluginHost::Impl {
public:
    Impl(Services& services, PluginHostOptions options)
        : services_(services),
          options_(std::move(options)),
          families_([&services](std::string_view family) { return countVirtual(services, family); }),
          guard_(options_.guardDirectory.empty() ? "" : options_.guardDirectory + kGuardFile, options_.firmwareVersion,
                 options_.uncleanLimit),
          lifecycle_(services_, families_, roster_, guard_, options_.stopLimit) {}

    void load() {
        const std::lock_guard lock(lifecycleMutex_);
        for (const std::string& note : guard_.begin())
            services_.log(Severity::warning, "plugins", note);
        if (guard_.safeMode())
            for (const EventSpec& spec : kPluginEvents)
                if (spec.id == kSafeMode)
                    services_.journal("core", spec,
                                      json({{"reason", std::to_string(guard_.unclean()) +
                                                           " unclean starts in a row, no single plugin to blame"}}));
        safeMode_ = guard_.safeMode();
        takeIn(findCandidates(options_.directories));
        settleGuard();
    }

    void start() {
        const std::lock_guard lock(lifecycleMutex_);
        families_.refresh();  // the settings are known now
        running_ = true;
        settle();
    }

    void stop() noexcept {
        const std::lock_guard lock(lifecycleMutex_);
        if (!running_)
            return;
        running_ = false;
        // Against the order of the start: what clients talk to goes before what decides their requests.
        const auto records = roster_.all();
        std::for_each(records.rbegin(), records.rend(), [this](Record* record) {
            if (record->instance && record->status.state == State::started)
                lifecycle_.takeDown(*record, State::stopped, "the daemon stops", true);
        });
        guard_.cleanStop();
    }

    std::vector<std::string> rescan() {
        const std::lock_guard lock(lifecycleMutex_);
        const auto before = roster_.list();
        const auto candidates = findCandidates(options_.directories);
        for (Record* record : roster_.all())
            if (std::none_of(candidates.begin(), candidates.end(),
                             [&](const Candidate& c) { return c.file == record->candidate.file; }))
                vanish(*record);
        takeIn(candidates);
        for (Record* record : roster_.all())
            lifecycle_.retry(*record);
        settle();
        return changes(before, roster_.list());
    }

    Result<void> clear(std::string_view name) {
        const std::lock_guard lock(lifecycleMutex_);
        const std::string subject = "plugin " + std::string(name);
        Record* record = roster_.holder(name);
        if (!record)
            return fail(Code::missing, subject, "no plugin of that name; musterctl plugin list names all");
        const State state = record->status.state;
        if (state != State::quarantined && state != State::failed && !record->heldBack)
            return fail(Code::conflict, subject,
                        "is " + std::string(plugins::name(state)) + "; only what is quarantined or failed is cleared");
        guard_.clear(name);
        record->heldBack = false;
        cleared_.push_back(record->candidate.name);
        if (record->judged)
            record->ready = true;
        else
            examine(*record);
        settle();
        return {};
    }

    void settingsChanged(std::string_view section, bool restart) {
        const std::lock_guard lock(lifecycleMutex_);
        if (section.rfind("family-", 0) == 0)
            families_.refresh();
        Record* record = roster_.holder(section);
        if (!record || !record->judged || !running_)
            return;
        if (record->status.state == State::started && !restart) {
            if (const auto error = record->instance->settingsChanged())
                services_.log(Severity::error, "plugins",
                              record->candidate.name + " did not take its new settings: " + error->text());
            return;
        }
        if (record->status.state == State::started)
            lifecycle_.takeDown(*record, State::stopped, "its settings have changed");
        // A plugin that failed may have failed for its settings.
        if (record->status.state == State::stopped || record->status.state == State::failed)
            record->ready = !record->heldBack;
        settle();
    }

    void tick(Monotonic now) {
        const std::unique_lock lock(lifecycleMutex_, std::try_to_lock);
        if (!lock || !running_)
            return;
        if (!firstTick_)
            firstTick_ = now;
        if (!healthy_ && now - *firstTick_ >= options_.healthyAfter) {
            healthy_ = true;
            guard_.healthy();
        }
        bool stopped = false;
        for (Record* record : roster_.all())
            if (record->instance && record->status.state == State::started) {
                record->instance->makeLackingDirectory();
                if (const std::string fault = record->instance->threadFault(); !fault.empty()) {
                    lifecycle_.takeDown(*record, State::failed, fault);
                    stopped = true;
                }
            }
        if (stopped)
            settle();
    }

    std::vector<PluginStatus> list() const { return roster_.list(); }
    bool safeMode() const noexcept { return safeMode_; }
    FamilyRegistry& families() noexcept { return families_; }

    bool anyWedged() {
        const std::lock_guard lock(lifecycleMutex_);
        for (Record* record : roster_.all())
            if (record->status.state == State::wedged || !record->wedgedBefore.empty())
                return true;
        return false;
    }

private:
    void reject(Record& record, const std::string& why) {
        record.ready = false;
        if (record.status.state == State::rejected && record.status.reason == why)
            return;
        roster_.set(record, State::rejected, why);
        lifecycle_.tell(kRejected, Severity::warning, record, why);
    }

    /// Looks at each file: new, the same, or changed.
    void takeIn(const std::vector<Candidate>& candidates) {
        for (const Candidate& candidate : candidates) {
            Record* record = roster_.byFile(candidate.file);
            if (!record) {
                forgetGone(candidate.name);
                const Record* holder = roster_.holder(candidate.name);
                record = &roster_.add(candidate);
                record->duplicate = holder != nullptr;
                if (holder)
                    reject(*record, duplicateOf(*holder));
                else
                    examine(*record);
            } else if (record->duplicate) {
                // Its turn has come if the holder has gone meanwhile.
                const Record* holder = roster_.holder(candidate.name);
                record->duplicate = holder != nullptr;
                if (holder)
                    reject(*record, duplicateOf(*holder));
                else
                    examine(*record);
            } else {
                lookAgain(*record);
            }
        }
    }

    static std::string duplicateOf(const Record& holder) {
        return "the name " + holder.candidate.name + " is held by " + holder.candidate.file + "; remove one of the two";
    }

    /// Records of that name whose files are gone make room for a file elsewhere.
    void forgetGone(const std::string& name) {
        for (Record* record : roster_.all())
            if (record->candidate.name == name && record->gone && !record->instance && record->wedgedBefore.empty())
                roster_.remove(*record);
    }

    /// The file of a record has gone.
    void vanish(Record& record) {
        if (record.gone)
            return;
        const std::string why = "its file is gone";
        record.ready = false;
        if (record.instance && record.status.state == State::started)
            lifecycle_.takeDown(record, State::stopped, why);
        if (record.family) {
            families_.remove(record.family->name);
            record.family = nullptr;
            roster_.set(record, State::stopped, why);
            lifecycle_.tell(kStopped, Severity::info, record, why);
        }
        record.gone = true;
        if (record.status.version.empty() || record.duplicate) {  // it never was one
            roster_.remove(record);
            return;
        }
        if (record.status.state != State::wedged)
            roster_.set(record, State::stopped, why);
        services_.forgetSettings(record.candidate.name);
    }

    /// The file of a record is there, as before or changed.
    void lookAgain(Record& record) {
        if (record.status.state == State::quarantined || record.heldBack || !record.candidate.problem.empty())
            return;
        auto image = Image::read(record.candidate.file, options_.maxFileSize);
        const bool serving = record.instance || record.family;
        if (!image) {
            record.hash.clear();
            if (serving)
                keepOld(record, image.error().detail);
            else
                reject(record, image.error().detail);
            return;
        }
        // What was rejected is judged again: what it lacked may be there now.
        const bool again = record.gone || (record.status.state == State::rejected && !record.ready);
        if (image->hash() == record.hash && !again)
            return;
        if (record.instance && record.status.state == State::wedged)
            return;  // first it has to end
        record.gone = false;
        if (record.instance)
            succeed(record, std::move(*image));
        else
            examine(record, std::move(*image));
    }

    void keepOld(Record& record, const std::string& why) {
        const std::string text =
            "the changed file is rejected: " + why + "; version " + record.status.version + " goes on";
        if (record.status.reason == text)
            return;
        roster_.setReason(record, text);
        lifecycle_.tell(kNotSucceeded, Severity::warning, record, text);
    }

    void examine(Record& record) {
        if (!record.candidate.problem.empty())
            return reject(record, record.candidate.problem);
        auto image = Image::read(record.candidate.file, options_.maxFileSize);
        if (!image)
            return reject(record, image.error().detail);
        examine(record, std::move(*image));
    }

    /// Judges a file that nothing of is in service, or a family's changed one.
    void examine(Record& record, Image image) {
        const std::string& name = record.candidate.name;
        if (const auto why = guard_.quarantined(name)) {
            roster_.set(record, State::quarantined, *why);
            lifecycle_.tell(kQuarantined, Severity::error, record, *why);
            return;
        }
        if (safeMode_ && !record.candidate.isFamily() && !contains(options_.safe, name) && !contains(cleared_, name)) {
            record.heldBack = true;
            roster_.set(record, State::stopped,
                        "safe mode: not started; musterctl plugin clear " + name + " starts it");
            return;
        }
        record.hash = image.hash();
        const auto library = open(record, std::move(image));
        if (!library)
            return record.family ? keepOld(record, library.error().detail) : reject(record, library.error().detail);
        if (record.candidate.isFamily())
            examineFamily(record, **library);
        else
            examinePlugin(record, *library);
    }

    /// The library of these octets: opened once, also when its file comes and goes.
    Result<std::shared_ptr<const Library>> open(const Record& record, Image image) {
        if (const auto known = libraries_.find(image.hash()); known != libraries_.end())
            return known->second;
        guard_.crumb(record.candidate.name, StartGuard::Phase::open);
        auto library = Library::open(std::move(image), record.candidate.file);
        if (library)
            libraries_[(*library)->hash()] = *library;
        return library;
    }

    void examineFamily(Record& record, const Library& library) {
        const auto judged = judgeFamily(library, record.candidate.file, record.candidate.familyName());
        const auto taken = judged ? families_.put(*judged->table) : Result<void>(fail(judged.error()));
        if (!taken)
            return record.family ? keepOld(record, taken.error().detail) : reject(record, taken.error().detail);
        const bool change = record.family != nullptr;
        record.family = judged->table;
        roster_.describe(record, judged->version, "family", "");
        roster_.set(record, State::started);
        lifecycle_.tell(change ? kSucceeded : kStarted, Severity::info, record, "version " + judged->version);
        if (auto described = services_.describeSettings(record.candidate.name, kFamilySettings); !described)
            services_.log(Severity::warning, "plugins", described.error().text());
    }

    Result<JudgedPlugin> judge(const Record& record, std::shared_ptr<const Library> library) const {
        auto judged = judgePlugin(std::move(library), record.candidate.file, record.candidate.name, options_.buildId);
        if (judged && judged->kind == Kind::authority && !record.candidate.firmware)
            return fail(Code::denied, record.candidate.file,
                        "is an authority; those come with the firmware, and nothing else may answer clients");
        return judged;
    }

    void examinePlugin(Record& record, std::shared_ptr<const Library> library) {
        auto judged = judge(record, std::move(library));
        if (!judged)
            return reject(record, judged.error().detail);
        roster_.describe(record, judged->version, name(judged->kind), judged->buildId);
        if (auto described = services_.describeSettings(judged->name, judged->settings); !described)
            return reject(record, described.error().text());
        record.judged = std::make_shared<const JudgedPlugin>(std::move(*judged));
        record.ready = true;
        roster_.set(record, State::stopped, "not started yet");
    }

    void succeed(Record& record, Image image) {
        record.hash = image.hash();
        const auto library = open(record, std::move(image));
        if (!library)
            return keepOld(record, library.error().detail);
        auto judged = judge(record, *library);
        if (!judged)
            return keepOld(record, judged.error().detail);
        lifecycle_.succeed(record, std::make_shared<const JudgedPlugin>(std::move(*judged)));
    }

    /// Starts all that is ready, needs first.
    void settle() {
        if (running_) {
            std::vector<Needs> ready;
            for (Record* record : roster_.all())
                if (record->ready && !record->instance && !record->gone)
                    ready.push_back({record->candidate.name, record->judged->needs});
            const StartOrder order = orderByNeeds(std::move(ready));
            for (const auto& [name, circle] : order.circles) {
                Record& record = *roster_.holder(name);
                reject(record, "its needs go round in a circle: " + circle);
                record.ready = true;  // until another file breaks the circle
            }
            for (const std::string& name : order.names)
                lifecycle_.launch(*roster_.holder(name));
        }
        settleGuard();
    }

    void settleGuard() {
        guard_.clearCrumb();
        if (!guard_.trouble().empty() && guard_.trouble() != toldTrouble_)
            services_.log(Severity::warning, "plugins", guard_.trouble());
        toldTrouble_ = guard_.trouble();
    }

    static std::vector<std::string> changes(const std::vector<PluginStatus>& before,
                                            const std::vector<PluginStatus>& after) {
        std::vector<std::string> out;
        const auto find = [](const std::vector<PluginStatus>& rows, const PluginStatus& wanted) {
            const auto row =
                std::find_if(rows.begin(), rows.end(), [&](const PluginStatus& s) { return s.file == wanted.file; });
            return row == rows.end() ? nullptr : &*row;
        };
        for (const PluginStatus& now : after) {
            const PluginStatus* then = find(before, now);
            if (then && then->state == now.state && then->reason == now.reason && then->version == now.version)
                continue;
            std::string text = now.name + ": " + plugins::name(now.state);
            if (!now.reason.empty())
                text += ": " + now.reason;
            else if (then && then->version != now.version && !then->version.empty())
                text += ": version " + now.version + " follows " + then->version;
            out.push_back(std::move(text));
        }
        for (const PluginStatus& then : before)
            if (!find(after, then))
                out.push_back(then.name + ": its file is gone");
        return out;
    }

    Services& services_;
    const PluginHostOptions options_;
    Roster roster_;
    FamilyRegistry families_;
    StartGuard guard_;
    Lifecycle lifecycle_;

    std::mutex lifecycleMutex_;
    std::map<std::string, std::shared_ptr<const Library>> libraries_;  // by hash; never let go
    std::vector<std::string> cleared_;                                 // by a person, in safe mode
    std::string toldTrouble_;
    bool running_ = false;
    bool healthy_ = false;
    std::atomic<bool> safeMode_{false};
    std::optional<Monotonic> firstTick_;
};

PluginHost::PluginHost(Services& services, PluginHostOptions options)
    : impl_(std::make_unique<Impl>(services, std::move(options))) {}

PluginHost::~PluginHost() {
    impl_->stop();
}

void PluginHost::load() {
    impl_->load();
}
void PluginHost::start() {
    impl_->start();
}
void PluginHost::stop() noexcept {
    impl_->stop();
}
std::vector<std::string> PluginHost::rescan() {
    return impl_->rescan();
}
Result<void> PluginHost::clear(std::string_view name) {
    return impl_->clear(name);
}
void PluginHost::settingsChanged(std::string_view section, bool restart) {
    impl_->settingsChanged(section, restart);
}
void PluginHost::tick(Monotonic now) {
    impl_->tick(now);
}
std::vector<PluginStatus> PluginHost::list() const {
    return impl_->list();
}
bool PluginHost::safeMode() const noexcept {
    return impl_->safeMode();
}
bool PluginHost::anyWedged() const {
    return impl_->anyWedged();
}
FamilyRegistry& PluginHost::families() noexcept {
    return impl_->families();
}

}  // namespace muster::plugins
