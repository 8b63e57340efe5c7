/// Events that the core itself writes into the journal.
#pragma once

#include "muster/event.h"

namespace muster::daemon {

inline constexpr EventSpec kStarted{20001, Severity::info, "Muster {version} has started in mode {mode}.",
                                    "The daemon serves from now on. Nothing is to be done."};
inline constexpr EventSpec kStopping{20002, Severity::info, "Muster is stopping: {reason}.",
                                     "Somebody has stopped the daemon, or it begins anew in another mode."};
inline constexpr EventSpec kNotDurable{
    20003, Severity::critical, "Records do not reach the disk in time: {trouble}",
    "Disk or database trouble. A relay goes on answering and keeps the records in memory; the lab tells its clients "
    "that "
    "it is too busy. Look at the disk (full, read-only, failing); the backlog is written as soon as it is back."};
inline constexpr EventSpec kDurableAgain{20004, Severity::info, "Records reach the disk again.",
                                         "The trouble of event 20003 is over and its backlog is written."};
inline constexpr EventSpec kModeChosen{20005, Severity::warning, "{caller} chose mode {mode}; it was {before}.",
                                       "Clients, journal and keys of the two modes are kept apart; nothing is lost."};
inline constexpr EventSpec kModeOfRun{
    20009, Severity::info, "{caller} started this run in mode {mode} by {option}; the mode that is kept is {before}.",
    "The command line chose the mode of this run. Started without that option, the daemon goes by the mode that is "
    "kept "
    "(\"musterctl mode set\")."};
inline constexpr EventSpec kReloaded{20006, Severity::info, "Settings and plugins were looked at again: {changes}",
                                     "Somebody sent SIGHUP or asked for a reload."};

inline constexpr EventSpec kNotRecording{20007, Severity::warning, "Requests are not recorded from now on.",
                                         "Somebody switched setting pool.record off. Clients are answered without "
                                         "waiting for the disk; pool and journal do not learn of them."};
inline constexpr EventSpec kRecordingAgain{20008, Severity::info, "Requests are recorded again.",
                                           "Somebody switched setting pool.record on."};

inline constexpr EventSpec kStoreCame{
    20010, Severity::warning, "Requests are recorded from now on; since the start they were not.",
    "The state directory could not be used at the start and can be now. What was asked in between is in no list."};

inline constexpr EventSpec kAuditTrouble{
    20011, Severity::critical, "The audit log cannot be written: {trouble}",
    "The disk does not take the entries of the audit log. Changes are made all the same; up to 1,000 entries are kept "
    "in "
    "memory and written as soon as the disk is back. Look at the disk (full, read-only, failing)."};
inline constexpr EventSpec kAuditAgain{20012, Severity::info, "The audit log is written again.",
                                       "The trouble of event 20011 is over and what waited is written."};

inline constexpr EventSpec kCoreEvents[] = {kStarted,        kStopping,  kNotDurable,   kDurableAgain,
                                            kModeChosen,     kModeOfRun, kReloaded,     kNotRecording,
                                            kRecordingAgain, kStoreCame, kAuditTrouble, kAuditAgain};

}  // namespace muster::daemon
