#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unistd.h>

#include "api/values.h"
#include "host/settings/diff.h"
#include "host/settings/document.h"
#include "host/settings/files.h"
#include "host/settings/revisions.h"
#include "host/settings/settings.h"

namespace muster::settings {

namespace {

constexpr std::size_t kMaxSecret = 4096;
constexpr std::string_view kByHand = "edited by hand";

struct Schema {
    std::string owner;
    Fields fields;
};

const Field* fieldOf(Fields fields, std::string_view key) noexcept {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return key == field.name; });
    return found == fields.end() ? nullptr : &*found;
}

std::string fullKey(std::string_view section, std::string_view key) {
    return std::string(section) + "." + std::string(key);
}

/// "listener.max-connections" in the environment: MUSTER_LISTENER__MAX_CONNECTIONS.
std::string environmentName(std::string_view section, std::string_view key) {
    std::string out = "MUSTER_" + std::string(section) + "__" + std::string(key);
    for (char& c : out)
        c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

std::string keysOf(Fields fields) {
    std::string out;
    for (const Field& field : fields)
        out += (out.empty() ? "only " : ", ") + std::string(field.name);
    return out.empty() ? "nothing" : out;
}

/// A value as it stands in a file or a message: what is written there, shortened and without control characters.
std::string asWritten(std::string_view raw) {
    const std::string shown = api::inQuotes(raw);
    const bool plain = shown.size() == raw.size() + 2;
    return plain ? shown.substr(1, shown.size() - 2) : shown;
}

/// TOML for a value of that field, in the spelling that was typed where the type is written as text.
std::string tomlValue(const Field& field, const SettingValue& value, std::string_view typed, std::string_view like) {
    if (std::holds_alternative<std::string>(value) || field.type == FieldType::duration)
        return tomlString(typed, like);
    if (field.type == FieldType::size)
        return typed.find_first_not_of("0123456789") == std::string_view::npos ? std::string(typed)
                                                                               : tomlString(typed, like);
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
        std::string out;
        for (const std::string& item : *texts)
            out += (out.empty() ? "" : ", ") + tomlString(item);
        return "[" + out + "]";
    }
    return api::valueText(field, value);  // whole numbers, true and false, lists of numbers
}

/// What is in force for one key.
struct Effective {
    std::optional<SettingValue> value;
    Source source = Source::none;
    std::string reason;
};

class Store final : public SettingsStore {
public:
    explicit Store(Options options)
        : options_(std::move(options)),
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
    Result<bool> reload() override;

    std::uint32_t revision() const override;
    std::vector<Revision> revisions() const override;
    Result<std::string> revisionText(std::uint32_t number) const override;
    Result<std::string> diff(std::uint32_t from, std::uint32_t to) const override;
    Result<std::uint32_t> rollBack(std::uint32_t number, std::string_view author, std::uint32_t expected,
                                   Report* report) override;
    const std::filesystem::path& file() const noexcept override { return options_.file; }

private:
    using Values = std::map<std::string, Effective, std::less<>>;

    // All of these want mutex_ held, shared at least.
    Effective effective(const Document& document, std::string_view section, const Field& field) const;
    Values values(const Document& document) const;
    void checkSection(const Document& document, std::string_view name, const Schema& schema, Report& report) const;
    void checkStrangers(const Document& document, std::string_view name, Report& report) const;
    Report checkDocument(const Document& document, std::string_view name) const;
    void checkOverrides(std::string_view section, const Schema& schema, Report& report) const;
    std::string fixedBy(std::string_view section, std::string_view key) const;

    // These want changes_ held, and mutex_ not.
    Result<std::string> onDisk() const;
    Result<bool> adopt(const std::string& text, std::string_view comment);
    void keep(const std::string& text, std::string_view author, std::string_view comment);
    void putInForce(Document document);
    Result<void> prepareEdit(const Edit& edit, Document& document, std::vector<api::Finding>& findings,
                             std::map<std::string, std::optional<std::string>>& secrets) const;
    Result<void> writeSecret(const std::string& key, const std::optional<std::string>& value);
    void tell(Severity severity, std::string text) const {
        if (options_.notify)
            options_.notify(severity, std::move(text));
    }

