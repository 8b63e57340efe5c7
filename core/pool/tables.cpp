#include "pool/tables.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <sqlite3.h>

namespace muster::pool {

namespace {

constexpr std::size_t kAddressSize = 16;
constexpr std::uint32_t kLicensed = 1;  // licence status as Windows numbers it

std::int64_t milliseconds(Timestamp time) noexcept {
    return time.time_since_epoch().count();
}

Octets addressOctets(const Address& address) noexcept {
    return std::as_bytes(std::span(address.octets));
}

/// Whether `list` holds `address`, and where.
std::size_t findAddress(Octets list, Octets address) noexcept {
    for (std::size_t at = 0; at + kAddressSize <= list.size(); at += kAddressSize)
        if (std::memcmp(list.data() + at, address.data(), kAddressSize) == 0)
            return at;
    return list.size();
}

Octets blobOf(sqlite3_value* value) noexcept {
    const auto* data = static_cast<const std::byte*>(sqlite3_value_blob(value));
    return data ? Octets(data, static_cast<std::size_t>(sqlite3_value_bytes(value))) : Octets();
}

/// muster_addresses(earlier, latest, next): the earlier addresses once `next` is the latest.
void mergeAddresses(sqlite3_context* context, int, sqlite3_value** arguments) {
    const Octets earlier = blobOf(arguments[0]);
    const Octets latest = blobOf(arguments[1]);
    const Octets next = blobOf(arguments[2]);
    if (latest.size() != kAddressSize || next.size() != kAddressSize) {
        sqlite3_result_value(context, arguments[0]);
        return;
    }
    std::array<std::byte, kAddressSize*(kAddressesPerClient + 1)> out{};
    const Octets kept = earlier.first(std::min(earlier.size() / kAddressSize, kAddressesPerClient - 1) * kAddressSize);
    const std::size_t at = findAddress(kept, next);
    std::size_t size = 0;
    const auto add = [&](Octets octets) {
        if (!octets.empty())
            std::memcpy(out.data() + size, octets.data(), octets.size());
        size += octets.size();
    };
    add(kept.first(at));
    if (at < kept.size())
        add(kept.subspan(at + kAddressSize));
    if (size < (kAddressesPerClient - 1) * kAddressSize)
        add(latest);
    sqlite3_result_blob(context, out.data(), static_cast<int>(size), SQLITE_TRANSIENT);
}

/// muster_crowded(earlier, next): 1 if `next` is new and there is no room for it.
void crowded(sqlite3_context* context, int, sqlite3_value** arguments) {
    const Octets earlier = blobOf(arguments[0]);
    const Octets next = blobOf(arguments[1]);
    const bool full = next.size() == kAddressSize && earlier.size() >= (kAddressesPerClient - 1) * kAddressSize &&
                      findAddress(earlier, next) == earlier.size();
    sqlite3_result_int(context, full ? 1 : 0);
}

std::uint64_t head(const Guid& guid) noexcept {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i)
        out = out << 8 | std::to_integer<std::uint64_t>(guid.octets[i]);
    return out;
}

/// Equal for one client; for two of one head nearly never. When it is, their rows are written in smaller groups.
std::uint64_t tail(const ActivationRequest& request) noexcept {
    std::uint64_t parts[4];
    std::memcpy(parts, request.cmid.octets.data() + 8, 8);
    std::memcpy(parts + 1, request.application.octets.data(), 16);
    parts[3] = std::hash<std::string_view>()(request.machine.view());
    std::uint64_t out = 0;
    for (const std::uint64_t part : parts)
        out = std::rotl((out ^ part) * 0x9e3779b97f4a7c15U, 29);
    return out;
}

bool sameClient(const RequestRecord& a, const RequestRecord& b) noexcept {
    return a.request.cmid == b.request.cmid && a.request.application == b.request.application &&
           a.request.machine.view() == b.request.machine.view();
}

bool hasClientRow(const RequestRecord& record) noexcept {
    return record.wellFormed && record.fresh && !record.request.isOpaque();
}

}  // namespace

