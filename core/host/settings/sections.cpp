#include "host/settings/sections.h"

#include <algorithm>

#include "api/values.h"
#include "host/settings/files.h"

namespace muster::settings {

namespace {

constexpr std::size_t kMaxSecret = 4096;

/// "listener.max-connections" in the environment: MUSTER_LISTENER__MAX_CONNECTIONS.
std::string environmentName(std::string_view section, std::string_view key) {
    std::string out = "MUSTER_" + std::string(section) + "__" + std::string(key);
    for (char& c : out)
        c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

bool isName(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// What no setting can hold, or what its own default has against it. Empty: it is sound.
std::string unsound(const Field& field, bool nested) {
    const bool objects = field.type == FieldType::objects;
    if (field.type == FieldType::object || field.type == FieldType::number || (objects && nested))
        return std::string("is of type ") + api::typeName(field.type) + ", which no " +
               (nested ? "member of a list of objects" : "setting") + " has";
    if (objects && (field.secret || field.fields.empty()))
        return field.secret ? "is a list of objects and a secret; no secret is a list" : "has objects without members";
    if (nested && (field.secret || !isName(field.name)))
        return field.secret ? "is a secret inside of a list of objects; no secret is in the file"
                            : "is a member whose name is not of a-z, 0-9, '-'";
    for (const Field& member : field.fields)
        if (const std::string reason = objects ? unsound(member, true) : ""; !reason.empty())
            return std::string("has the member ") + member.name + ", which " + reason;
    if (field.fallback == nullptr)
        return {};
    const auto value = api::parseValue(field, field.fallback);
    if (value)
        return {};
    std::vector<api::Finding> findings;
    value.error().reportTo(findings, "its default", "");
    return "cannot have its default: " + findings.front().text();
}

}  // namespace

const Field* fieldOf(Fields fields, std::string_view key) noexcept {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return key == field.name; });
    return found == fields.end() ? nullptr : &*found;
}

std::string fullKey(std::string_view section, std::string_view key) {
    return std::string(section) + "." + std::string(key);
}

std::string keysOf(Fields fields) {
    std::string out;
    for (const Field& field : fields)
        out += (out.empty() ? "only " : ", ") + std::string(field.name);
    return out.empty() ? "nothing" : out;
}

std::string asWritten(std::string_view raw) {
    const std::string shown = api::inQuotes(raw);
    const bool plain = shown.size() == raw.size() + 2;
    return plain ? shown.substr(1, shown.size() - 2) : shown;
}

void Sections::readEnvironment(const std::vector<std::string>& environment) {
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        if (equals != std::string::npos && entry.rfind("MUSTER_", 0) == 0 &&
            entry.substr(0, equals).find("__") != std::string::npos)
            environment_[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
}

Result<void> Sections::readOverrides(const std::vector<std::string>& overrides,
                                     std::map<std::string, std::string, std::less<>> words) {
    words_ = std::move(words);
    for (const std::string& entry : overrides) {
        const std::size_t equals = entry.find('=');
        const std::size_t dot = entry.find('.');
        if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 >= equals)
            return fail(Code::malformed, "--set " + api::inQuotes(entry),
                        "is not SECTION.KEY=VALUE; for example --set listener.max-connections=100");
        overrides_[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    return {};
}

Result<void> Sections::announce(std::string_view owner, std::string_view section, Fields fields) {
    const std::string subject = "settings of " + std::string(section);
    if (!isName(section))
        return fail(Code::incompatible, subject, "the name of a section is of a-z, 0-9, '-'");
    for (const Field& field : fields)
        if (const std::string reason = unsound(field, false); !reason.empty())
            return fail(Code::incompatible, subject, std::string(field.name) + " " + reason);
    const auto present = schemas_.find(section);
    if (present != schemas_.end() && present->second.owner != owner)
        return fail(Code::duplicate, subject, "that section belongs to " + present->second.owner);
    if (present == schemas_.end())
        order_.emplace_back(section);
    schemas_[std::string(section)] = {std::string(owner), fields};
    return {};
}

void Sections::withdraw(std::string_view section) {
    if (const auto present = schemas_.find(section); present != schemas_.end())
        schemas_.erase(present);
    order_.erase(std::remove(order_.begin(), order_.end(), section), order_.end());
}

Fields Sections::fields(std::string_view section) const {
    const auto present = schemas_.find(section);
    return present == schemas_.end() ? Fields() : present->second.fields;
}

std::string Sections::fixedBy(std::string_view section, std::string_view key) const {
    if (const std::string name = environmentName(section, key); environment_.count(name) != 0)
        return "environment variable " + name;
    if (overrides_.count(fullKey(section, key)) != 0)
        return wordOf(fullKey(section, key)) +
               (words_.count(fullKey(section, key)) != 0 ? "" : " " + fullKey(section, key));
    return {};
}

std::string Sections::wordOf(std::string_view key) const {
    const auto word = words_.find(key);
    return "command line " + (word == words_.end() ? std::string("--set") : word->second);
}

Effective Sections::effective(const Document& document, std::string_view section, const Field& field) const {
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
    if (field.secret && !secrets_.empty())
        if (const auto text = readFile(secrets_ / fullKey(section, field.name), kMaxSecret))
            take(api::parseValue(field, *text), Source::secret);
    if (const Item* item = field.secret ? nullptr : document.find(section, field.name))
        take(api::checkValue(field, item->value), Source::file);
    if (field.fallback != nullptr)
        take(api::parseValue(field, field.fallback), Source::fallback);
    return out;
}

Values Sections::values(const Document& document) const {
    Values out;
    for (const auto& [section, schema] : schemas_)
        for (const Field& field : schema.fields)
            out.emplace(fullKey(section, field.name), effective(document, section, field));
    return out;
}

void Sections::checkOverrides(std::string_view section, Report& report) const {
    for (const Field& field : fields(section)) {
        const std::string key = fullKey(section, field.name);
        const auto look = [&](const auto& found, const auto& end, const std::string& where) {
            if (found == end)
                return;
            if (const auto value = api::parseValue(field, found->second); !value)
                value.error().reportTo(report.findings, key, where);
        };
        const std::string name = environmentName(section, field.name);
        look(environment_.find(name), environment_.end(), "environment variable " + name);
        look(overrides_.find(key), overrides_.end(), wordOf(key));
    }
}

void Sections::checkItem(const Item& item, Fields fields, std::string_view name, std::string_view section,
                         Report& report) const {
    const auto at = [&](unsigned line) { return std::string(name) + ":" + std::to_string(line); };
    const std::string where = at(item.line);
    const std::string key = fullKey(section, item.key);
    const Field* field = fieldOf(fields, item.key);
    if (field == nullptr) {
        report.findings.push_back({key, "an unknown key", keysOf(fields), where});
        return;
    }
    if (field->secret) {
        report.findings.push_back(
            {key, "a secret", "no secret in this file; set it with musterctl settings set", where});
        return;
    }
    const bool objects = field->type == FieldType::objects;
    if (item.isTable && (!objects || item.value.array() == nullptr)) {
        report.findings.push_back({key, "a table", api::allowed(*field), where});
        return;
    }
    const auto value = api::checkValue(*field, item.value);
    if (value)
        return;
    if (value.error().inside.empty())
        report.findings.push_back(
            {key, objects ? value.error().found : asWritten(item.raw), value.error().allowed, where});
    for (const api::Finding& one : value.error().inside)
        report.findings.push_back({key + one.name, one.found, one.allowed, at(lineOf(item, one.name))});
}

void Sections::checkFields(const Document& document, std::string_view name, std::string_view section,
                           Report& report) const {
    const Fields all = fields(section);
    const Section* present = document.find(section);
    if (present != nullptr)
        for (const Item& item : present->items)
            checkItem(item, all, name, section, report);
    for (const Field& field : all)
        if (field.required && !effective(document, section, field).value &&
            (present == nullptr || present->find(field.name) == nullptr))
            report.findings.push_back({fullKey(section, field.name), "nothing", api::allowed(field),
                                       std::string(name) + (present ? ":" + std::to_string(present->line) : "")});
}

/// What belongs to no announced section.
void Sections::checkStrangers(const Document& document, std::string_view name, Report& report) const {
    for (const Item& stray : document.strays())
        report.findings.push_back({asWritten(stray.key), "a key outside of a section",
                                   "only sections such as [listener] at the top",
                                   std::string(name) + ":" + std::to_string(stray.line)});
    for (const Section& section : document.sections())
        if (!has(section.name))
            report.warnings.push_back(std::string(name) + ":" + std::to_string(section.line) + ": section [" +
                                      asWritten(section.name) + "]: no such plugin is loaded; kept as it is");
}

Report Sections::check(const Document& document, std::string_view name) const {
    Report report;
    checkStrangers(document, name, report);
    for (const std::string& section : order_)
        checkFields(document, name, section, report);
    return report;
}

Report Sections::checkSection(const Document& document, std::string_view name, std::string_view section) const {
    Report report;
    if (has(section)) {
        checkFields(document, name, section, report);
        checkOverrides(section, report);
    }
    return report;
}

void Sections::checkOverrides(Report& report) const {
    for (const std::string& section : order_)
        checkOverrides(section, report);
    for (const auto& [key, value] : overrides_) {
        const std::size_t dot = key.find('.');
        const std::string section = key.substr(0, dot);
        // A word of its own is known to make sense: its plugin may be set aside, and the daemon is needed to say so.
        if (!has(section) && words_.count(key) != 0)
            report.warnings.push_back(wordOf(key) + ": the plugin " + asWritten(section) + " is not loaded; ignored");
        else if (!has(section))
            report.findings.push_back(
                {asWritten(key), "an unknown section", "a section of this daemon and its plugins", wordOf(key)});
        else if (fieldOf(fields(section), key.substr(dot + 1)) == nullptr)
            report.findings.push_back({asWritten(key), "an unknown key", keysOf(fields(section)), wordOf(key)});
    }
    std::vector<std::string> names;
    for (const auto& [section, schema] : schemas_)
        for (const Field& field : schema.fields)
            names.push_back(environmentName(section, field.name));
    for (const auto& [variable, value] : environment_)
        if (std::find(names.begin(), names.end(), variable) == names.end())
            report.warnings.push_back("environment variable " + asWritten(variable) +
                                      ": no setting has that name; ignored");
}

}  // namespace muster::settings
