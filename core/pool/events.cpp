#include "pool/events.h"

#include <algorithm>
#include <string_view>

namespace muster::pool {

namespace {

constexpr EventSpec kEvents[] = {
    {kEventSetAside, Severity::error, "The database could not be used and was set aside: {text}",
     "The pool begins anew. The old file lies beside the new one, renamed with the time. Look at it with sqlite3, or "
     "stop Muster and put a backup in the place of the new one."},
    {kEventIntakeDamaged, Severity::error, "The intake was damaged: {text}",
     "Records that clients were answered for cannot be read any more. All that could be read was applied; the file is "
     "kept under a new name. Check the disk."},
    {kEventTrouble, Severity::critical, "The store cannot write: {text}",
     "Requests are kept in memory and written when the store is back. Remove the cause that the text names."},
    {kEventRecovered, Severity::info, "The store writes again.", "What was kept in memory is written."},
    {kEventChecked, Severity::info, "The database was checked and is sound.", "SQLite's quick_check after the start."},
    {kEventCheckFailed, Severity::critical, "The database is damaged: {text}",
     "SQLite's quick_check found the damage after the start. Restore a backup, and check the disk."},
    {kEventRetention, Severity::warning, "Old records were dropped to keep the size of the store: {text}",
     "Clients seen once and never activated go first, then the oldest part of the journal. Raise the limits in the "
     "section [pool] if the disk allows."},
    {kEventRecordsLost, Severity::critical, "Records were lost: {text}",
     "The store could not write for longer than the bounded memory lasts, or the database was destroyed under it."},
    {kEventPutBack, Severity::warning, "The database was put back: {text}",
     "Somebody removed, replaced or changed the database's files while Muster ran. A new file was made of what Muster "
     "still held. Files that were found in the place of its own are kept beside it, renamed with the time."},
    {kEventClockAhead, Severity::warning, "The clock went ahead by {text}: nothing is dropped by age for a week.",
     "Either the appliance was off for so long, and then there is nothing to do, or its clock is wrong. Set it right, "
     "or "
     "give it a time server. After seven days of running the clock is believed, and what is too old by it is dropped."},
    {kEventClientRemoved, Severity::info, "The client {cmid} was removed by {who}.",
     "It no longer counts; when it asks again it is a new one."},
};

}  // namespace

std::span<const EventSpec> storeEvents() noexcept {
    return kEvents;
}

EventRecord storeEvent(std::uint32_t id, std::string text) {
    static constexpr std::string_view kPlace = "{text}";
    EventRecord event;
    event.when = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    event.id = id;
    event.source = "core";
    const auto* spec =
        std::find_if(std::begin(kEvents), std::end(kEvents), [&](const EventSpec& e) { return e.id == id; });
    if (spec != std::end(kEvents)) {
        event.severity = spec->severity;
        event.message = spec->message;
    }
    if (const std::size_t at = event.message.find(kPlace); at != std::string::npos)
        event.message.replace(at, kPlace.size(), text);
    event.fields = json({{"text", std::move(text)}});
    return event;
}

}  // namespace muster::pool