Result<std::unique_ptr<Tables>> Tables::open(Connection& connection) {
    std::unique_ptr<Tables> tables(new Tables(connection));
    constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    sqlite3_create_function_v2(connection.handle(), "muster_addresses", 3, flags, nullptr, mergeAddresses, nullptr,
                               nullptr, nullptr);
    sqlite3_create_function_v2(connection.handle(), "muster_crowded", 2, flags, nullptr, crowded, nullptr, nullptr,
                               nullptr);
    if (auto prepared = tables->prepare(); !prepared)
        return fail(prepared.error());
    if (auto loaded = tables->loadNumbers(); !loaded)
        return fail(loaded.error());
    tables->applied_ = static_cast<std::uint64_t>(connection.value("SELECT value FROM meta WHERE name='applied'", 0));
    return tables;
}

Result<void> Tables::prepare() {
    const struct {
        Statement& statement;
        const char* sql;
    } all[] = {
        {begin_, "BEGIN IMMEDIATE"},
        {commit_, "COMMIT"},
        {rollback_, "ROLLBACK"},
        {position_, "UPDATE meta SET value=?1 WHERE name='applied'"},
        {insertBlock_, "INSERT OR REPLACE INTO requests(first,last,latest,count,records) VALUES(?1,?2,?3,?4,?5)"},
        {insertEvent_,
         "INSERT OR REPLACE INTO event(seq,time,id,machine,cmid,message,severity,source,fields) "
         "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"},
        {insertProduct_, "INSERT INTO product(id,application,counted,sku) VALUES(?1,?2,?3,?4)"},
        {insertUpstream_, "INSERT INTO upstream(id,name) VALUES(?1,?2)"},
        {updateClient_,
         "UPDATE client SET product=?4,last_seen=?5,requests=requests+?6,activated=activated|?7,license_status=?8,"
         "minutes=?9,virtual=?10,required=?11,result=?12,fault=?13,count=?14,counted_at=ifnull(?15,counted_at),"
         "last_seq=?16,upstream=ifnull(?18,upstream),"
         "addresses_more=addresses_more+CASE WHEN address=?17 THEN 0 ELSE muster_crowded(addresses,?17) END,"
         "addresses=CASE WHEN address=?17 THEN addresses ELSE muster_addresses(addresses,address,?17) END,address=?17 "
         "WHERE cmid=?1 AND application=?2 AND machine=?3"},
        {insertClient_,
         "INSERT INTO client(cmid,application,machine,product,first_seen,last_seen,requests,activated,license_status,"
         "minutes,virtual,required,result,fault,count,counted_at,last_seq,address,addresses,addresses_more,upstream) "
         "VALUES(?1,?2,?3,?4,?19,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,NULL,0,ifnull(?18,0))"},
        {countNames_, "SELECT count(*) FROM (SELECT 1 FROM client WHERE cmid=?1 AND application=?2 LIMIT ?3)"},
        {updateSurplus_,
         "UPDATE surplus SET requests=requests+?3,last_seen=?4,counted_at=ifnull(?5,counted_at),required=?6 "
         "WHERE cmid=?1 AND application=?2"},
        {insertSurplus_,
         "INSERT INTO surplus(cmid,application,requests,last_seen,counted_at,required) VALUES(?1,?2,?3,?4,?5,?6)"},
        {retireClient_, "UPDATE client SET counted_at=NULL WHERE cmid=?1 AND application=?2 AND counted_at<=?3"},
        {retireSurplus_, "UPDATE surplus SET counted_at=NULL WHERE cmid=?1 AND application=?2 AND counted_at<=?3"},
        {addTotal_, "UPDATE meta SET value=value+?1 WHERE name=?2"},
        {countApplications_, "SELECT count(DISTINCT application) FROM client WHERE cmid=?1"},
        {removeClients_, "DELETE FROM client WHERE cmid=?1"},
        {addMinute_, MinuteTally::kUpsert},
        {removeSurplus_, "DELETE FROM surplus WHERE cmid=?1"},
        {keepOwn_, "INSERT OR REPLACE INTO own_request(id,time,cmid) VALUES(1,?1,?2)"},
    };
    for (const auto& [statement, sql] : all) {
        auto prepared = connection_.prepare(sql);
        if (!prepared)
            return fail(prepared.error());
        statement = std::move(*prepared);
    }
    return {};
}

Result<void> Tables::loadNumbers() {
    products_.clear();
    lastProductId_ = -1;
    auto all = connection_.prepare("SELECT id,application,counted,sku FROM product WHERE id>0");
    if (!all)
        return fail(all.error());
    while (all->step())
        products_.emplace(ProductKey{all->guid(1), all->guid(2), all->guid(3)}, all->integer(0));
    upstreams_.clear();
    lastUpstream_.clear();
    lastUpstreamId_ = 0;
    auto names = connection_.prepare("SELECT id,name FROM upstream WHERE id>0");
    if (!names)
        return fail(names.error());
    while (names->step())
        upstreams_.emplace(names->text(1), names->integer(0));
    return {};
}

