/// What is done about a database whose files were removed, replaced or spoiled under the daemon: the content that is
/// still held goes into a new file, which takes the old one's place.
///
/// The way of it: a copy `pool.db.rescue` is made, read whole, brought up to the last record that was applied, and
/// synced. Then it is called `pool.db.put-back`: from there on also a start after a power cut goes on with it. What
/// lies at the old names and is not ours is renamed aside, and `pool.db.put-back` becomes `pool.db`.
#pragma once

#include <memory>
#include <string>

#include "pool/files.h"
#include "pool/tables.h"

namespace muster::pool {

struct Rescued {
    HeldFile file;  ///< the database; before the connection to it: closed after that
    std::unique_ptr<Connection> connection;
    std::unique_ptr<Tables> tables;
    bool whole = true;  ///< all that was ever applied is in it
    std::string lost;   ///< else what is not, for a person
    std::string done;   ///< what was done, for a person
};

/// What is asked of the new file.
struct RescueOrder {
    std::string directory;      ///< of the store; made anew if it is gone
    std::uint64_t applied = 0;  ///< the last record that the old one had
    std::int64_t identity = 0;  ///< of the old one, as identityOf() gave it
};

/// Nobody writes to the old files meanwhile. The old connections may be open, and are of no use afterwards.
/// @error storage  with the system's words: nothing was changed but for names; call it again later
Result<Rescued> rescue(const DatabaseFiles& files, const RescueOrder& order);

/// Ends what a power cut interrupted: call it before the database is opened. The sentence of what was done, or empty.
std::string finishRescue(const std::string& path);

/// A number by which a database is told from another one; 0: it has none.
std::int64_t identityOf(Connection& connection);

/// Whether the whole of it can be read. @param problem  SQLite's words if not
bool isSound(Connection& connection, std::string& problem);

/// Renames `path` to a free name beside it that tells why and when: PATH.WHY-TIME. The new name, or empty.
std::string setAside(const std::string& path, const char* why);

/// Makes the directory when it is missing, for its owner alone. @param above  those above it as well
Result<void> makeDirectory(const std::string& directory, bool above = false);

}  // namespace muster::pool
