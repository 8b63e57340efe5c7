#include <algorithm>
#include <chrono>
#include <sqlite3.h>
#include <unordered_map>

#include "pool/numbers.h"
#include "pool/reader.h"

namespace muster::pool {

namespace {

constexpr std::chrono::hours kCountedFor{24 * 30};

Timestamp timeOf(std::int64_t milliseconds) noexcept {
    return Timestamp(std::chrono::milliseconds(milliseconds));
}

}  // namespace

Result<History> Reader::history(Timestamp since, std::chrono::minutes width) {
    constexpr std::int64_t kMinute = 60'000;
    constexpr std::int64_t kMost = 10'000;
    auto connection = acquire();
    if (!connection)
        return fail(connection.error());
    const Lease lease(*this, std::move(*connection));
    History history;
    if (const std::int64_t first = lease->value("SELECT ifnull(min(time),-1) FROM minute", -1); first >= 0)
        history.begins = timeOf(first * kMinute);
    auto rows = lease->prepare(
        "SELECT time/?2*?2 AS begin,sum(answered),sum(short),sum(refused),sum(faulted) FROM minute "
        "WHERE time>=?1/?2*?2 GROUP BY begin ORDER BY begin DESC LIMIT ?3");
    if (!rows)
        return fail(rows.error());
    rows->bind(1, since.time_since_epoch().count() / kMinute);
    rows->bind(2, std::int64_t{width.count()});
    rows->bind(3, kMost);
    while (rows->step()) {
        Stretch stretch{timeOf(rows->integer(0) * kMinute)};
        for (std::size_t ending = 0; ending < kEndings; ++ending)
            stretch.counts[ending] = static_cast<std::uint64_t>(rows->integer(static_cast<int>(ending) + 1));
        history.stretches.push_back(stretch);
    }
    if (rows->code() != SQLITE_DONE)
        return fail(lease->problem("cannot read the history"));
    std::reverse(history.stretches.begin(), history.stretches.end());
    return history;
}

Result<PoolSum> Reader::sum(Timestamp now) {
    PoolSum sum;
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
        sum.surplus = static_cast<std::uint64_t>(lease->value("SELECT sum(requests) FROM surplus", 0));
    }
    // Activation IDs of one counted ID are one line.
    std::unordered_map<std::int64_t, std::size_t> lineOf;
    for (const auto& [id, entry] : numbers.products) {
        const auto at = std::find_if(sum.products.begin(), sum.products.end(), [&, &e = entry](const ProductSum& line) {
            return line.application == e.application && line.counted == e.counted;
        });
        lineOf[id] = static_cast<std::size_t>(at - sum.products.begin());
        if (at == sum.products.end())
            sum.products.push_back({.application = entry.application, .counted = entry.counted});
    }
    std::vector<std::int64_t> upstreams(sum.products.size());  // of the one that was seen last
    Guid cmid;
    std::uint64_t names = 0;
    std::vector<std::size_t> lines;    // that this CMID was seen in
    std::vector<std::size_t> counted;  // and counted in
    const auto endOfCmid = [&] {
        if (names == 0)
            return;
        ++sum.cmids;
        if (names > 1) {
            ++sum.duplicateCmids;
            sum.duplicateMachines += names;
        }
        for (const std::size_t line : lines)
            ++sum.products[line].cmids;
        for (const std::size_t line : counted)
            ++sum.products[line].countedCmids;
        lines.clear();
        counted.clear();
        names = 0;
    };
    std::string machine;
    const auto look = [&](Statement& row) {
        const Guid next = row.guid(0);
        if (next != cmid) {
            endOfCmid();
            cmid = next;
            machine.clear();
        }
        // One machine in two applications (Windows and another) has one CMID each or the same: one name is no clone.
        if (names == 0 || row.text(2) != machine) {
            ++names;
            machine = row.text(2);
        }
        ++sum.machines;
        const auto at = lineOf.find(row.integer(3));
        const bool isVirtual = row.integer(4) != 0;
        sum.virtualMachines += isVirtual ? 1 : 0;
        // A client says what it likes: no more lines than there are statuses.
        if (const auto status = static_cast<std::size_t>(row.integer(6)); status < sum.statuses.size())
            ++sum.statuses[status];
        if (at == lineOf.end())
            return true;
        ProductSum& line = sum.products[at->second];
        ++line.machines;
        line.virtualMachines += isVirtual ? 1 : 0;
        if (std::find(lines.begin(), lines.end(), at->second) == lines.end())
            lines.push_back(at->second);
        if (const Timestamp seen = timeOf(row.integer(7)); line.machines == 1 || seen > line.lastSeen) {
            line.lastSeen = seen;
            line.count = static_cast<std::uint32_t>(row.integer(8));
            line.required = static_cast<std::uint32_t>(row.integer(9));
            upstreams[at->second] = row.integer(10);
        }
        if (!row.isNull(5) && timeOf(row.integer(5)) > now - kCountedFor &&
            std::find(counted.begin(), counted.end(), at->second) == counted.end())
            counted.push_back(at->second);
        return true;
    };
    if (auto done =
            scan("cmid,application,machine,product,virtual,counted_at,license_status,last_seen,count,required,upstream",
                 Guid{}, look);
        !done)
        return fail(done.error());
    endOfCmid();
    for (std::size_t i = 0; i < sum.products.size(); ++i)
        if (const std::string* name = numbers.upstream(upstreams[i]))
            sum.products[i].upstream = *name;
    std::erase_if(sum.products, [](const ProductSum& line) { return line.machines == 0; });
    std::sort(sum.products.begin(), sum.products.end(), [](const ProductSum& a, const ProductSum& b) {
        return a.application != b.application ? a.application < b.application : a.counted < b.counted;
    });
    return sum;
}

}  // namespace muster::pool