    const Options options_;
    std::mutex changes_;  // one change at a time; held while subscribers are told
    mutable std::shared_mutex mutex_;
    Document document_;
    bool fileIsThere_ = false;
    std::map<std::string, Schema, std::less<>> schemas_;
    std::vector<std::string> order_;                             // of announcements
    std::map<std::string, std::string, std::less<>> overrides_;  // "section.key" to value
    std::map<std::string, std::string, std::less<>> environment_;
    std::map<std::string, std::shared_ptr<const Subscriber>, std::less<>> subscribers_;
    Values values_;
    Revisions revisions_;
};

Result<void> Store::load() {
    for (const std::string& entry : options_.environment) {
        const std::size_t equals = entry.find('=');
        if (equals != std::string::npos && entry.rfind("MUSTER_", 0) == 0 &&
            entry.substr(0, equals).find("__") != std::string::npos)
            environment_[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    for (const std::string& entry : options_.overrides) {
        const std::size_t equals = entry.find('=');
        const std::size_t dot = entry.find('.');
        if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 >= equals)
            return fail(Code::malformed, "--set " + api::inQuotes(entry),
                        "is not SECTION.KEY=VALUE; for example --set listener.max-connections=100");
        overrides_[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
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
    const std::string subject = "settings of " + std::string(section);
    const bool named = !section.empty() && std::all_of(section.begin(), section.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!named)
        return fail(Code::incompatible, subject, "the name of a section is of a-z, 0-9, '-'");
    for (const Field& field : fields) {
        if (field.type == FieldType::object || field.type == FieldType::objects || field.type == FieldType::number)
            return fail(
                Code::incompatible, subject,
                std::string(field.name) + " is of type " + api::typeName(field.type) + ", which no setting has");
        if (field.fallback != nullptr)
            if (const auto value = api::parseValue(field, field.fallback); !value)
                return fail(Code::incompatible, subject,
                            "the default of " + std::string(field.name) + ": " + value.error().found + " found, " +
                                value.error().allowed + " allowed");
    }
    const std::unique_lock lock(mutex_);
    const auto present = schemas_.find(section);
    if (present != schemas_.end() && present->second.owner != owner)
        return fail(Code::duplicate, subject, "that section belongs to " + present->second.owner);
    if (present == schemas_.end())
        order_.emplace_back(section);
    schemas_[std::string(section)] = {std::string(owner), fields};
    values_ = values(document_);
    return {};
}

void Store::withdraw(std::string_view section) {
    const std::unique_lock lock(mutex_);
    if (const auto present = schemas_.find(section); present != schemas_.end())
        schemas_.erase(present);
    order_.erase(std::remove(order_.begin(), order_.end(), section), order_.end());
    values_ = values(document_);
}

std::string Store::fixedBy(std::string_view section, std::string_view key) const {
    if (const std::string name = environmentName(section, key); environment_.count(name) != 0)
        return "environment variable " + name;
    if (overrides_.count(fullKey(section, key)) != 0)
        return "command line --set " + fullKey(section, key);
    return {};
}

Effective Store::effective(const Document& document, std::string_view section, const Field& field) const {
    Effective out;
    out.reason = fixedBy(section, field.name);
    const auto take = [&](auto parsed, Source source) {
        if (parsed && !out.value) {
            out.value = std::move(*parsed);
            out.source = source;
        }
    };
    if (const auto found = environment_.find(environmentName(section, field.name)); found != environment_.end())
        take(api::parseValue(field, found->second), Source::environment);
    if (const auto found = overrides_.find(fullKey(section, field.name)); found != overrides_.end())
        take(api::parseValue(field, found->second), Source::commandLine);
    if (field.secret && !options_.stateDirectory.empty())
        if (const auto text = readFile(options_.stateDirectory / "secrets" / fullKey(section, field.name), kMaxSecret))
            take(api::parseValue(field, *text), Source::secret);
    if (const Item* item = field.secret ? nullptr : document.find(section, field.name))
        take(api::checkValue(field, item->value), Source::file);
    if (field.fallback != nullptr)
        take(api::parseValue(field, field.fallback), Source::fallback);
    return out;
}

Store::Values Store::values(const Document& document) const {
    Values out;
    for (const auto& [section, schema] : schemas_)
        for (const Field& field : schema.fields)
            out.emplace(fullKey(section, field.name), effective(document, section, field));
    return out;
}

void Store::checkOverrides(std::string_view section, const Schema& schema, Report& report) const {
    for (const Field& field : schema.fields) {
        const std::string key = fullKey(section, field.name);
        const auto look = [&](const auto& found, const auto& end, const std::string& where) {
            if (found == end)
                return;
            if (const auto value = api::parseValue(field, found->second); !value)
                report.findings.push_back({key, value.error().found, value.error().allowed, where});
        };
        const std::string name = environmentName(section, field.name);
        look(environment_.find(name), environment_.end(), "environment variable " + name);
        look(overrides_.find(key), overrides_.end(), "command line --set");
    }
}

void Store::checkSection(const Document& document, std::string_view name, const Schema& schema, Report& report) const {
    const Section* section = nullptr;
    for (const Section& one : document.sections())
        if (schemas_.find(one.name) != schemas_.end() && &schemas_.find(one.name)->second == &schema)
            section = &one;
    const std::string sectionName = [&] {
        for (const auto& [key, value] : schemas_)
            if (&value == &schema)
                return key;
        return std::string();
    }();
    if (section != nullptr)
        for (const Item& item : section->items) {
            const std::string where = std::string(name) + ":" + std::to_string(item.line);
            const Field* field = fieldOf(schema.fields, item.key);
            const std::string key = fullKey(sectionName, item.key);
            if (field == nullptr)
                report.findings.push_back({key, "an unknown key", keysOf(schema.fields), where});
            else if (field->secret)
                report.findings.push_back(
                    {key, "a secret", "no secret in this file; set it with musterctl settings set", where});
            else if (item.isTable)
                report.findings.push_back({key, "a table", api::allowed(*field), where});
            else if (const auto value = api::checkValue(*field, item.value); !value)
                report.findings.push_back({key, asWritten(item.raw), value.error().allowed, where});
        }
    for (const Field& field : schema.fields)
        if (field.required && !effective(document, sectionName, field).value &&
            (section == nullptr || section->find(field.name) == nullptr))
            report.findings.push_back({fullKey(sectionName, field.name), "nothing", api::allowed(field),
                                       std::string(name) + (section ? ":" + std::to_string(section->line) : "")});
}

/// What belongs to no announced section.
void Store::checkStrangers(const Document& document, std::string_view name, Report& report) const {
    for (const Item& stray : document.strays())
        report.findings.push_back({asWritten(stray.key), "a key outside of a section",
                                   "only sections such as [listener] at the top",
                                   std::string(name) + ":" + std::to_string(stray.line)});
    for (const Section& section : document.sections())
        if (schemas_.find(section.name) == schemas_.end())
            report.warnings.push_back(std::string(name) + ":" + std::to_string(section.line) + ": section [" +
                                      asWritten(section.name) + "]: no such plugin is loaded; kept as it is");
}

Report Store::checkDocument(const Document& document, std::string_view name) const {
    Report report;
    checkStrangers(document, name, report);
    for (const std::string& section : order_)
        checkSection(document, name, schemas_.find(section)->second, report);
    return report;
}

Report Store::check() const {
    const std::shared_lock lock(mutex_);
    Report report = checkDocument(document_, options_.file.string());
    for (const std::string& section : order_)
        checkOverrides(section, schemas_.find(section)->second, report);
    for (const auto& [key, value] : overrides_) {
        const std::size_t dot = key.find('.');
        const auto schema = schemas_.find(key.substr(0, dot));
        if (schema == schemas_.end())
            report.findings.push_back({asWritten(key), "an unknown section", "a section of this daemon and its plugins",
                                       "command line --set"});
        else if (fieldOf(schema->second.fields, key.substr(dot + 1)) == nullptr)
            report.findings.push_back(
                {asWritten(key), "an unknown key", keysOf(schema->second.fields), "command line --set"});
    }
    std::vector<std::string> names;
    for (const auto& [section, schema] : schemas_)
        for (const Field& field : schema.fields)
            names.push_back(environmentName(section, field.name));
    for (const auto& [variable, value] : environment_)
        if (std::find(names.begin(), names.end(), variable) == names.end())
            report.warnings.push_back("environment variable " + asWritten(variable) +
                                      ": no setting has that name; ignored");
    return report;
}

Report Store::check(std::string_view section) const {
    const std::shared_lock lock(mutex_);
    Report report;
    if (const auto schema = schemas_.find(section); schema != schemas_.end()) {
        checkSection(document_, options_.file.string(), schema->second, report);
        checkOverrides(section, schema->second, report);
    }
    return report;
}

Report Store::checkText(std::string_view text, std::string_view name) const {
    auto document = Document::parse(std::string(text), name);
    if (!document) {
        Report report;
        report.findings.push_back({"", document.error().detail, "TOML", document.error().subject});
        return report;
    }
    const std::shared_lock lock(mutex_);
    return checkDocument(*document, name);
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
    for (const std::string& section : order_)
        for (const Field& field : schemas_.find(section)->second.fields) {
            const Effective& held = values_.find(fullKey(section, field.name))->second;
            Setting setting;
            setting.key = fullKey(section, field.name);
            setting.field = &field;
            setting.source = held.source;
            setting.reason = held.reason;
            if (!field.secret)
                setting.value = held.value;
            if (setting.reason.empty() && options_.file.empty() && !field.secret)
                setting.reason = "this daemon has no settings file";
            out.push_back(std::move(setting));
        }
    return out;
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

/// Makes `document` what is in force and tells those whose settings are different now.
void Store::putInForce(Document document) {
    std::vector<std::pair<std::shared_ptr<const Subscriber>, Change>> calls;
    {
        const std::unique_lock lock(mutex_);
        Values fresh = values(document);
        for (const std::string& section : order_) {
            Change change;
            change.section = section;
            for (const Field& field : schemas_.find(section)->second.fields) {
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
    for (const auto& [subscriber, change] : calls)
        (*subscriber)(change);
}

/// The file's text as found: if it is not what is in force, it is checked, applied and kept as a revision.
Result<bool> Store::adopt(const std::string& text, std::string_view comment) {
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
            report = checkDocument(*document, options_.file.string());
        }
        if (!report.good())
            return fail(Code::malformed, "", report.text());
        keep(text, kByHand, comment);
        putInForce(std::move(*document));
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
    const auto schema = schemas_.find(section);
    if (dot == std::string::npos || schema == schemas_.end()) {
        std::string names;
        for (const std::string& known : order_)
            names += (names.empty() ? "" : ", ") + known;
        findings.push_back({asWritten(edit.key), dot == std::string::npos ? "no SECTION.KEY" : "an unknown section",
                            "sections " + names, ""});
        return {};
    }
    const std::string key = edit.key.substr(dot + 1);
    const Field* field = fieldOf(schema->second.fields, key);
    if (field == nullptr) {
        findings.push_back({asWritten(edit.key), "an unknown key", keysOf(schema->second.fields), ""});
        return {};
    }
    if (const std::string reason = fixedBy(section, key); !reason.empty())
        return fail(Code::denied, edit.key, "is fixed by the " + reason + "; change it there and restart the daemon");
    std::optional<SettingValue> value;
    if (edit.value) {
        auto parsed = api::parseValue(*field, *edit.value);
        if (!parsed) {
            findings.push_back({edit.key, parsed.error().found, parsed.error().allowed, ""});
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
    auto disk = onDisk();
    if (!disk)
        return fail(std::move(disk.error()));
    const Document before = [&] {
        const std::shared_lock lock(mutex_);
        return document_;
    }();
    // An edit by hand that nobody has told us of: it comes first, and it is not overwritten unseen.
    if (auto adopted = adopt(*disk, "found when settings were changed"); !adopted)
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
        if ((old ? old->raw : "") != (now ? now->raw : ""))
            return fail(Code::conflict, edit.key,
                        "was just edited by hand to " + (now ? asWritten(now->raw) : std::string("its default")) +
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
        const Report whole = checkDocument(document, options_.file.string());
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
        putInForce(std::move(document));
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
        return checkDocument(*document, "revision " + std::to_string(number));
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
