#include "pool/reader.h"

#include <algorithm>
#include <chrono>
#include <sqlite3.h>
#include <unordered_map>

#include "pool/numbers.h"

namespace muster::pool {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kSlice{100};
constexpr int kLookAtClock = 256;  // rows between two looks
constexpr std::size_t kMostConnections = 4;

// The key first: scan() goes on by it.
constexpr const char* kKeyColumns = "cmid,application,machine";
constexpr const char* kClientColumns =
    "cmid,application,machine,product,first_seen,last_seen,requests,activated,license_status,minutes,virtual,required,"
    "result,fault,count,counted_at,last_seq,address,addresses,addresses_more,upstream";
constexpr int kProduct = 3, kLastSeen = 5, kStatus = 8, kVirtual = 10, kLatestAddress = 17, kEarlierAddresses = 18,
              kUpstream = 20;

Timestamp timeOf(std::int64_t milliseconds) noexcept {
    return Timestamp(std::chrono::milliseconds(milliseconds));
}

Address addressOf(Octets octets) noexcept {
    Address address;
    if (octets.size() == 4) {
        address.octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
        for (std::size_t i = 0; i < 4; ++i)
            address.octets[12 + i] = std::to_integer<std::uint8_t>(octets[i]);
    } else if (octets.size() == 16) {
        for (std::size_t i = 0; i < 16; ++i)
            address.octets[i] = std::to_integer<std::uint8_t>(octets[i]);
    }
    return address;
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool hasPrefix(std::string_view text, std::string_view prefix) noexcept {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

struct Key {
    std::int64_t lastSeen = 0;
    Guid cmid;
    Guid application;
    std::string machine;
};

/// Whether `a` comes before `b`; no two keys are equal in all parts.
bool comesBefore(ClientOrder order, std::int64_t lastSeenA, std::string_view machineA, const Guid& cmidA,
                 const Guid& applicationA, std::int64_t lastSeenB, std::string_view machineB, const Guid& cmidB,
                 const Guid& applicationB) noexcept {
    if (order == ClientOrder::lastSeen && lastSeenA != lastSeenB)
        return lastSeenA > lastSeenB;
    if (order == ClientOrder::name && machineA != machineB)
        return machineA < machineB;
    if (cmidA != cmidB)
        return cmidA < cmidB;
    if (applicationA != applicationB)
        return applicationA < applicationB;
    return machineA < machineB;
}

std::string hex(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
        out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
    }
    return out;
}

std::string cursorOf(const Client& client) {
    return std::to_string(client.lastSeen.time_since_epoch().count()) + "." + client.cmid.text() + "." +
           client.application.text() + "." + hex(client.machine);
}

std::optional<Key> parseCursor(std::string_view text) {
    Key key;
    std::string_view parts[4];
    for (std::string_view& part : parts) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        part = text.substr(0, dot);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    const auto cmid = Guid::parse(parts[1]);
    const auto application = Guid::parse(parts[2]);
    const bool negative = parts[0].starts_with('-');
    const std::string_view digits = parts[0].substr(negative ? 1 : 0);
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    if (!text.empty() || !cmid || !application || digits.empty() || digits.size() > 18 ||
        !std::all_of(digits.begin(), digits.end(), isDigit) || parts[3].size() % 2 != 0 || parts[3].size() > 512)
        return std::nullopt;
    for (const char digit : digits)
        key.lastSeen = key.lastSeen * 10 + (digit - '0');
    if (negative)
        key.lastSeen = -key.lastSeen;
    key.cmid = *cmid;
    key.application = *application;
    const auto value = [](char c) {
        return isxdigit(static_cast<unsigned char>(c)) == 0 ? -1 : c <= '9' ? c - '0' : lower(c) - 'a' + 10;
    };
    for (std::size_t i = 0; i + 1 < parts[3].size(); i += 2) {
        const int high = value(parts[3][i]);
        const int low = value(parts[3][i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        key.machine.push_back(static_cast<char>(high * 16 + low));
    }
    return key;
}

bool holdsAddress(Statement& row, const Address& wanted) {
    const Octets octets = std::as_bytes(std::span(wanted.octets));
    const auto same = [&](Octets one) { return std::equal(one.begin(), one.end(), octets.begin(), octets.end()); };
    if (same(row.blob(kLatestAddress)))
        return true;
    const Octets earlier = row.blob(kEarlierAddresses);
    for (std::size_t at = 0; at + 16 <= earlier.size(); at += 16)
        if (same(earlier.subspan(at, 16)))
            return true;
    return false;
}

Client clientOf(Statement& row) {
    Client client;
    client.cmid = row.guid(0);
    client.application = row.guid(1);
    client.machine = row.text(2);
    client.firstSeen = timeOf(row.integer(4));
    client.lastSeen = timeOf(row.integer(kLastSeen));
    client.requests = row.integer(6);
    client.activated = row.integer(7) != 0;
    client.licenseStatus = static_cast<std::uint32_t>(row.integer(kStatus));
    client.minutesToExpiry = static_cast<std::uint32_t>(row.integer(9));
    client.isVirtual = row.integer(kVirtual) != 0;
    client.required = static_cast<std::uint32_t>(row.integer(11));
    client.result = static_cast<HResult>(row.integer(12));
    client.fault = static_cast<std::uint32_t>(row.integer(13));
    client.count = static_cast<std::uint32_t>(row.integer(14));
    if (!row.isNull(15))
        client.countedAt = timeOf(row.integer(15));
    client.lastSeq = static_cast<std::uint64_t>(row.integer(16));
    client.addresses.push_back(addressOf(row.blob(kLatestAddress)));
    const Octets earlier = row.blob(kEarlierAddresses);
    for (std::size_t at = earlier.size() / 16 * 16; at >= 16; at -= 16)
        client.addresses.push_back(addressOf(earlier.subspan(at - 16, 16)));
    client.moreAddresses = row.integer(19);
    return client;
}

/// A client with what its row has as numbers.
Client clientOf(Statement& row, const Numbers& numbers) {
    Client client = clientOf(row);
    const Numbers::Product product = numbers.product(row.integer(kProduct));
    client.counted = product.counted;
    client.sku = product.sku;
    if (const std::string* upstream = numbers.upstream(row.integer(kUpstream)))
        client.upstream = *upstream;
    return client;
}

/// The rows of one CMID, while they pass.
struct OneCmid {
    bool any = false;
    Guid cmid;
    std::string name;  ///< of its first row
    bool isShared = false;
    std::vector<Client> waiting;  ///< wanted otherwise
};

bool sameText(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && hasPrefix(a, b);
}

}  // namespace

Result<std::unique_ptr<Connection>> Reader::acquire() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto connection = std::move(idle_.back());
            idle_.pop_back();
            return connection;
        }
        if (suspended_)
            return fail(Code::storage, "database " + files_.path(), "it is being put back; ask again in a moment");
    }
    return files_.connect(Connection::Use::read);
}

