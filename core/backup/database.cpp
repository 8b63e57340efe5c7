#include "backup/database.h"

#include <memory>
#include <sqlite3.h>
#include <string>
#include <unistd.h>

#include "pool/schema.h"

namespace muster::backup {

namespace {

struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close(handle); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

constexpr int kOftenEnough = 10'000;    // SQLite's instructions between two looks at `stopping`
constexpr int kLongestText = 16 << 20;  // octets of a value, of a row
constexpr int kPatience = 5'000;        // ms

Handle open(const std::string& name, int flags) {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
    return Handle(handle);
}

/// The first column of the first row as text. Nothing: it failed.
std::string first(sqlite3* handle, const char* sql, bool& good) {
    sqlite3_stmt* raw = nullptr;
    good = sqlite3_prepare_v2(handle, sql, -1, &raw, nullptr) == SQLITE_OK;
    const std::unique_ptr<sqlite3_stmt, Finalize> statement(raw);
    if (!good)
        return {};
    const int code = sqlite3_step(raw);
    good = code == SQLITE_ROW;
    if (!good)
        return {};
    const unsigned char* text = sqlite3_column_text(raw, 0);
    return text != nullptr ? reinterpret_cast<const char*>(text) : "";
}

}  // namespace

Result<void> copyDatabase(const std::filesystem::path& from, const std::filesystem::path& to) {
    const Handle source = open(from.string(), SQLITE_OPEN_READWRITE);
    const Handle target = open(to.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    const auto failed = [&](sqlite3* handle) {
        auto problem = fail(Code::storage, from.string(),
                            std::string("the database cannot be copied: ") +
                                (handle != nullptr ? sqlite3_errmsg(handle) : "no memory"));
        ::unlink(to.c_str());
        return problem;
    };
    if (!source || !target || sqlite3_errcode(source.get()) != SQLITE_OK || sqlite3_errcode(target.get()) != SQLITE_OK)
        return failed(source && sqlite3_errcode(source.get()) != SQLITE_OK ? source.get() : target.get());
    sqlite3_busy_timeout(source.get(), kPatience);
    sqlite3_backup* copy = sqlite3_backup_init(target.get(), "main", source.get(), "main");
    if (copy == nullptr)
        return failed(target.get());
    sqlite3_backup_step(copy, -1);
    if (sqlite3_backup_finish(copy) != SQLITE_OK)
        return failed(target.get());
    return {};
}

Result<std::int64_t> checkDatabase(const std::filesystem::path& path, const std::atomic<bool>& stopping) {
    // immutable: its log and its index of the log are not looked for, and none are made.
    const Handle handle = open("file:" + path.string() + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    const std::string name = path.filename().string();
    if (!handle)
        return fail(Code::storage, "backup", "no memory to check " + name);
    sqlite3_limit(handle.get(), SQLITE_LIMIT_LENGTH, kLongestText);
    sqlite3_db_config(handle.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_progress_handler(
        handle.get(), kOftenEnough,
        [](void* flag) { return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0; },
        const_cast<std::atomic<bool>*>(&stopping));
    const auto damaged = [&](const std::string& what) -> tl::unexpected<Error> {
        if (stopping)
            return fail(Code::busy, "backup", "Muster stops or begins anew; try again");
        return fail(Code::malformed, "backup", "damaged: its database " + name + ": " + what);
    };
    bool good = false;
    const std::string application = first(handle.get(), "PRAGMA application_id", good);
    if (!good)
        return damaged(sqlite3_errmsg(handle.get()));
    if (application != std::to_string(pool::kApplicationId))
        return damaged("it is not one of Muster's");
    const std::int64_t schema = std::strtoll(first(handle.get(), "PRAGMA user_version", good).c_str(), nullptr, 10);
    if (!good || schema < 1)
        return damaged("it names no schema");
    if (schema > pool::kSchemaVersion)
        return fail(Code::incompatible, "backup",
                    "its database " + name + " has schema " + std::to_string(schema) +
                        ", and this Muster knows schemas up to " + std::to_string(pool::kSchemaVersion) +
                        "; restore it with the Muster that made it or a later one");
    if (first(handle.get(), "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')", good) != "0")
        return damaged(good ? "it has triggers or views, and Muster makes none" : sqlite3_errmsg(handle.get()));
    const std::string verdict = first(handle.get(), "PRAGMA quick_check(1)", good);
    if (!good || verdict != "ok")
        return damaged(good ? verdict : sqlite3_errmsg(handle.get()));
    return schema;
}

}  // namespace muster::backup
