/// Events of the core that tell of plugins: numbers 20100 to 20119.
#pragma once

#include "muster/event.h"

namespace muster::plugins {

inline constexpr std::uint32_t kRejected = 20100;
inline constexpr std::uint32_t kFailed = 20101;
inline constexpr std::uint32_t kWedged = 20102;
inline constexpr std::uint32_t kQuarantined = 20103;
inline constexpr std::uint32_t kSafeMode = 20104;
inline constexpr std::uint32_t kStarted = 20105;
inline constexpr std::uint32_t kStopped = 20106;
inline constexpr std::uint32_t kSucceeded = 20107;
inline constexpr std::uint32_t kNotSucceeded = 20108;

inline constexpr EventSpec kPluginEvents[] = {
    {kRejected, Severity::warning, "Plugin {plugin} was rejected: {reason}.",
     "The file is no plugin that this firmware can take; nothing of it runs. The reason names what was found and what "
     "is "
     "expected. Install a plugin that was built for this firmware, then: musterctl plugin rescan."},
    {kFailed, Severity::error, "Plugin {plugin} failed: {reason}.",
     "The plugin could not start, or one of its threads ended in an error. Everything that it had registered was taken "
     "back; other plugins go on. Remove the cause, then: musterctl plugin clear NAME."},
    {kWedged, Severity::error, "Plugin {plugin} does not stop: {reason}.",
     "Calls inside the plugin, or its own stop, did not end in time. It serves nothing any more but its memory stays. "
     "musterctl plugin rescan asks it once more; a restart of the daemon ends it for certain."},
    {kQuarantined, Severity::error, "Plugin {plugin} is quarantined: {reason}.",
     "The daemon died twice while it started this plugin, so it is not opened any more. Look into the log of those "
     "starts, replace the plugin or remove the cause, then: musterctl plugin clear NAME."},
    {kSafeMode, Severity::critical, "Safe mode: {reason}.",
     "The daemon ended uncleanly several times in a row and no single plugin is to blame. Only what clients and "
     "operators "
     "need is started. After a healthy minute the next start is a normal one; musterctl plugin clear NAME starts one "
     "plugin now."},
    {kStarted, Severity::info, "Plugin {plugin} started: {reason}.", "Nothing to do."},
    {kStopped, Severity::info, "Plugin {plugin} stopped: {reason}.",
     "Nothing to do if this was meant. A plugin whose file has gone starts again when the file is back: musterctl "
     "plugin "
     "rescan."},
    {kSucceeded, Severity::info, "Plugin {plugin} was succeeded: {reason}.", "Nothing to do."},
    {kNotSucceeded, Severity::warning, "Plugin {plugin} was not succeeded: {reason}.",
     "The file of a running plugin was changed, and the new one cannot take over. The old version goes on until the "
     "daemon is restarted; put a good file in its place before that, then: musterctl plugin rescan."},
};

}  // namespace muster::plugins
