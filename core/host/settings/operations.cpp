/// `settings …` and `revision …`: what the table offers of this room.
#include <algorithm>
#include <array>
#include <cstdio>

#include "api/paging.h"
#include "api/problem.h"
#include "api/values.h"
#include "host/settings/document.h"
#include "host/settings/settings.h"

namespace muster::settings {

namespace {

constexpr std::int64_t kMaxNumber = 999'999;

constexpr Field kCheckBody[] = {{.name = "file",
                                 .help = "A settings file to check instead of the daemon's own.",
                                 .maximum = std::int64_t{60} * 1024}};
constexpr Field kCheckAnswer[] = {
    {.name = "file", .help = "What was checked.", .column = true},
    {.name = "good", .type = FieldType::boolean, .help = "Always true: what is wrong is a problem.", .column = true},
    {.name = "warnings", .type = FieldType::texts, .help = "Strange, but no reason to refuse.", .column = true}};

constexpr Field kShowQuery[] = {
    {.name = "section", .help = "Only this section.", .maximum = 64},
    {.name = "changed", .type = FieldType::boolean, .help = "Only what is not at its default.", .fallback = "false"},
    api::kLimitField,
    api::kCursorField};
constexpr Field kMember[] = {{.name = "name", .help = "Of the member."},
                             {.name = "type", .help = "What kind of value it is."},
                             {.name = "allowed", .help = "What it may be."},
                             {.name = "help", .help = "What it is for."},
                             {.name = "default", .help = "What it is where it is left out."},
                             {.name = "required", .type = FieldType::boolean, .help = "It cannot be left out."}};
constexpr Field kSetting[] = {
    {.name = "key", .help = "Section and key.", .column = true},
    {.name = "value", .help = "In the notation that settings set takes; absent for secrets.", .column = true},
    {.name = "source", .help = "default, file, command line, environment, secret, not set.", .column = true},
    {.name = "default", .help = "What it is without a value of its own."},
    {.name = "type", .help = "What kind of value it is."},
    {.name = "allowed", .help = "What it may be."},
    {.name = "help", .help = "What it is for."},
    {.name = "items", .type = FieldType::objects, .help = "Of a list of objects: each of them, with its defaults."},
    {.name = "fields", .type = FieldType::objects, .help = "What those objects hold.", .fields = kMember},
    {.name = "restart", .type = FieldType::boolean, .help = "A change restarts the plugin."},
    {.name = "secret", .type = FieldType::boolean, .help = "It is never shown."},
    {.name = "fixed", .help = "Why it cannot be set here; absent: it can.", .column = true}};

constexpr Field kKey[] = {
    {.name = "key", .help = "Section and key: listener.idle-timeout", .minimum = 3, .maximum = 200}};
constexpr Field kExpected{.name = "revision",
                          .type = FieldType::integer,
                          .help = "The revision that was seen; refused if another one is in force.",
                          .fallback = "0",
                          .minimum = 0,
                          .maximum = kMaxNumber};
constexpr Field kSetBody[] = {{.name = "value",
                               .help = "30s, 64KiB, true, [10.0.0.0/8, fe80::/10], [{name = \"a\", …}, …]",
                               .maximum = std::int64_t{60} * 1024,
                               .required = true},
                              kExpected};
constexpr Field kRemoveQuery[] = {kExpected};
constexpr Field kPatchBody[] = {
    {.name = "set", .type = FieldType::texts, .help = "KEY=VALUE, as many as belong together."},
    {.name = "unset", .type = FieldType::texts, .help = "Keys that go back to their default."},
    kExpected};
constexpr Field kDone[] = {
    {.name = "revision", .type = FieldType::integer, .help = "In force from now on.", .column = true}};

constexpr Field kRevision[] = {
    {.name = "number", .type = FieldType::integer, .help = "1 is the first.", .column = true},
    {.name = "when", .type = FieldType::timestamp, .help = "When it came into force.", .column = true},
    {.name = "author", .help = "Who made it.", .column = true},
    {.name = "comment", .help = "What it did.", .column = true}};
constexpr Field kPage[] = {api::kLimitField, api::kCursorField};
constexpr Field kNumber[] = {
    {.name = "number", .type = FieldType::integer, .help = "Of the revision.", .minimum = 1, .maximum = kMaxNumber}};
constexpr Field kDiffQuery[] = {
    {.name = "diff", .type = FieldType::boolean, .help = "What changed from it to the settings in force."},
    {.name = "to",
     .type = FieldType::integer,
     .help = "What changed from it to that revision.",
     .minimum = 1,
     .maximum = kMaxNumber}};
constexpr Field kRestoreBody[] = {kExpected};

Json memberJson(const Field& field) {
    Json out = json({{"name", field.name},
                     {"type", api::typeName(field.type)},
                     {"allowed", api::allowed(field)},
                     {"help", field.help},
                     {"required", field.required}});
    if (field.fallback != nullptr)
        out.set("default", field.fallback);
    return out;
}

Json settingJson(const Setting& setting) {
    const Field& field = *setting.field;
    Json out = json({{"key", setting.key}});
    if (setting.value)
        out.set("value", api::valueText(field, *setting.value));
    out.set("source", name(setting.source));
    if (field.fallback != nullptr)
        if (const auto fallback = api::parseValue(field, field.fallback))
            out.set("default", api::valueText(field, *fallback));
    out.set("type", api::typeName(field.type));
    out.set("allowed", api::allowed(field));
    out.set("help", field.help);
    if (field.type == FieldType::objects) {
        out.set("items", setting.value ? api::valueJson(*setting.value) : Json(Json::Array()));
        Json::Array members;
        for (const Field& member : field.fields)
            members.push_back(memberJson(member));
        out.set("fields", std::move(members));
    }
    out.set("restart", field.restart);
    if (field.secret)
        out.set("secret", true);
    if (!setting.reason.empty())
        out.set("fixed", setting.reason);
    return out;
}

/// Ascending in the order of list(), whatever the keys themselves are.
std::string position(std::size_t number) {
    std::array<char, 24> out{};
    std::snprintf(out.data(), out.size(), "%08zu", number);
    return out.data();
}

std::uint32_t expected(const Call& call) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(call.integer("revision", 0), 0, kMaxNumber));
}