void Reader::release(std::unique_ptr<Connection> connection, std::uint64_t age) noexcept {
    const std::lock_guard lock(mutex_);
    if (age == age_ && idle_.size() < kMostConnections)
        idle_.push_back(std::move(connection));
}

Result<void> Reader::scan(const char* columns, const Guid& fromCmid, const std::function<bool(Statement&)>& row) {
    auto connection = acquire();
    if (!connection)
        return fail(connection.error());
    const Lease lease(*this, std::move(*connection));
    auto rows = lease->prepare(std::string("SELECT ") + columns +
                               " FROM client WHERE (cmid,application,machine)>(?1,?2,?3) "
                               "ORDER BY cmid,application,machine");
    if (!rows)
        return fail(rows.error());
    // An empty blob comes before every application.
    std::string cmid(reinterpret_cast<const char*>(fromCmid.octets.data()), fromCmid.octets.size());
    std::string application;
    std::string machine;
    for (;;) {
        rows->bind(1, std::as_bytes(std::span(cmid)));
        rows->bind(2, std::as_bytes(std::span(application)));
        rows->bind(3, std::string_view(machine));
        const Resetting reset(*rows);
        const auto end = Clock::now() + kSlice;
        bool more = false;
        for (int seen = 1; rows->step(); ++seen) {
            if (!row(*rows))
                return {};
            if (seen % kLookAtClock == 0 && Clock::now() >= end) {
                const auto copy = [](Octets octets) {
                    return std::string(reinterpret_cast<const char*>(octets.data()), octets.size());
                };
                cmid = copy(rows->blob(0));
                application = copy(rows->blob(1));
                machine = rows->text(2);
                more = true;
                break;
            }
        }
        if (!more)
            return rows->code() == SQLITE_DONE ? Result<void>() : Result<void>(fail(lease->problem("cannot read")));
    }
}

