#include "pool/schema.h"

#include <string>

#include "pool/minutes.h"
#include "pool/old_rows.h"

namespace muster::pool {

namespace {

/// Step N leads from version N to N+1. A step that was released is never changed.
struct Step {
    const char* sql = "";
    Result<void> (*convert)(Connection&) = nullptr;  ///< what SQL cannot
    const char* afterwards = "";
};

constexpr Step kSteps[] = {
    // Times are milliseconds since 1970 UTC. GUIDs are 16 octets in Windows memory order.
    {R"sql(
CREATE TABLE meta(
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- `applied`: the last record of the intake that is in here, written in the transaction that applies it.
-- `synced`: counts the transactions that were made to survive a power cut. The others are sums over all that was ever applied; machines and clients: over what is here.
INSERT INTO meta VALUES('applied', 0), ('requests', 0), ('failed', 0), ('machines', 0), ('clients', 0), ('status0', 0),
    ('status1', 0), ('status2', 0), ('status3', 0), ('status4', 0), ('status5', 0), ('status6', 0),
    ('synced', 0);

-- What requests name again and again, as a number. Row 0: no room for more.
CREATE TABLE product(
    id          INTEGER NOT NULL PRIMARY KEY,
    application BLOB NOT NULL,
    counted     BLOB NOT NULL,
    sku         BLOB NOT NULL,
    UNIQUE(application, counted, sku)) STRICT;
INSERT INTO product VALUES(0, zeroblob(16), zeroblob(16), zeroblob(16));

-- One row per machine; what counts is the CMID in an application.
CREATE TABLE client(
    cmid           BLOB    NOT NULL,
    application    BLOB    NOT NULL,
    machine        TEXT    NOT NULL,
    product        INTEGER NOT NULL,
    first_seen     INTEGER NOT NULL,
    last_seen      INTEGER NOT NULL,
    requests       INTEGER NOT NULL,
    activated      INTEGER NOT NULL,  -- it once said that it is licensed
    license_status INTEGER NOT NULL,
    minutes        INTEGER NOT NULL,
    virtual        INTEGER NOT NULL,
    required       INTEGER NOT NULL,
    result         INTEGER NOT NULL,
    fault          INTEGER NOT NULL,
    count          INTEGER NOT NULL,
    counted_at     INTEGER,           -- NULL: never counted
    last_seq       INTEGER NOT NULL,  -- its latest row in the journal
    address        BLOB    NOT NULL,  -- latest, 16 octets
    addresses      BLOB,              -- the earlier ones, 16 octets each, oldest first, at most 63
    addresses_more INTEGER NOT NULL,  -- how often yet another was seen and not kept
    PRIMARY KEY(cmid, application, machine)) STRICT, WITHOUT ROWID;

-- Names beyond the first thousand of one CMID: how often one of them was seen.
CREATE TABLE surplus(
    cmid        BLOB    NOT NULL,
    application BLOB    NOT NULL,
    requests    INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    counted_at  INTEGER,
    required    INTEGER NOT NULL,
    PRIMARY KEY(cmid, application)) STRICT, WITHOUT ROWID;

-- Requests (id 12290) and events in the order in which they were taken.
CREATE TABLE journal(
    seq            INTEGER NOT NULL PRIMARY KEY,
    time           INTEGER NOT NULL,
    id             INTEGER NOT NULL,
    machine        TEXT,
    cmid           BLOB,
    -- a request's
    address        BLOB,              -- 4 or 16 octets
    port           INTEGER,
    flags          INTEGER,           -- 1 well-formed, 2 counted, 4 a client row was made or updated
    version        INTEGER,           -- major << 16 | minor
    product        INTEGER,
    guids          BLOB,              -- application, counted ID, activation ID where `product` is 0
    required       INTEGER,
    client_time    INTEGER,           -- FILETIME
    vm_info        INTEGER,
    license_status INTEGER,
    minutes        INTEGER,
    previous_cmid  BLOB,              -- NULL: zero
    result         INTEGER,
    fault          INTEGER,
    count          INTEGER,
    -- an event's; a request's reason is its message
    message        TEXT,
    severity       INTEGER,
    source         TEXT,
    fields         TEXT) STRICT;
)sql"},
    // Who answered.
    {R"sql(
INSERT INTO meta VALUES('identity', random());  -- tells this database from another one

-- Upstreams' names, as a number. Row 0: none, or no room for more.
CREATE TABLE upstream(
    id   INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE) STRICT;
INSERT INTO upstream VALUES(0, '');

ALTER TABLE client ADD COLUMN upstream INTEGER NOT NULL DEFAULT 0;  -- of its latest answer that came from one

-- NULL where no upstream was asked.
ALTER TABLE journal ADD COLUMN upstream INTEGER;
ALTER TABLE journal ADD COLUMN attempts INTEGER;
ALTER TABLE journal ADD COLUMN waited   INTEGER;  -- microseconds
)sql"},
    // Requests in blocks: a row of twenty columns for each cost as much as all else together.
    {R"sql(
-- Requests in the order in which they were taken, many in one row: see compact.h.
CREATE TABLE requests(
    first   INTEGER NOT NULL PRIMARY KEY,  -- number of its first record
    last    INTEGER NOT NULL,              -- and of its last; events may have some in between
    latest  INTEGER NOT NULL,              -- the latest time in it
    count   INTEGER NOT NULL,              -- records
    records BLOB    NOT NULL) STRICT;

-- Events, numbered with the requests.
CREATE TABLE event(
    seq      INTEGER NOT NULL PRIMARY KEY,
    time     INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    machine  TEXT,
    cmid     BLOB,
    message  TEXT,
    severity INTEGER,
    source   TEXT,
    fields   TEXT) STRICT;
)sql",
     rowsToBlocks, R"sql(
INSERT INTO event SELECT seq,time,id,machine,cmid,message,severity,source,fields FROM journal WHERE flags IS NULL;
DROP TABLE journal;
)sql"},
    // A day at a glance, without its journal.
    {R"sql(
-- Requests by minute and by how they ended.
CREATE TABLE minute(
    time     INTEGER NOT NULL PRIMARY KEY,  -- minutes since 1970 UTC
    answered INTEGER NOT NULL,
    short    INTEGER NOT NULL,              -- answered with a count below the client's N-policy
    refused  INTEGER NOT NULL,              -- with an HRESULT
    faulted  INTEGER NOT NULL) STRICT;
)sql",
     minutesFromBlocks},
    // What the appliance asks itself.
    {R"sql(
-- The last request of the self-test: no client's, and nowhere else.
CREATE TABLE own_request(
    id   INTEGER NOT NULL PRIMARY KEY CHECK(id = 1),
    time INTEGER NOT NULL,
    cmid BLOB    NOT NULL) STRICT;
)sql"},
};
static_assert(std::size(kSteps) == static_cast<std::size_t>(kSchemaVersion));

}  // namespace

