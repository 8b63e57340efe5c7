#include "backup/operations.h"

#include <memory>
#include <utility>
#include <vector>

#include "api/paging.h"
#include "api/values.h"

namespace muster::backup {

namespace {

constexpr Field kName[] = {
    {.name = "name", .help = "As backup list names it.", .minimum = 1, .maximum = 64, .required = true}};

constexpr Field kParts{.name = "parts",
                       .type = FieldType::texts,
                       .help = "Only these: settings, pool, lab, relay, dns, audit, accounts, keys.",
                       .minimum = 1,
                       .maximum = 16};
constexpr Field kPassword{
    .name = "password", .help = "That it was encrypted with.", .minimum = 1, .maximum = 256, .secret = true};

constexpr Field kCreate[] = {kParts,
                             {.name = "password",
                              .help = "Encrypts it. Accounts and keys are left out without one.",
                              .minimum = 12,
                              .maximum = 256,
                              .secret = true}};
constexpr Field kCheck[] = {kPassword};
constexpr Field kRestore[] = {
    {.name = "parts",
     .type = FieldType::texts,
     .help = "Only these. Without it all that it holds but the audit log, which is restored when it is named.",
     .minimum = 1,
     .maximum = 16},
    kPassword};

constexpr Field kLeftOut[] = {{.name = "part", .help = "Which part."}, {.name = "why", .help = "Why it is not in it."}};

constexpr Field kItem[] = {
    {.name = "name", .help = "Its name.", .column = true},
    {.name = "kind",
     .type = FieldType::choice,
     .help = "Who brought it: a person, the day, an upload; before-restore: what a restore has put aside.",
     .choices = "person|daily|uploaded|before-restore",
     .column = true},
    {.name = "made", .type = FieldType::timestamp, .help = "When it was made.", .column = true},
    {.name = "size", .type = FieldType::integer, .help = "Octets.", .column = true},
    {.name = "parts", .type = FieldType::texts, .help = "What is in it.", .column = true},
    {.name = "encrypted", .type = FieldType::boolean, .help = "Whether it has a password.", .column = true},
    {.name = "verified",
     .type = FieldType::boolean,
     .help = "Whether it was read whole and found good since it was written.",
     .column = true},
    {.name = "newest",
     .type = FieldType::boolean,
     .help = "It is the newest of those: the one to restore.",
     .column = true},
    {.name = "checked", .type = FieldType::timestamp, .help = "When it was last read whole; absent: never."},
    {.name = "by", .help = "Who had it made."},
    {.name = "muster", .help = "The version of Muster that made it."},
    {.name = "host", .help = "The machine that it was made on."},
    {.name = "mode", .help = "The mode that machine was in."},
    {.name = "leftOut", .type = FieldType::objects, .help = "What is not in it.", .fields = kLeftOut},
    {.name = "problem", .help = "What is wrong with it; empty: nothing is known to be.", .column = true}};

constexpr Field kRestored[] = {
    {.name = "name", .help = "What is restored.", .column = true},
    {.name = "parts", .type = FieldType::texts, .help = "Which parts of it.", .column = true},
    {.name = "aside", .help = "What is there now is kept under this name; restoring that undoes it.", .column = true}};

constexpr std::int64_t kLargestUpload = std::int64_t{1} << 40;  // the setting says less
constexpr std::size_t kPiece = 64 * 1024;                       // octets

Json texts(const std::vector<std::string>& items) {
    return Json::Array(items.begin(), items.end());
}

Json shown(const Item& item, const std::string& newest) {
    Json::Array leftOut;
    for (const LeftOut& part : item.about.leftOut)
        leftOut.push_back(json({{"part", part.part}, {"why", part.why}}));
    Json out = json({{"name", item.name}, {"kind", name(item.origin)}});
    if (item.about.made != Timestamp{})
        out.set("made", isoTime(item.about.made));
    out.set("size", item.size);
    out.set("parts", texts(item.about.parts));
    out.set("encrypted", item.encrypted);
    out.set("verified", item.verified);
    out.set("newest", item.name == newest);
    if (item.checked)
        out.set("checked", isoTime(*item.checked));
    out.set("by", item.about.by);
    out.set("muster", item.about.muster);
    out.set("host", item.about.host);
    out.set("mode", item.about.mode);
    out.set("leftOut", std::move(leftOut));
    out.set("problem", item.problem);
    return out;
}

Json shown(const Backups& backups, const Item& item) {
    const auto newest = backups.newest();
    return shown(item, newest ? newest->name : std::string());
}

Wish wishOf(const Call& call) {
    Wish wish;
    wish.by = call.caller.name;
    wish.password = call.text("password");
    if (const Json* parts = call.body.find("parts"); parts != nullptr && parts->array() != nullptr)
        for (const Json& part : *parts->array())
            if (part.string() != nullptr)
                wish.parts.push_back(*part.string());
    return wish;
}

Result<Reply> list(const Backups& backups) {
    const auto items = backups.list();
    if (!items)
        return fail(items.error());
    const auto newest = backups.newest();
    Json::Array rows;
    for (const Item& item : *items)
        rows.push_back(shown(item, newest ? newest->name : std::string()));
    return Reply(api::page("backups", std::move(rows), {}));
}

Result<Reply> create(Backups& backups, const Call& call) {
    const auto made = backups.create(wishOf(call));
    if (!made)
        return fail(made.error());
    Reply reply(shown(backups, *made));
    reply.after = json({{"name", made->name}, {"parts", texts(made->about.parts)}, {"encrypted", made->encrypted}});
    return reply;
}

Result<Reply> restore(Backups& backups, const Call& call) {
    const auto plan = backups.restore(call.text("name"), wishOf(call));
    if (!plan)
        return fail(plan.error());
    Reply reply(json({{"name", plan->backup}, {"parts", texts(plan->parts)}, {"aside", plan->aside}}));
    reply.before = json({{"kept", plan->aside}});
    reply.after = reply.body;
    return reply;
}

Result<Reply> remove(Backups& backups, const Call& call) {
    const auto item = backups.find(call.text("name"));
    if (!item)
        return fail(item.error());
    if (auto removed = backups.remove(call.text("name")); !removed)
        return fail(removed.error());
    Reply reply;
    reply.before = json({{"name", item->name}, {"kind", name(item->origin)}, {"parts", texts(item->about.parts)}});
    return reply;
}

Result<Reply> fetch(const Backups& backups, const Call& call) {
    auto file = backups.open(call.text("name"));
    if (!file)
        return fail(file.error());
    const auto size = file->size();
    if (!size)
        return fail(size.error());
    Reply reply;
    reply.file.mediaType = "application/octet-stream";
    reply.file.name = call.text("name");
    reply.file.size = static_cast<std::int64_t>(*size);
    reply.file.write = [open = std::make_shared<DiskFile>(std::move(*file))](OctetSink& sink) -> Result<void> {
        std::vector<char> buffer(kPiece);
        for (;;) {
            const auto got = open->read(std::as_writable_bytes(std::span(buffer)));
            if (!got)
                return fail(got.error());
            if (*got == 0 || !sink.write({buffer.data(), *got}))
                return {};
        }
    };
    return reply;
}

Result<Reply> bring(Backups& backups, const Call& call) {
    const auto item = backups.upload(
        [&](Buffer buffer) { return call.upload->read(reinterpret_cast<char*>(buffer.data()), buffer.size()); },
        call.upload->announced());
    if (!item)
        return fail(item.error());
    Reply reply(shown(backups, *item));
    reply.after =
        json({{"name", item->name}, {"parts", texts(item->about.parts)}, {"made", isoTime(item->about.made)}});
    return reply;
}

/// One that was looked for: an Item, or why there is none.
Result<Reply> one(const Backups& backups, Result<Item> item) {
    if (!item)
        return fail(std::move(item.error()));
    return Reply(shown(backups, *item));
}

}  // namespace

Result<void> addOperations(api::OperationTable& table, Backups& backups) {
    struct Row {
        Operation operation;
        Handler handler;
    };
    const Row rows[] = {
        {{.method = "GET",
          .path = "/backups",
          .role = Role::operator_,
          .cli = "backup list",
          .summary = "The backups that are here, newest first, and what restores have put aside.",
          .answer = kItem,
          .list = true},
         [&backups](const Call&) { return list(backups); }},
        {{.method = "POST",
          .path = "/backups",
          .role = Role::admin,
          .cli = "backup create",
          .summary = "Makes a backup and reads it back whole.",
          .body = kCreate,
          .answer = kItem},
         [&backups](const Call& call) { return create(backups, call); }},
        {{.method = "GET",
          .path = "/backups/{name}",
          .role = Role::operator_,
          .cli = "backup show",
          .summary = "What is in a backup, and what was left out of it.",
          .path_ = kName,
          .answer = kItem},
         [&backups](const Call& call) { return one(backups, backups.find(call.text("name"))); }},
        {{.method = "POST",
          .path = "/backups/{name}/check",
          .role = Role::admin,
          .cli = "backup check",
          .summary = "Reads a backup whole, and restores nothing.",
          .path_ = kName,
          .body = kCheck,
          .answer = kItem,
          .changes = false},
         [&backups](const Call& call) {
             return one(backups, backups.check(call.text("name"), std::string(call.text("password"))));
         }},
        {{.method = "POST",
          .path = "/backups/{name}/restore",
          .role = Role::admin,
          .cli = "backup restore",
          .summary = "Checks a backup, puts aside what is there now, and begins anew with what the backup holds.",
          .path_ = kName,
          .body = kRestore,
          .answer = kRestored,
          .confirm = "Restore it? Muster begins anew. What is there now is put aside and can be restored likewise; "
                     "where accounts come back, all sessions end."},
         [&backups](const Call& call) { return restore(backups, call); }},
        {{.method = "DELETE",
          .path = "/backups/{name}",
          .role = Role::admin,
          .cli = "backup remove",
          .summary = "Removes a backup, or what a restore has put aside.",
          .path_ = kName,
          .confirm = "Remove it? It cannot be brought back."},
         [&backups](const Call& call) { return remove(backups, call); }},
        {{.method = "GET",
          .path = "/backups/{name}/file",
          .role = Role::admin,
          .cli = "backup get",
          .summary = "The file of a backup, to be kept elsewhere.",
          .path_ = kName,
          .file = true},
         [&backups](const Call& call) { return fetch(backups, call); }},
        {{.method = "POST",
          .path = "/backups/file",
          .role = Role::admin,
          .cli = "backup put",
          .summary = "Brings a backup here from elsewhere, and reads it whole where it can.",
          .answer = kItem,
          .upload = kLargestUpload},
         [&backups](const Call& call) { return bring(backups, call); }},
    };
    for (const Row& row : rows)
        if (auto added = table.add("core", row.operation, row.handler); !added)
            return added;
    return {};
}

}  // namespace muster::backup