Result<ClientPage> Reader::clients(const ClientQuery& query) {
    std::optional<Key> after;
    if (!query.cursor.empty()) {
        after = parseCursor(query.cursor);
        if (!after)
            return fail(Code::malformed, "cursor", "\"" + query.cursor + "\" is none that this list gave");
    }
    std::optional<Address> address;
    if (!query.address.empty()) {
        address = Address::parse(query.address.find(':') == std::string::npos ? query.address + ":0"
                                                                              : "[" + query.address + "]:0");
        if (!address)
            return fail(Code::malformed, "address", "\"" + query.address + "\" is no IPv4 or IPv6 address");
    }
    Numbers numbers;
    {
        auto connection = acquire();
        if (!connection)
            return fail(connection.error());
        const Lease lease(*this, std::move(*connection));
        auto loaded = loadNumbers(*lease);
        if (!loaded)
            return fail(loaded.error());
        numbers = std::move(*loaded);
    }
    const auto isWantedUpstream = [&](std::int64_t id) {
        const std::string* name = numbers.upstream(id);
        return name != nullptr && sameText(*name, query.upstream);
    };
    const std::size_t wanted = std::clamp<std::size_t>(query.limit, 1, 10'000) + 1;
    const auto sooner = [&](const Client& a, const Client& b) {
        return comesBefore(query.order, a.lastSeen.time_since_epoch().count(), a.machine, a.cmid, a.application,
                           b.lastSeen.time_since_epoch().count(), b.machine, b.cmid, b.application);
    };
    std::vector<Client> best;  // a heap while it grows: the last one in front
    const auto take = [&](Client client) {
        if (best.size() == wanted) {
            if (!sooner(client, best.front()))
                return;
            std::pop_heap(best.begin(), best.end(), sooner);
            best.pop_back();
        }
        best.push_back(std::move(client));
        std::push_heap(best.begin(), best.end(), sooner);
    };
    // Whether a CMID is shared shows at its second name, or at its end: until then its rows wait, one for each
    // application.
    OneCmid group;
    const auto endOfCmid = [&] {
        if (query.sharesCmid == false && !group.isShared)
            for (Client& client : group.waiting)
                take(std::move(client));
        group = {};
    };
    const auto pass = [&](Statement& row) {
        const Guid cmid = row.guid(0);
        if (!group.any || cmid != group.cmid) {
            endOfCmid();
            group.any = true;
            group.cmid = cmid;
            group.name = row.text(2);
        } else if (!group.isShared && row.text(2) != group.name) {
            group.isShared = true;
            if (*query.sharesCmid)
                for (Client& client : group.waiting)
                    take(std::move(client));
            group.waiting.clear();
        }
    };
    const auto look = [&](Statement& row) {
        if (query.sharesCmid)
            pass(row);
        const std::int64_t lastSeen = row.integer(kLastSeen);
        const std::string_view machine = row.text(2);
        if (query.seenSince && timeOf(lastSeen) < *query.seenSince)
            return true;
        if (query.licenseStatus && row.integer(kStatus) != std::int64_t{*query.licenseStatus})
            return true;
        if (query.isVirtual && (row.integer(kVirtual) != 0) != *query.isVirtual)
            return true;
        if (!hasPrefix(machine, query.machinePrefix))
            return true;
        const Guid cmid = row.guid(0);
        const Guid application = row.guid(1);
        if (!query.cmidPrefix.empty() && !hasPrefix(cmid.text(), query.cmidPrefix))
            return true;
        if (after && !comesBefore(query.order, after->lastSeen, after->machine, after->cmid, after->application,
                                  lastSeen, machine, cmid, application))
            return true;
        if (query.counted && numbers.product(row.integer(kProduct)).counted != *query.counted)
            return true;
        if (address && !holdsAddress(row, *address))
            return true;
        if (!query.upstream.empty() && !isWantedUpstream(row.integer(kUpstream)))
            return true;
        if (query.sharesCmid && !group.isShared) {
            group.waiting.push_back(clientOf(row, numbers));
            return true;
        }
        if (query.sharesCmid == false)
            return true;
        if (best.size() == wanted) {
            const Client& last = best.front();
            if (!comesBefore(query.order, lastSeen, machine, cmid, application,
                             last.lastSeen.time_since_epoch().count(), last.machine, last.cmid, last.application))
                return true;
        }
        take(clientOf(row, numbers));
        return query.order != ClientOrder::cmid || best.size() < wanted;
    };
    const Guid from = query.order == ClientOrder::cmid && after ? after->cmid : Guid{};
    if (auto done = scan(kClientColumns, from, look); !done)
        return fail(done.error());
    endOfCmid();
    std::sort_heap(best.begin(), best.end(), sooner);
    ClientPage page;
    if (best.size() == wanted) {
        best.pop_back();
        page.next = cursorOf(best.back());
    }
    page.clients = std::move(best);
    return page;
}

Result<std::vector<Client>> Reader::client(const Guid& cmid) {
    auto connection = acquire();
    if (!connection)
        return fail(connection.error());
    const Lease lease(*this, std::move(*connection));
    const auto numbers = loadNumbers(*lease);
    if (!numbers)
        return fail(numbers.error());
    auto rows = lease->prepare(std::string("SELECT ") + kClientColumns + " FROM client WHERE cmid=?1");
    if (!rows)
        return fail(rows.error());
    rows->bind(1, cmid);
    std::vector<Client> clients;
    while (rows->step()) {
        clients.push_back(clientOf(*rows, *numbers));
    }
    if (rows->code() != SQLITE_DONE)
        return fail(lease->problem("cannot read"));
    return clients;
}

Result<std::vector<CountedClient>> Reader::counted(const Guid& application, Timestamp since, std::size_t limit) {
    struct Latest {
        std::int64_t counted;
        std::uint32_t required;
    };
    std::unordered_map<Guid, Latest, GuidHash> surplus;
    {
        auto connection = acquire();
        if (!connection)
            return fail(connection.error());
        const Lease lease(*this, std::move(*connection));
        auto rows = lease->prepare(
            "SELECT cmid,counted_at,required FROM surplus WHERE application=?1 AND counted_at IS NOT NULL");
        if (!rows)
            return fail(rows.error());
        rows->bind(1, application);
        while (rows->step())
            surplus[rows->guid(0)] = {rows->integer(1), static_cast<std::uint32_t>(rows->integer(2))};
    }
    const std::size_t wanted = std::clamp<std::size_t>(limit, 1, 10'000);
    const auto newer = [](const CountedClient& a, const CountedClient& b) {
        return a.counted != b.counted ? a.counted > b.counted : a.cmid < b.cmid;
    };
    std::vector<CountedClient> best;
    CountedClient current;
    bool any = false;
    const auto take = [&] {
        if (!any)
            return;
        if (const auto more = surplus.find(current.cmid);
            more != surplus.end() && timeOf(more->second.counted) > current.counted) {
            current.counted = timeOf(more->second.counted);
            current.requiredClients = more->second.required;
        }
        any = false;
        if (current.counted < since || (best.size() == wanted && !newer(current, best.front())))
            return;
        if (best.size() == wanted) {
            std::pop_heap(best.begin(), best.end(), newer);
            best.pop_back();
        }
        best.push_back(current);
        std::push_heap(best.begin(), best.end(), newer);
    };
    const auto look = [&](Statement& row) {
        if (row.isNull(3) || row.guid(1) != application)
            return true;
        const Guid cmid = row.guid(0);
        const Timestamp when = timeOf(row.integer(3));
        if (any && cmid == current.cmid) {
            if (when > current.counted) {
                current.counted = when;
                current.requiredClients = static_cast<std::uint32_t>(row.integer(4));
            }
            return true;
        }
        take();
        current = {cmid, when, static_cast<std::uint32_t>(row.integer(4))};
        any = true;
        return true;
    };
    if (auto done = scan("cmid,application,machine,counted_at,required", Guid{}, look); !done)
        return fail(done.error());
    take();
    std::sort_heap(best.begin(), best.end(), newer);
    return best;
}

Result<std::vector<Pool::Application>> Reader::applications() {
    std::vector<Pool::Application> all;
    const auto look = [&](Statement& row) {
        if (row.isNull(3))
            return true;
        const Guid id = row.guid(1);
        const auto required = static_cast<std::uint32_t>(row.integer(4));
        for (Pool::Application& one : all)
            if (one.id == id) {
                one.largestRequired = std::max(one.largestRequired, required);
                return true;
            }
        if (all.size() < 1000)
            all.push_back({id, required});
        return true;
    };
    if (auto done = scan("cmid,application,machine,counted_at,required", Guid{}, look); !done)
        return fail(done.error());
    return all;
}

Result<void> Reader::keys(const std::function<bool(const Guid&, const Guid&)>& each) {
    return scan(kKeyColumns, Guid{}, [&](Statement& row) { return each(row.guid(1), row.guid(0)); });
}

Result<std::optional<OwnRequest>> Reader::ownRequest() {
    auto connection = acquire();
    if (!connection)
        return fail(connection.error());
    const Lease lease(*this, std::move(*connection));
    auto row = lease->prepare("SELECT time,cmid FROM own_request");
    if (!row)
        return fail(row.error());
    if (row->step())
        return OwnRequest{timeOf(row->integer(0)), row->guid(1)};
    if (row->code() != SQLITE_DONE)
        return fail(lease->problem("cannot read"));
    return std::nullopt;
}

}  // namespace muster::pool