std::int64_t Tables::upstream(std::string_view name) {
    if (name == lastUpstream_)
        return lastUpstreamId_;
    std::int64_t id = 0;
    std::string key(name);
    if (name.empty()) {
        // No host answered: row 0 has this very name.
    } else if (const auto at = upstreams_.find(key); at != upstreams_.end()) {
        id = at->second;
    } else if (upstreams_.size() < kMaxUpstreams) {
        id = static_cast<std::int64_t>(upstreams_.size()) + 1;
        insertUpstream_.bind(1, id);
        insertUpstream_.bind(2, name);
        if (!insertUpstream_.run())
            return -1;
        upstreams_.emplace(key, id);
    }
    lastUpstream_ = std::move(key);
    lastUpstreamId_ = id;
    return id;
}

std::int64_t Tables::product(const ActivationRequest& request) {
    const ProductKey key{request.application, request.counted, request.sku};
    if (lastProductId_ >= 0 && key == lastProduct_)
        return lastProductId_;
    std::int64_t id = 0;
    if (key == ProductKey{}) {
        // Nobody said which: a malformed or an opaque request. Row 0 has these very identifiers.
    } else if (const auto at = products_.find(key); at != products_.end()) {
        id = at->second;
    } else if (products_.size() < kMaxProducts) {
        id = static_cast<std::int64_t>(products_.size()) + 1;
        insertProduct_.bind(1, id);
        insertProduct_.bind(2, request.application);
        insertProduct_.bind(3, request.counted);
        insertProduct_.bind(4, request.sku);
        if (!insertProduct_.run())
            return -1;
        products_.emplace(key, id);
    }
    lastProduct_ = key;
    lastProductId_ = id;
    return id;
}

Result<void> Tables::apply(std::span<const Piece> pieces, std::uint64_t applied, bool durable) {
    if (durable)
        if (auto set = connection_.execute("PRAGMA synchronous=FULL"); !set)
            return fail(set.error());
    Result<void> done;
    if (!begin_.run()) {
        done = fail(connection_.problem("cannot begin"));
    } else {
        done = applyAll(pieces);
        if (done) {
            position_.bind(1, static_cast<std::int64_t>(applied));
            bool noted = position_.run();
            if (durable) {
                // SQLite does not write a page that would stay as it is, and does not sync when it wrote none: this
                // one always changes.
                addTotal_.bind(1, std::int64_t{1});
                addTotal_.bind(2, std::string_view("synced"));
                noted = noted && addTotal_.run();
            }
            if (!noted)
                done = fail(connection_.problem("cannot note the position"));
        }
        if (done && !commit_.run())
            done = fail(connection_.problem("cannot commit"));
        if (!done) {
            rollback_.run();  // SQLite may have done so itself: then this fails, and means nothing
            (void)loadNumbers();
        }
    }
    if (durable)
        (void)connection_.execute("PRAGMA synchronous=NORMAL");
    if (done)
        applied_ = applied;
    return done;
}

Result<void> Tables::applyAll(std::span<const Piece> pieces) {
    touched_.clear();
    retiring_.clear();
    block_.clear();
    minutes_.clear();
    added_ = {};
    newMachines_ = newClients_ = 0;
    bool good = true;
    for (const Piece& piece : pieces) {
        std::uint64_t seq = piece.first;
        for (const RequestRecord& record : piece.requests)
            good = good && addRequest(record, seq++);
        if (piece.note) {
            if (const auto* event = std::get_if<StoredEvent>(piece.note.get()))
                good = good && addEvent(*event, seq);
            else if (const auto* removal = std::get_if<Removal>(piece.note.get()))
                good = good && flushClients() && remove(*removal);
            else
                good = good && keepOwn(std::get<OwnRequest>(*piece.note));
        }
    }
    if (!good || !writeBlock() || !flushClients() || !writeTotals() || !minutes_.write(addMinute_))
        return fail(connection_.problem("cannot write"));
    return {};
}

