/// The one table of operations: what core and plugins let a caller do. Front ends only carry what stands here.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "muster/operation.h"
#include "muster/result.h"

namespace muster::api {

/// "viewer", "operator", "admin"
const char* roleName(Role role) noexcept;

/// What a plugin brings, before it is in the table.
struct Registration {
    Operation operation;
    Handler handler;
};

/// One row of the table. Its strings are copies of its own; what `operation.path_`, `query`, `body` and `answer` point
/// to must be constant data (a plugin's library is never unmapped).
class Registered {
public:
    Registered(std::string_view owner, const Operation& operation, Handler handler);
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;

    const std::string& owner() const noexcept { return owner_; }
    const Operation& operation() const noexcept { return operation_; }
    const Handler& handler() const noexcept { return handler_; }
    /// The parts of the path between slashes; a "{name}" part stands for any value.
    const std::vector<std::string>& parts() const noexcept { return parts_; }

private:
    std::string owner_;
    std::string method_;
    std::string path_;
    std::string cli_;
    std::string summary_;
    std::string confirm_;
    Operation operation_;
    Handler handler_;
    std::vector<std::string> parts_;
};

/// What find() found.
struct Match {
    std::shared_ptr<const Registered> registered;  ///< nullptr: nothing of that method and path
    std::vector<std::string> values;               ///< of the {…} parts in their order, percent-decoded, valid UTF-8
    std::string allowed;  ///< methods that this path does have ("GET, PUT"); empty: no such path at all
};

/// @thread any. A row that was found stays valid while it is held, also after its owner was removed: whoever removes
///         an owner keeps its handlers from being entered again (the plugin host's gate).
class OperationTable {
public:
    /// @param owner  "core" or the plugin's name
    /// @error duplicate  another row has that method and path, or those cli words; the detail names its owner
    /// @error malformed  method, path, {…} parts or cli words are no such thing
    Result<void> add(std::string_view owner, const Operation& operation, Handler handler);

    /// What replace() would say to this one: rows of `owner` itself are no duplicates. For a successor that registers
    /// while its predecessor still serves.
    Result<void> mayAdd(std::string_view owner, const Operation& operation) const;

    /// Puts `registrations` in the place of all rows of `owner`, in one step. On an error the table stays as it was.
    Result<void> replace(std::string_view owner, std::vector<Registration> registrations);

    void remove(std::string_view owner);

    /// Ordered by path, then method.
    std::vector<std::shared_ptr<const Registered>> list() const;

    /// A literal part goes before a {…} part, the leftmost decides.
    /// @param path  below /api/v1, still percent-encoded, without the query
    Match find(std::string_view method, std::string_view path) const;

    /// The row of `method` at the very path of `row`; nullptr: there is none.
    std::shared_ptr<const Registered> sibling(const Registered& row, std::string_view method) const;

    /// Held by a change that was asked for on condition, from the look at what is there to its end: of two such changes
    /// to one thing the second is refused.
    std::mutex& conditional() const noexcept { return conditional_; }

private:
    using Rows = std::vector<std::shared_ptr<const Registered>>;

    std::shared_ptr<const Rows> rows() const;

    mutable std::mutex mutex_;
    mutable std::mutex conditional_;
    std::shared_ptr<const Rows> rows_ = std::make_shared<const Rows>();  // replaced, never changed
};

}  // namespace muster::api
