#include "host/settings/store.h"

#include <algorithm>
#include <unistd.h>

#include "api/values.h"
#include "host/settings/diff.h"
#include "host/settings/files.h"

namespace muster::settings {

namespace {

constexpr const char* kNoFile = "this daemon has no settings file";

}  // namespace

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