/// The first finding as a sentence, all of them as a list.
Result<Reply> refused(const Error& error, const Report& report) {
    if (report.good())
        return fail(error);
    std::string detail = report.findings.front().text();
    if (report.findings.size() > 1)
        detail += ", and " + std::to_string(report.findings.size() - 1) + " more";
    return api::problemReply({error.code, "", detail}, report.findings);
}

Result<Reply> check(const SettingsStore& store, const Call& call) {
    const bool given = call.body.find("file") != nullptr;
    const Report report = given ? store.checkText(call.text("file"), "file") : store.checkFile();
    if (!report.good())
        return refused({Code::malformed, "", ""}, report);
    Json::Array warnings(report.warnings.begin(), report.warnings.end());
    return Reply(
        json({{"file", given ? "file" : store.file().string()}, {"good", true}, {"warnings", std::move(warnings)}}));
}

Result<Reply> show(const SettingsStore& store, const Call& call) {
    const std::string_view section = call.text("section");
    std::vector<std::string> keys;
    std::vector<Json> items;
    std::size_t number = 0;
    for (const Setting& setting : store.all()) {
        ++number;
        if (!section.empty() && setting.key.substr(0, setting.key.find('.')) != section)
            continue;
        if (call.flag("changed") && (setting.source == Source::fallback || setting.source == Source::none))
            continue;
        keys.push_back(position(number));
        items.push_back(settingJson(setting));
    }
    if (number != 0 && !section.empty() && items.empty() && !call.flag("changed"))
        return fail(Code::missing, "section " + api::inQuotes(section),
                    "there is none of that name; see settings show");
    return api::pageOf("settings", call, keys, std::move(items));
}

