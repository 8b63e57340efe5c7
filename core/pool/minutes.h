/// Requests by minute and by how they ended: what a picture of a day or a month needs, without reading its journal.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "pool/database.h"
#include "pool/store.h"

namespace muster::pool {

/// In the order of the table's columns.
enum class Ending : std::uint8_t {
    answered,  ///< with a count that suffices, or that only the client can read (versions 5 and 6)
    shortOf,   ///< answered, and the count is below the client's N-policy
    refused,   ///< with an HRESULT
    faulted,   ///< with an RPC fault
};

constexpr std::size_t kEndings = 4;
constexpr std::int64_t kMinutesKept = std::int64_t{35} * 24 * 60;  ///< older ones are dropped by retention

Ending endingOf(const RequestRecord& record) noexcept;

/// Gathers what one transaction adds. One thread.
class MinuteTally {
public:
    void add(const RequestRecord& record);
    void clear() noexcept { minutes_.clear(); }
    /// @param upsert  prepared from kUpsert. False: cannot be written
    bool write(Statement& upsert) const;

    static constexpr const char* kUpsert =
        "INSERT INTO minute(time,answered,short,refused,faulted) VALUES(?1,?2,?3,?4,?5) "
        "ON CONFLICT(time) DO UPDATE SET answered=answered+?2,short=short+?3,refused=refused+?4,faulted=faulted+?5";

private:
    using Counts = std::array<std::int64_t, kEndings>;
    std::map<std::int64_t, Counts> minutes_;  // by minutes since 1970
    Counts* last_ = nullptr;
    std::int64_t lastMinute_ = 0;
};

/// Fills table `minute` from the journal as it stands, as far back as it is kept. @error storage
Result<void> minutesFromBlocks(Connection& connection);

}  // namespace muster::pool
