#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unistd.h>

#include "api/objects.h"
#include "api/values.h"
#include "host/settings/diff.h"
#include "host/settings/document.h"
#include "host/settings/files.h"
#include "host/settings/revisions.h"
#include "host/settings/sections.h"
#include "host/settings/settings.h"

namespace muster::settings {

namespace {

/// Less than a plugin that stops is given for its calls to leave.
constexpr auto kPatience = std::chrono::seconds(2);
constexpr const char* kNoFile = "this daemon has no settings file";
constexpr std::string_view kByHand = "edited by hand";

/// TOML for a value of that field, in the spelling that was typed where the type is written as text.
std::string tomlValue(const Field& field, const SettingValue& value, std::string_view typed, std::string_view like) {
    if (std::holds_alternative<std::string>(value) || field.type == FieldType::duration)
        return tomlString(typed, like);
    if (field.type == FieldType::size)
        return typed.find_first_not_of("0123456789") == std::string_view::npos ? std::string(typed)
                                                                               : tomlString(typed, like);
    if (field.type == FieldType::objects) {
        // What was typed, not what it means: a default that is not written here may be another one some day.
        const auto objects = api::parseObjects(field, typed);
        return objects ? api::objectsText(field.fields, *objects) : api::valueText(field, value);
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
        std::string out;
        for (const std::string& item : *texts)
            out += (out.empty() ? "" : ", ") + tomlString(item);
        return "[" + out + "]";
    }
    return api::valueText(field, value);  // whole numbers, true and false, lists of numbers
}

/// A mutex that can be waited for for a while. (std::timed_mutex is not known to every ThreadSanitizer.)
class Turn {
public:
    void lock() {
        std::unique_lock lock(mutex_);
        free_.wait(lock, [this] { return !taken_; });
        taken_ = true;
    }
    bool tryLockFor(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        if (!free_.wait_for(lock, limit, [this] { return !taken_; }))
            return false;
        taken_ = true;
        return true;
    }
    void unlock() {
        const std::lock_guard lock(mutex_);
        taken_ = false;
        free_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable free_;
    bool taken_ = false;
};

class Store final : public SettingsStore {
public:
    explicit Store(Options options)
        : options_(std::move(options)),
          sections_(options_.stateDirectory.empty() ? std::filesystem::path() : options_.stateDirectory / "secrets"),
          revisions_(options_.stateDirectory.empty() || options_.file.empty() ? std::filesystem::path()
                                                                              : options_.stateDirectory / "revisions") {
    }

    Result<void> load();

    Result<void> announce(std::string_view owner, std::string_view section, Fields fields) override;
    void withdraw(std::string_view section) override;

    Report begin() override;
    Report check() const override;
    Report check(std::string_view section) const override;
    Report checkFile() const override;
    Report checkText(std::string_view text, std::string_view name) const override;
    std::optional<SettingValue> value(std::string_view section, std::string_view key) const override;
    std::vector<Setting> all() const override;

    void subscribe(std::string_view section, Subscriber subscriber) override;
    void unsubscribe(std::string_view section) override;
    Result<std::uint32_t> change(const std::vector<Edit>& edits, std::string_view author, std::string_view comment,
                                 std::uint32_t expected, Report* report) override;
    Result<std::uint32_t> changeFromWithin(const std::vector<Edit>& edits, std::string_view author,
                                           std::string_view comment, const Later& later) override;
    std::string fixedBy(std::string_view section, std::string_view key) const override;
    Result<bool> reload() override;

    std::uint32_t revision() const override;
    std::vector<Revision> revisions() const override;
    Result<std::string> revisionText(std::uint32_t number) const override;
    Result<std::string> diff(std::uint32_t from, std::uint32_t to) const override;
    Result<std::uint32_t> rollBack(std::uint32_t number, std::string_view author, std::uint32_t expected,
                                   Report* report) override;
    const std::filesystem::path& file() const noexcept override { return options_.file; }

private:
    // These want changes_ held, and mutex_ not.
    Result<std::string> onDisk() const;
    Result<bool> adopt(const std::string& text, std::string_view comment, const Later& later = {});
    void keep(const std::string& text, std::string_view author, std::string_view comment);
    void putInForce(Document document, const Later& later = {});
    Result<std::uint32_t> makeChange(const std::vector<Edit>& edits, std::string_view author, std::string_view comment,
                                     std::uint32_t expected, Report* report, const Later& later);
    Result<void> prepareEdit(const Edit& edit, Document& document, std::vector<api::Finding>& findings,
                             std::map<std::string, std::optional<std::string>>& secrets) const;
    Result<void> writeSecret(const std::string& key, const std::optional<std::string>& value);
    void tell(Severity severity, std::string text) const {
        if (options_.notify)
            options_.notify(severity, std::move(text));
    }