Result<Reply> showOne(const SettingsStore& store, const Call& call) {
    for (const Setting& setting : store.all())
        if (setting.key == call.text("key"))
            return Reply(settingJson(setting));
    return fail(Code::missing, api::inQuotes(call.text("key")), "there is no such setting; see settings show");
}

constexpr const char* kMasked = "***";

/// For the audit log: those settings as they stand, in the notation that settings set takes; null where there is none.
/// Of secrets only that there is one.
Json standing(const SettingsStore& store, const std::vector<SettingsStore::Edit>& edits) {
    Json out{Json::Object()};
    for (const Setting& setting : store.all())
        for (const auto& edit : edits)
            if (edit.key == setting.key)
                out.set(setting.key, setting.field->secret ? setting.source == Source::none ? Json() : Json(kMasked)
                                     : setting.value ? Json(api::valueText(*setting.field, *setting.value))
                                                           : Json());
    return out;
}

/// The same for what differs between two moments, all settings looked at.
std::pair<Json, Json> differing(const std::vector<Setting>& before, const std::vector<Setting>& after) {
    std::pair<Json, Json> out{Json::Object(), Json::Object()};
    for (const Setting& now : after)
        for (const Setting& then : before)
            if (then.key == now.key && !now.field->secret && then.value != now.value) {
                out.first.set(now.key, then.value ? Json(api::valueText(*then.field, *then.value)) : Json());
                out.second.set(now.key, now.value ? Json(api::valueText(*now.field, *now.value)) : Json());
            }
    return out;
}

Result<Reply> change(SettingsStore& store, const Call& call, const std::vector<SettingsStore::Edit>& edits) {
    Json before = standing(store, edits);
    std::string comment;
    for (const auto& edit : edits)
        comment += (comment.empty() ? "" : ", ") + std::string(edit.value ? "set " : "unset ") + edit.key;
    Report report;
    const auto revision = store.change(edits, call.caller.name, comment, expected(call), &report);
    if (!revision)
        return refused(revision.error(), report);
    Reply reply(json({{"revision", *revision}}));
    reply.before = std::move(before);
    reply.after = standing(store, edits);
    return reply;
}

Result<Reply> patch(SettingsStore& store, const Call& call) {
    std::vector<SettingsStore::Edit> edits;
    const auto each = [&](const char* member, const auto& take) {
        if (const Json* list = call.body.find(member); list != nullptr && list->array() != nullptr)
            for (const Json& item : *list->array())
                take(*item.string());
    };
    bool good = true;
    each("set", [&](const std::string& pair) {
        const std::size_t equals = pair.find('=');
        good = good && equals != std::string::npos;
        edits.push_back({pair.substr(0, equals), good ? pair.substr(equals + 1) : ""});
    });
    each("unset", [&](const std::string& key) { edits.push_back({key, std::nullopt}); });
    if (!good || edits.empty())
        return fail(Code::malformed, "set", "needs KEY=VALUE items, or keys in unset");
    return change(store, call, edits);
}

Result<Reply> revisionList(const SettingsStore& store, const Call& call) {
    auto all = store.revisions();
    std::reverse(all.begin(), all.end());
    std::vector<std::string> keys;
    std::vector<Json> items;
    for (const Revision& revision : all) {
        keys.push_back(position(static_cast<std::size_t>(kMaxNumber) - revision.number));
        items.push_back(json({{"number", revision.number},
                              {"when", isoTime(revision.when)},
                              {"author", revision.author},
                              {"comment", revision.comment}}));
    }
    return api::pageOf("revisions", call, keys, std::move(items));
}

Result<Reply> revisionShow(const SettingsStore& store, const Call& call) {
    const auto number = static_cast<std::uint32_t>(call.integer("number", 0));
    const auto to = static_cast<std::uint32_t>(call.integer("to", 0));
    auto text = call.flag("diff") || to != 0 ? store.diff(number, to) : store.revisionText(number);
    if (!text)
        return fail(std::move(text.error()));
    Reply reply;
    reply.text = std::move(*text);
    return reply;
}

