#include "pool/totals.h"

namespace muster::pool {

void addTo(Totals& totals, const RequestRecord& record) noexcept {
    ++totals.requests;
    if (record.result != HResult::ok || record.fault != 0)
        ++totals.failed;
    if (record.wellFormed && !record.request.isOpaque() && record.request.licenseStatus < totals.byLicenseStatus.size())
        ++totals.byLicenseStatus[record.request.licenseStatus];
}

void LiveTotals::add(const Piece& piece) noexcept {
    const std::lock_guard lock(mutex_);
    for (const RequestRecord& record : piece.requests)
        addTo(totals_, record);
}

void LiveTotals::addRows(std::int64_t machines, std::int64_t clients) noexcept {
    const std::lock_guard lock(mutex_);
    totals_.machines += static_cast<std::uint64_t>(machines);  // modulo 2^64: a negative change subtracts
    totals_.clients += static_cast<std::uint64_t>(clients);
}

void LiveTotals::restart(const Totals& totals) noexcept {
    const std::lock_guard lock(mutex_);
    totals_ = totals;
}

Totals LiveTotals::now() const noexcept {
    const std::lock_guard lock(mutex_);
    return totals_;
}

}  // namespace muster::pool