    const Options options_;
    Turn changes_;  // one change at a time; held while subscribers are told
    mutable std::shared_mutex mutex_;
    Document document_;
    bool fileIsThere_ = false;
    Sections sections_;
    std::map<std::string, std::shared_ptr<const Subscriber>, std::less<>> subscribers_;
    Values values_;
    Revisions revisions_;
};

Result<void> Store::load() {
    sections_.readEnvironment(options_.environment);
    if (auto read = sections_.readOverrides(options_.overrides, options_.words); !read)
        return read;
    revisions_.read();
    if (options_.file.empty())
        return {};
    auto text = readFile(options_.file, kMaxFile);
    if (!text && text.error().code == Code::missing && options_.fileMayBeMissing)
        return {};
    if (!text)
        return fail(text.error().code, "settings file " + text.error().subject, text.error().detail);
    auto document = Document::parse(std::move(*text), options_.file.string());
    if (!document)
        return fail(std::move(document.error()));
    document_ = std::move(*document);
    fileIsThere_ = true;
    return {};
}

Result<void> Store::announce(std::string_view owner, std::string_view section, Fields fields) {
    const std::unique_lock lock(mutex_);
    auto announced = sections_.announce(owner, section, fields);
    if (announced)
        values_ = sections_.values(document_);
    return announced;
}

void Store::withdraw(std::string_view section) {
    const std::unique_lock lock(mutex_);
    sections_.withdraw(section);
    values_ = sections_.values(document_);
}

Report Store::check() const {
    const std::shared_lock lock(mutex_);
    Report report = sections_.check(document_, options_.file.string());
    sections_.checkOverrides(report);
    return report;
}

Report Store::check(std::string_view section) const {
    const std::shared_lock lock(mutex_);
    return sections_.checkSection(document_, options_.file.string(), section);
}

Report Store::checkText(std::string_view text, std::string_view name) const {
    auto document = Document::parse(std::string(text), name);
    if (!document) {
        Report report;
        report.findings.push_back({"", document.error().detail, "TOML", document.error().subject});
        return report;
    }
    const std::shared_lock lock(mutex_);
    return sections_.check(*document, name);
}

Report Store::checkFile() const {
    const auto text = onDisk();
    if (text)
        return checkText(*text, options_.file.string());
    Report report;
    report.findings.push_back({"", text.error().detail, "a readable file", options_.file.string()});
    return report;
}

std::optional<SettingValue> Store::value(std::string_view section, std::string_view key) const {
    const std::shared_lock lock(mutex_);
    const auto found = values_.find(fullKey(section, key));
    return found == values_.end() ? std::nullopt : found->second.value;
}

std::vector<Setting> Store::all() const {
    const std::shared_lock lock(mutex_);
    std::vector<Setting> out;
    for (const std::string& section : sections_.names())
        for (const Field& field : sections_.fields(section)) {
            const Effective& held = values_.find(fullKey(section, field.name))->second;
            Setting setting;
            setting.key = fullKey(section, field.name);
            setting.field = &field;
            setting.source = held.source;
            setting.reason = held.reason;
            if (!field.secret)
                setting.value = held.value;
            if (setting.reason.empty() && options_.file.empty() && !field.secret)
                setting.reason = kNoFile;
            out.push_back(std::move(setting));
        }
    return out;
}

std::string Store::fixedBy(std::string_view section, std::string_view key) const {
    const std::shared_lock lock(mutex_);
    std::string reason = sections_.fixedBy(section, key);
    const Field* field = fieldOf(sections_.fields(section), key);
    return reason.empty() && options_.file.empty() && (field == nullptr || !field->secret) ? kNoFile : reason;
}

void Store::subscribe(std::string_view section, Subscriber subscriber) {
    const std::unique_lock lock(mutex_);
    subscribers_[std::string(section)] = std::make_shared<const Subscriber>(std::move(subscriber));
}

void Store::unsubscribe(std::string_view section) {
    const std::unique_lock lock(mutex_);
    if (const auto found = subscribers_.find(section); found != subscribers_.end())
        subscribers_.erase(found);
}

Result<std::string> Store::onDisk() const {
    if (options_.file.empty())
        return std::string();
    auto text = readFile(options_.file, kMaxFile);
    if (!text && text.error().code == Code::missing && options_.fileMayBeMissing)
        return std::string();
    return text;
}

void Store::keep(const std::string& text, std::string_view author, std::string_view comment) {
    Error trouble;
    {
        const std::unique_lock lock(mutex_);
        auto added = revisions_.add(text, author, comment);
        if (added)
            return;
        trouble = std::move(added.error());
    }
    tell(Severity::error, "the settings are in force, but could not be kept as a revision: " + trouble.text());
}

/// Makes `document` what is in force and tells those whose settings are different now, at once unless there is a later.
void Store::putInForce(Document document, const Later& later) {
    std::vector<std::pair<std::shared_ptr<const Subscriber>, Change>> calls;
    {
        const std::unique_lock lock(mutex_);
        Values fresh = sections_.values(document);
        for (const std::string& section : sections_.names()) {
            Change change;
            change.section = section;
            for (const Field& field : sections_.fields(section)) {
                const std::string key = fullKey(section, field.name);
                const auto before = values_.find(key);
                if (before != values_.end() && before->second.value == fresh[key].value)
                    continue;
                change.keys.emplace_back(field.name);
                change.restart = change.restart || field.restart;
            }
            const auto subscriber = subscribers_.find(section);
            if (!change.keys.empty() && subscriber != subscribers_.end())
                calls.emplace_back(subscriber->second, std::move(change));
        }
        document_ = std::move(document);
        fileIsThere_ = true;
        values_ = std::move(fresh);
    }
    for (auto& [subscriber, change] : calls)
        if (later)
            later([told = std::move(subscriber), what = std::move(change)] { (*told)(what); });
        else
            (*subscriber)(change);
}

/// The file's text as found: if it is not what is in force, it is checked, applied and kept as a revision.
Result<bool> Store::adopt(const std::string& text, std::string_view comment, const Later& later) {
    bool same = false;
    std::optional<std::string> latest;
    {
        const std::shared_lock lock(mutex_);
        same = text == document_.text();
        if (auto kept = revisions_.newest() != 0 ? revisions_.text(revisions_.newest()) : Result<std::string>(""))
            latest = std::move(*kept);
    }
    if (!same) {
        auto document = Document::parse(text, options_.file.string());
        if (!document)
            return fail(std::move(document.error()));
        Report report;
        {
            const std::shared_lock lock(mutex_);
            report = sections_.check(*document, options_.file.string());
        }
        if (!report.good())
            return fail(Code::malformed, "", report.text());
        keep(text, kByHand, comment);
        putInForce(std::move(*document), later);
        return true;
    }
    if (latest && *latest != text)
        keep(text, revision() == 0 ? "first start" : kByHand, comment);
    return false;
}

Report Store::begin() {
    const std::lock_guard one(changes_);
    Report report = check();
    if (report.good() && fileIsThere_) {
        const std::string text = document_.text();
        if (auto adopted = adopt(text, "found at start"); !adopted)
            tell(Severity::warning, adopted.error().text());
    }
    return report;
}

Result<bool> Store::reload() {
    const std::lock_guard one(changes_);
    auto text = onDisk();
    if (!text) {
        tell(Severity::error, "settings not read again, the old ones stay in force: " + text.error().text());
        return fail(std::move(text.error()));
    }
    auto changed = adopt(*text, "read again");
    if (!changed)
        tell(Severity::error, "settings file refused, the old settings stay in force: " + changed.error().text());
    else if (*changed)
        tell(Severity::info,
             "settings file was edited by hand: in force now, as revision " + std::to_string(revision()));
    return changed;
}

Result<void> Store::prepareEdit(const Edit& edit, Document& document, std::vector<api::Finding>& findings,
                                std::map<std::string, std::optional<std::string>>& secrets) const {
    const std::shared_lock lock(mutex_);
    const std::size_t dot = edit.key.find('.');
    const std::string section = edit.key.substr(0, dot);
    if (dot == std::string::npos || !sections_.has(section)) {
        std::string names;
        for (const std::string& known : sections_.names())
            names += (names.empty() ? "" : ", ") + known;
        findings.push_back({asWritten(edit.key), dot == std::string::npos ? "no SECTION.KEY" : "an unknown section",
                            "sections " + names, ""});
        return {};
    }
    const std::string key = edit.key.substr(dot + 1);
    const Field* field = fieldOf(sections_.fields(section), key);
    if (field == nullptr) {
        findings.push_back({asWritten(edit.key), "an unknown key", keysOf(sections_.fields(section)), ""});
        return {};
    }
    if (const std::string reason = sections_.fixedBy(section, key); !reason.empty())
        return fail(Code::denied, edit.key, "is fixed by the " + reason + "; change it there and restart the daemon");
    std::optional<SettingValue> value;
    if (edit.value) {
        auto parsed = api::parseValue(*field, *edit.value);
        if (!parsed) {
            parsed.error().reportTo(findings, edit.key, "");
            return {};
        }
        value = std::move(*parsed);
    }
    if (field->secret) {
        secrets[edit.key] = edit.value;
        return {};
    }
    if (options_.file.empty())
        return fail(Code::denied, edit.key, "this daemon runs without a settings file; start it with --config FILE");
    const Item* item = document.find(section, key);
    if (value && item != nullptr) {
        const auto present = api::checkValue(*field, item->value);
        if (present && *present == *value)
            return {};
    }
    auto changed = value ? document.with(section, key, tomlValue(*field, *value, *edit.value, item ? item->raw : ""))
                         : document.without(section, key);
    if (!changed)
        return fail(std::move(changed.error()));
    document = std::move(*changed);
    return {};
}

Result<void> Store::writeSecret(const std::string& key, const std::optional<std::string>& value) {
    const std::filesystem::path directory = options_.stateDirectory / "secrets";
    if (options_.stateDirectory.empty())
        return fail(Code::storage, key, "this daemon has no state directory; start it with --state DIR");
    if (value) {
        if (auto made = makeDirectory(directory); !made)
            return made;
        return writeFile(directory / key, *value, 0600);
    }
    if (::unlink((directory / key).c_str()) != 0 && errno != ENOENT)
        return fail(Code::storage, (directory / key).string(), "cannot be removed");
    return {};
}

Result<std::uint32_t> Store::change(const std::vector<Edit>& edits, std::string_view author, std::string_view comment,
                                    std::uint32_t expected, Report* report) {
    const std::lock_guard one(changes_);
    return makeChange(edits, author, comment, expected, report, {});
}

Result<std::uint32_t> Store::changeFromWithin(const std::vector<Edit>& edits, std::string_view author,
                                              std::string_view comment, const Later& later) {
    if (!changes_.tryLockFor(kPatience))
        return fail(Code::busy, "settings", "another change is being made; try again");
    const std::lock_guard one(changes_, std::adopt_lock);
    return makeChange(edits, author, comment, 0, nullptr, later);
}

Result<std::uint32_t> Store::makeChange(const std::vector<Edit>& edits, std::string_view author,
                                        std::string_view comment, std::uint32_t expected, Report* report,
                                        const Later& later) {
    auto disk = onDisk();
    if (!disk)
        return fail(std::move(disk.error()));
    const Document before = [&] {
        const std::shared_lock lock(mutex_);
        return document_;
    }();
    // An edit by hand that nobody has told us of: it comes first, and it is not overwritten unseen.
    if (auto adopted = adopt(*disk, "found when settings were changed", later); !adopted)
        return fail(Code::conflict, options_.file.string(),
                    "was edited by hand and is not valid, so nothing was changed: " + adopted.error().text() +
                        "; repair the file first");
    Document document = [&] {
        const std::shared_lock lock(mutex_);
        return document_;
    }();
    if (expected != 0 && expected != revision())
        return fail(Code::conflict, "settings",
                    "revision " + std::to_string(expected) + " was seen, " + std::to_string(revision()) +
                        " is in force; look at them again");
    for (const Edit& edit : edits) {
        const std::size_t dot = std::min(edit.key.find('.'), edit.key.size());
        const std::string key = dot < edit.key.size() ? edit.key.substr(dot + 1) : "";
        const Item* old = before.find(edit.key.substr(0, dot), key);
        const Item* now = document.find(edit.key.substr(0, dot), key);
        if ((old ? old->value : Json()) != (now ? now->value : Json()))
            return fail(Code::conflict, edit.key,
                        "was just edited by hand to " +
                            (now ? now->isTable ? api::shown(now->value) : asWritten(now->raw) : "its default") +
                            "; do it again if that is to be overwritten");
    }
    std::vector<api::Finding> findings;
    std::map<std::string, std::optional<std::string>> secrets;
    const std::string present = document.text();
    for (const Edit& edit : edits)
        if (auto prepared = prepareEdit(edit, document, findings, secrets); !prepared)
            return fail(std::move(prepared.error()));
    {
        const std::shared_lock lock(mutex_);
        const Report whole = sections_.check(document, options_.file.string());
        findings.insert(findings.end(), whole.findings.begin(), whole.findings.end());
    }
    if (!findings.empty()) {
        Report all;
        all.findings = std::move(findings);
        if (report != nullptr)
            *report = all;
        return fail(Code::malformed, "", all.text());
    }
    for (const auto& [key, secret] : secrets)
        if (auto written = writeSecret(key, secret); !written)
            return fail(std::move(written.error()));
    if (document.text() != present) {
        if (auto written = writeFile(options_.file, document.text(), 0640, present); !written)
            return fail(std::move(written.error()));
        keep(document.text(), author, comment);
    }
    if (document.text() != present || !secrets.empty())
        putInForce(std::move(document), later);
    return revision();
}

Result<std::uint32_t> Store::rollBack(std::uint32_t number, std::string_view author, std::uint32_t expected,
                                      Report* report) {
    const std::lock_guard one(changes_);
    auto text = revisionText(number);
    if (!text)
        return fail(std::move(text.error()));
    auto disk = onDisk();
    if (!disk)
        return fail(std::move(disk.error()));
    // A file that is not valid is what a rollback is for; it is kept as a revision so that nothing of it is lost.
    auto adopted = adopt(*disk, "found before a rollback");
    if (!adopted)
        keep(*disk, kByHand, "not valid; found before a rollback");
    if (expected != 0 && expected != revision())
        return fail(Code::conflict, "settings",
                    "revision " + std::to_string(expected) + " was seen, " + std::to_string(revision()) +
                        " is in force; look at them again");
    auto document = Document::parse(std::move(*text), options_.file.string());
    if (!document)
        return fail(std::move(document.error()));
    const Report found = [&] {
        const std::shared_lock lock(mutex_);
        return sections_.check(*document, "revision " + std::to_string(number));
    }();
    if (!found.good()) {
        if (report != nullptr)
            *report = found;
        return fail(Code::malformed, "", found.text());
    }
    if (document->text() == *disk)
        return revision();
    if (auto written = writeFile(options_.file, document->text(), 0640, *disk); !written)
        return fail(std::move(written.error()));
    keep(document->text(), author, "rolled back to revision " + std::to_string(number));
    putInForce(std::move(*document));
    return revision();
}

std::uint32_t Store::revision() const {
    const std::shared_lock lock(mutex_);
    return revisions_.newest();
}

std::vector<Revision> Store::revisions() const {
    const std::shared_lock lock(mutex_);
    return revisions_.list();
}

Result<std::string> Store::revisionText(std::uint32_t number) const {
    const std::shared_lock lock(mutex_);
    return revisions_.text(number);
}

Result<std::string> Store::diff(std::uint32_t from, std::uint32_t to) const {
    auto old = revisionText(from);
    if (!old)
        return old;
    auto fresh = [&]() -> Result<std::string> {
        if (to != 0)
            return revisionText(to);
        const std::shared_lock lock(mutex_);
        return document_.text();
    }();
    if (!fresh)
        return fresh;
    return unifiedDiff(*old, *fresh, "revision " + std::to_string(from),
                       to == 0 ? std::string("in force") : "revision " + std::to_string(to));
}

}  // namespace

const char* name(Source source) noexcept {
    switch (source) {
        case Source::fallback:
            return "default";
        case Source::file:
            return "file";
        case Source::commandLine:
            return "command line";
        case Source::environment:
            return "environment";
        case Source::secret:
            return "secret";
        case Source::none:
            return "not set";
    }
    return "not set";
}

std::string Report::text() const {
    std::string out;
    for (const api::Finding& finding : findings)
        out += (out.empty() ? "" : "\n") + finding.text();
    return out;
}

std::vector<std::string> processEnvironment() {
    std::vector<std::string> out;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
        out.emplace_back(*entry);
    return out;
}

Result<std::unique_ptr<SettingsStore>> SettingsStore::open(Options options) {
    auto store = std::make_unique<Store>(std::move(options));
    if (auto loaded = store->load(); !loaded)
        return fail(std::move(loaded.error()));
    return std::unique_ptr<SettingsStore>(std::move(store));
}

}  // namespace muster::settings
