/// Changes that are asked for: each checked as a whole, written whole, kept as a revision, put in force.
#include <algorithm>
#include <chrono>
#include <map>
#include <unistd.h>

#include "api/objects.h"
#include "api/values.h"
#include "host/settings/files.h"
#include "host/settings/store.h"

namespace muster::settings {

namespace {

/// Less than a plugin that stops is given for its calls to leave.
constexpr auto kPatience = std::chrono::seconds(2);

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

}  // namespace

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

}  // namespace muster::settings