bool Tables::addRequest(const RequestRecord& record, std::uint64_t seq) {
    const ActivationRequest& request = record.request;
    const std::int64_t productId = product(request);
    const std::int64_t upstreamId = upstream(record.upstream);
    if (productId < 0 || upstreamId < 0)
        return false;
    addTo(added_, record);
    minutes_.add(record);
    if (hasClientRow(record)) {
        touched_.push_back({&record, seq, productId, upstreamId, head(request.cmid), tail(request)});
        if (namesPrevious(record))
            retiring_.push_back(&record);
    }
    block_.add(seq, record, {static_cast<std::uint64_t>(productId), static_cast<std::uint64_t>(upstreamId)});
    return !block_.full() || writeBlock();
}

bool Tables::writeBlock() {
    if (block_.empty())
        return true;
    insertBlock_.bind(1, static_cast<std::int64_t>(block_.first()));
    insertBlock_.bind(2, static_cast<std::int64_t>(block_.last()));
    insertBlock_.bind(3, block_.latest());
    insertBlock_.bind(4, static_cast<std::int64_t>(block_.records()));
    insertBlock_.bind(5, block_.octets());
    const bool written = insertBlock_.run();
    block_.clear();
    return written;
}

bool Tables::addEvent(const StoredEvent& event, std::uint64_t seq) {
    Statement& to = insertEvent_;
    to.bind(1, static_cast<std::int64_t>(seq));
    to.bind(2, milliseconds(event.when));
    to.bind(3, std::int64_t{event.id});
    if (event.machine.empty())
        to.bindNull(4);
    else
        to.bind(4, std::string_view(event.machine));
    if (event.cmid.isZero())
        to.bindNull(5);
    else
        to.bind(5, event.cmid);
    to.bind(6, std::string_view(event.message));
    to.bind(7, std::int64_t{static_cast<std::uint8_t>(event.severity)});
    to.bind(8, std::string_view(event.source));
    to.bind(9, std::string_view(event.fields));
    return to.run();
}

bool Tables::keepOwn(const OwnRequest& own) {
    keepOwn_.bind(1, milliseconds(own.when));
    keepOwn_.bind(2, own.cmid);
    return keepOwn_.run();
}

bool Tables::remove(const Removal& removal) {
    countApplications_.bind(1, removal.cmid);
    if (!countApplications_.step()) {
        countApplications_.reset();
        return false;
    }
    const std::int64_t applications = countApplications_.integer(0);
    countApplications_.reset();
    removeClients_.bind(1, removal.cmid);
    removeSurplus_.bind(1, removal.cmid);
    if (!removeClients_.run())
        return false;
    newMachines_ -= connection_.changes();
    newClients_ -= applications;
    return removeSurplus_.run();
}

bool Tables::writeTotals() {
    static constexpr const char* kStatus[] = {"status0", "status1", "status2", "status3",
                                              "status4", "status5", "status6"};
    const auto add = [this](std::int64_t more, const char* name) {
        if (more == 0)
            return true;
        addTotal_.bind(1, more);
        addTotal_.bind(2, std::string_view(name));
        return addTotal_.run();
    };
    bool good = add(static_cast<std::int64_t>(added_.requests), "requests") &&
                add(static_cast<std::int64_t>(added_.failed), "failed") && add(newMachines_, "machines") &&
                add(newClients_, "clients");
    for (std::size_t i = 0; i < added_.byLicenseStatus.size(); ++i)
        good = good && add(static_cast<std::int64_t>(added_.byLicenseStatus[i]), kStatus[i]);
    return good;
}

Totals Tables::totals() {
    Totals totals;
    const auto value = [this](const std::string& name) {
        return static_cast<std::uint64_t>(connection_.value("SELECT value FROM meta WHERE name='" + name + "'", 0));
    };
    totals.requests = value("requests");
    totals.failed = value("failed");
    totals.machines = value("machines");
    totals.clients = value("clients");
    for (std::size_t i = 0; i < totals.byLicenseStatus.size(); ++i)
        totals.byLicenseStatus[i] = value("status" + std::to_string(i));
    return totals;
}

bool Tables::flushClients() {
    // In the order of the key: neighbours share a page, and one client's requests become one row written once.
    std::sort(touched_.begin(), touched_.end(), [](const Touch& a, const Touch& b) {
        return a.head != b.head ? a.head < b.head : a.tail != b.tail ? a.tail < b.tail : a.seq < b.seq;
    });
    const std::span<const Touch> all(touched_);
    std::size_t from = 0;
    while (from < all.size()) {
        std::size_t to = from + 1;
        while (to < all.size() && sameClient(*all[from].record, *all[to].record) &&
               all[from].record->source.octets == all[to].record->source.octets)
            ++to;
        if (!writeClient(all.subspan(from, to - from)))
            return false;
        from = to;
    }
    for (const RequestRecord* record : retiring_)
        if (!retirePrevious(*record))
            return false;
    touched_.clear();
    retiring_.clear();
    return true;
}