Result<Reply> revisionSet(SettingsStore& store, const Call& call) {
    const std::vector<Setting> earlier = store.all();
    const std::uint32_t inForce = store.revision();
    Report report;
    const auto revision = store.rollBack(static_cast<std::uint32_t>(call.integer("number", 0)), call.caller.name,
                                         expected(call), &report);
    if (!revision)
        return refused(revision.error(), report);
    auto [before, after] = differing(earlier, store.all());
    Reply reply(json({{"revision", *revision}}));
    reply.before = json({{"revision", inForce}, {"settings", std::move(before)}});
    reply.after = json({{"revision", *revision}, {"settings", std::move(after)}});
    return reply;
}

}  // namespace

Result<void> addOperations(api::OperationTable& table, SettingsStore& store) {
    struct Row {
        Operation operation;
        Handler handler;
    };
    const Row rows[] = {
        {{.method = "POST",
          .path = "/settings/check",
          .role = Role::operator_,
          .cli = "settings check",
          .summary = "Say what is wrong with the settings file as it lies on the disk, or with another one.",
          .body = kCheckBody,
          .answer = kCheckAnswer,
          .changes = false},
         [&store](const Call& call) { return check(store, call); }},
        {{.method = "GET",
          .path = "/settings",
          .role = Role::viewer,
          .support = true,
          .cli = "settings show",
          .summary = "All settings: value, where it comes from, default.",
          .query = kShowQuery,
          .answer = kSetting,
          .list = true},
         [&store](const Call& call) { return show(store, call); }},
        {{.method = "GET",
          .path = "/settings/{key}",
          .role = Role::viewer,
          .summary = "One setting.",
          .path_ = kKey,
          .answer = kSetting},
         [&store](const Call& call) { return showOne(store, call); }},
        {{.method = "PUT",
          .path = "/settings/{key}",
          .role = Role::admin,
          .cli = "settings set",
          .summary = "Change one setting; every other byte of the file stays.",
          .path_ = kKey,
          .body = kSetBody,
          .answer = kDone},
         [&store](const Call& call) {
             return change(store, call, {{std::string(call.text("key")), std::string(call.text("value"))}});
         }},
        {{.method = "DELETE",
          .path = "/settings/{key}",
          .role = Role::admin,
          .cli = "settings remove",
          .summary = "Put one setting back to its default.",
          .path_ = kKey,
          .query = kRemoveQuery,
          .answer = kDone},
         [&store](const Call& call) {
             return change(store, call, {{std::string(call.text("key")), std::nullopt}});
         }},
        {{.method = "PATCH",
          .path = "/settings",
          .role = Role::admin,
          .summary = "Change several settings in one step.",
          .body = kPatchBody,
          .answer = kDone},
         [&store](const Call& call) { return patch(store, call); }},
        {{.method = "GET",
          .path = "/revisions",
          .role = Role::viewer,
          .support = true,
          .cli = "revision list",
          .summary = "The revisions of the settings file, newest first.",
          .query = kPage,
          .answer = kRevision,
          .list = true},
         [&store](const Call& call) { return revisionList(store, call); }},
        {{.method = "GET",
          .path = "/revisions/{number}",
          .role = Role::viewer,
          .cli = "revision show",
          .summary = "The settings file as of that revision, or what changed since.",
          .path_ = kNumber,
          .query = kDiffQuery,
          .text = true},
         [&store](const Call& call) { return revisionShow(store, call); }},
        {{.method = "POST",
          .path = "/revisions/{number}/restore",
          .role = Role::admin,
          .cli = "revision set",
          .summary = "Put the settings of that revision in force again, as a new revision.",
          .path_ = kNumber,
          .body = kRestoreBody,
          .answer = kDone,
          .confirm = "Replace the settings in force with those of that revision?"},
         [&store](const Call& call) { return revisionSet(store, call); }},
    };
    for (const Row& row : rows)
        if (auto added = table.add("core", row.operation, row.handler); !added)
            return added;
    return {};
}

}  // namespace muster::settings
