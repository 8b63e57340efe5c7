/// Events that backups write into the journal, as the core's.
#pragma once

#include "muster/event.h"

namespace muster::backup {

inline constexpr EventSpec kBackupMade{20021, Severity::info, "Backup {name} was made by {by} and read back whole.",
                                       "One is made each day by itself. What it leaves out for want of a password, "
                                       "\"musterctl backup show\" says."};
inline constexpr EventSpec kBackupFailed{
    20022, Severity::error, "The daily backup could not be made: {trouble}",
    "It is tried again each ten minutes; those that are there are kept. As a rule the disk is full or failing: make "
    "room "
    "(\"musterctl backup remove\"), or look at the disk. \"musterctl backup create\" tries at once."};
inline constexpr EventSpec kRestoreReady{
    20023, Severity::warning, "{by} restores {parts} from {name}; Muster begins anew.",
    "What is there now is kept as {aside} in the state directory; \"musterctl backup restore {aside}\" puts it back."};
inline constexpr EventSpec kRestored{20024, Severity::warning,
                                     "{parts} were restored from {name} for {by}; what was there is kept as {aside}.",
                                     "Everything since that backup is in the directory that is named, and no longer "
                                     "in lists. \"musterctl backup restore {aside}\" puts it back."};
inline constexpr EventSpec kRestoreFailed{
    20025, Severity::critical, "A restore could not be put in place: {trouble}",
    "Parts of the state directory may be missing now; nothing is lost: what comes lies in STATE/restore, what was "
    "there "
    "in STATE/before-restore-TIME. Correct what is said (as a rule the disk), then restart Muster: it goes on."};

}  // namespace muster::backup