bool Tables::namesPrevious(const RequestRecord& record) noexcept {
    const ActivationRequest& request = record.request;
    return record.counted && !request.previousCmid.isZero() && request.previousCmid != request.cmid;
}

bool Tables::retirePrevious(const RequestRecord& record) {
    const ActivationRequest& request = record.request;
    for (Statement* to : {&retireClient_, &retireSurplus_}) {
        to->bind(1, request.previousCmid);
        to->bind(2, request.application);
        to->bind(3, milliseconds(record.received));
        if (!to->run())
            return false;
    }
    return true;
}

bool Tables::writeClient(std::span<const Touch> group) {
    const Touch& latest = group.back();
    const RequestRecord& record = *latest.record;
    const ActivationRequest& request = record.request;
    std::int64_t countedAt = -1;
    bool activated = false;
    std::int64_t upstreamId = 0;
    for (const Touch& touch : group) {
        const RequestRecord& one = *touch.record;
        if (touch.upstream != 0)
            upstreamId = touch.upstream;
        if (one.counted)
            countedAt = milliseconds(one.received);
        activated = activated || one.request.licenseStatus == kLicensed ||
                    (one.result == HResult::ok && one.fault == 0 && one.count >= one.request.requiredClients);
    }
    for (Statement* to : {&updateClient_, &insertClient_}) {
        to->bind(1, request.cmid);
        to->bind(2, request.application);
        to->bind(3, request.machine.view());
        to->bind(4, latest.product);
        to->bind(5, milliseconds(record.received));
        to->bind(6, static_cast<std::int64_t>(group.size()));
        to->bind(7, std::int64_t{activated ? 1 : 0});
        to->bind(8, std::int64_t{request.licenseStatus});
        to->bind(9, std::int64_t{request.minutesToExpiry});
        to->bind(10, std::int64_t{request.isVirtual() ? 1 : 0});
        to->bind(11, std::int64_t{request.requiredClients});
        to->bind(12, std::int64_t{static_cast<std::uint32_t>(record.result)});
        to->bind(13, std::int64_t{record.fault});
        to->bind(14, std::int64_t{record.count});
        if (countedAt >= 0)
            to->bind(15, countedAt);
        else
            to->bindNull(15);
        to->bind(16, static_cast<std::int64_t>(latest.seq));
        to->bind(17, addressOctets(record.source));
        if (upstreamId != 0)
            to->bind(18, upstreamId);
        else
            to->bindNull(18);
        if (to == &updateClient_) {
            if (!to->run())
                return false;
            if (connection_.changes() > 0)
                return true;
        }
    }
    insertClient_.bind(19, milliseconds(group.front().record->received));
    return addClient(group, countedAt);
}

bool Tables::addClient(std::span<const Touch> group, std::int64_t countedAt) {
    const RequestRecord& record = *group.back().record;
    const Guid& cmid = record.request.cmid;
    const Guid& application = record.request.application;
    const auto surplus = [&](Statement& to) {
        to.bind(1, cmid);
        to.bind(2, application);
        to.bind(3, static_cast<std::int64_t>(group.size()));
        to.bind(4, milliseconds(record.received));
        if (countedAt >= 0)
            to.bind(5, countedAt);
        else
            to.bindNull(5);
        to.bind(6, std::int64_t{record.request.requiredClients});
        return to.run();
    };
    if (!surplus(updateSurplus_))
        return false;
    if (connection_.changes() > 0)
        return true;
    countNames_.bind(1, cmid);
    countNames_.bind(2, application);
    countNames_.bind(3, kNamesPerCmid);
    const bool counted = countNames_.step();
    const std::int64_t names = counted ? countNames_.integer(0) : 0;
    countNames_.reset();
    if (!counted)
        return false;
    if (names >= kNamesPerCmid)
        return surplus(insertSurplus_);
    ++newMachines_;
    newClients_ += names == 0 ? 1 : 0;
    return insertClient_.run();
}

}  // namespace muster::pool
