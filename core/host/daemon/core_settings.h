/// The settings of the core itself: sections [core] and [pool].
#pragma once

#include "muster/schema.h"

namespace muster::daemon {

inline constexpr Field kCoreSettings[] = {
    {.name = "state-directory",
     .type = FieldType::text,
     .help = "Directory for everything that is kept: clients, journal, keys, revisions.",
     .fallback = "/var/lib/muster",
     .minimum = 1,
     .maximum = 1024,
     .restart = true},
    {.name = "control-socket",
     .type = FieldType::text,
     .help = "Path of the control socket; without it, control.sock in the state directory.",
     .minimum = 1,
     .maximum = 100,
     .restart = true},
    {.name = "operator-group",
     .type = FieldType::text,
     .help = "Members of this group of the system may use the control socket as operators.",
     .fallback = "muster",
     .minimum = 1,
     .maximum = 32,
     .restart = true},
    {.name = "reactors",
     .type = FieldType::integer,
     .help = "Event loops, each with a thread; more than the machine has cores are not started.",
     .fallback = "1",
     .minimum = 1,
     .maximum = 64,
     .restart = true},
    {.name = "commit-limit",
     .type = FieldType::duration,
     .help = "How long an answer waits for its record to be on disk. Then the relay answers all the same and raises "
             "an alarm; the lab answers that it is too busy.",
     .fallback = "2s",
     .minimum = 100,
     .maximum = 60'000},
    {.name = "exchange-limit",
     .type = FieldType::duration,
     .help = "How long a request may take in all before its client is told that the server is too busy.",
     .fallback = "30s",
     .minimum = 1'000,
     .maximum = 600'000},
    {.name = "log-level",
     .type = FieldType::choice,
     .help = "The least severity that is logged.",
     .fallback = "info",
     .choices = "debug|info|warning|error"},
};

inline constexpr Field kPoolSettings[] = {
    {.name = "record",
     .type = FieldType::boolean,
     .help = "Whether requests are recorded, each on disk before its answer. Without it clients and journal stay as "
             "they are, events are journaled all the same.",
     .fallback = "true"},
    {.name = "new-clients-per-hour",
     .type = FieldType::integer,
     .help =
         "How many clients that were never seen one source may bring in an hour; 0: any number. Loopback is exempt.",
     .fallback = "1000",
     .minimum = 0,
     .maximum = 10'000'000},
    {.name = "retention-age",
     .type = FieldType::duration,
     .help = "Journal entries and clients that were not seen for so long are dropped.",
     .fallback = "400d",
     .minimum = 86'400'000,
     .maximum = 315'360'000'000,
     .restart = true},
    {.name = "retention-size",
     .type = FieldType::size,
     .help = "Size of the database beyond which the oldest and least important rows are dropped.",
     .fallback = "300MiB",
     .minimum = 16 << 20,
     .maximum = std::int64_t{1} << 40,
     .restart = true},
    {.name = "intake-limit",
     .type = FieldType::size,
     .help = "Records that are on disk and not yet in the database; beyond it answers wait. Also the records that "
             "memory keeps while the disk fails; later ones are lost, and counted.",
     .fallback = "8MiB",
     .minimum = 1 << 20,
     .maximum = 256 << 20,
     .restart = true},
};

}  // namespace muster::daemon
