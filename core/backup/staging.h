/// Restoring without writing over anything that is in use: what is to come is laid ready in STATE/restore, and put in
/// place at a start, before any store is opened. What was there before is kept in STATE/before-restore-TIME.
///
/// On the way back from a power cut between any two steps the next start goes on where this one ended: each part is
/// the old one until the mark `ready` is on the disk, and the new one at the end of the start after it.
/// @thread one at a time; blocks for the disk
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "muster/json.h"
#include "muster/result.h"
#include "muster/types.h"

#include "backup/files.h"
#include "backup/parts.h"

namespace muster::backup {

inline constexpr std::string_view kAsidePrefix = "before-restore-";

/// What lies ready, as the mark says.
struct Plan {
    std::string backup;  ///< the name that it came from
    std::string by;      ///< who wanted it: Caller::name
    Timestamp when{};
    std::vector<std::string> parts;
    std::vector<std::string> files;  ///< that come; of the parts' other files none will be there
    std::string aside;               ///< name of the directory for what was there
};

Json write(const Plan& plan);
/// @error malformed
Result<Plan> readPlan(std::string_view text);

/// Lays files ready.
class Staging {
public:
    /// Removes what an attempt that did not come to its end has left. @error busy  something lies ready already
    static Result<Staging> begin(const Directories& directories);
    ~Staging();  ///< without ready() all of it is removed
    Staging(Staging&&) noexcept = default;
    Staging& operator=(Staging&&) = delete;

    /// Where a file of the table is to be laid; the directories above it are made. @error storage
    Result<std::filesystem::path> place(std::string_view path);
    /// Brings all to the disk, then the mark: from now on the next start puts it in place.
    /// @error storage  then nothing lies ready
    Result<void> ready(Plan plan);

private:
    explicit Staging(const Directories& directories) : directories_(directories) {}

    Directories directories_;
    std::vector<std::string> files_;
    bool kept_ = false;
    struct Active {
        bool on = true;
        Active() = default;
        Active(Active&& other) noexcept : on(std::exchange(other.on, false)) {}
        Active& operator=(Active&&) = delete;
    } active_;
};

/// Whether something lies ready.
bool isStaged(const std::filesystem::path& state) noexcept;

/// Before any store of these directories is opened: puts in place what lies ready, and removes what was never ready.
/// @param step     called before each change on the disk; what it throws ends the work there (tests)
/// @return         what was put in place; nothing: nothing lay ready. Call forget() once that is in the audit log
/// @error storage  with what to do; the next start goes on
Result<std::optional<Plan>> putInPlace(const Directories& directories, const std::function<void()>& step = {});

/// The mark goes to what was put aside, where it says what happened.
Result<void> forget(const Directories& directories, const Plan& plan, const std::function<void()>& step = {});

}  // namespace muster::backup