Result<void> migrate(Connection& connection, std::int64_t to) {
    const std::int64_t id = connection.value("PRAGMA application_id", -1);
    const std::int64_t version = connection.value("PRAGMA user_version", -1);
    const std::int64_t objects = connection.value("SELECT count(*) FROM sqlite_schema", -1);
    if (id < 0 || version < 0 || objects < 0)
        return fail(connection.problem("cannot be read"));
    if (id != kApplicationId && (id != 0 || objects != 0))
        return fail(Code::storage, "database " + connection.path(),
                    "this is another program's file (application_id " + std::to_string(id) + ", ours is " +
                        std::to_string(kApplicationId) + "); move it away or name another directory");
    if (version > kSchemaVersion)
        return fail(Code::incompatible, "database " + connection.path(),
                    "schema version " + std::to_string(version) + ", this Muster knows up to " +
                        std::to_string(kSchemaVersion) +
                        ": start the newer Muster, or restore a backup made by this one");
    for (std::int64_t step = version; step < to; ++step) {
        const Step& now = kSteps[step];
        Result<void> done = connection.execute(("BEGIN IMMEDIATE;" + std::string(now.sql)).c_str());
        if (done && now.convert != nullptr)
            done = now.convert(connection);
        if (done)
            done = connection.execute((std::string(now.afterwards) +
                                       "PRAGMA application_id=" + std::to_string(kApplicationId) +
                                       ";PRAGMA user_version=" + std::to_string(step + 1) + ";COMMIT;")
                                          .c_str());
        if (!done) {
            (void)connection.execute("ROLLBACK");
            return done;
        }
    }
    return {};
}

}  // namespace muster::pool
