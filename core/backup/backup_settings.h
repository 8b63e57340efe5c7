/// Section [backup].
#pragma once

#include <cstdint>
#include <string>

#include "muster/schema.h"

namespace muster::backup {

inline constexpr Field kBackupSettings[] = {
    {.name = "daily",
     .type = FieldType::boolean,
     .help = "Whether a backup is made each day by itself.",
     .fallback = "true"},
    {.name = "kept",
     .type = FieldType::integer,
     .help = "How many of the daily backups are kept on the appliance.",
     .fallback = "7",
     .minimum = 1,
     .maximum = 100},
    {.name = "password",
     .type = FieldType::text,
     .help =
         "Encrypts the daily backups, which then hold accounts and keys as well. Keep it elsewhere, too: without it "
         "nobody opens them.",
     .minimum = 12,
     .maximum = 256,
     .secret = true},
    {.name = "upload-limit",
     .type = FieldType::size,
     .help = "The largest backup that may be uploaded.",
     .fallback = "2GiB",
     .minimum = 1 << 20,
     .maximum = std::int64_t{1} << 40},
};

/// The same as values.
struct Policy {
    bool daily = true;
    std::size_t kept = 7;
    std::string password = {};
    std::int64_t uploadLimit = std::int64_t{2} << 30;  ///< octets
};

}  // namespace muster::backup
