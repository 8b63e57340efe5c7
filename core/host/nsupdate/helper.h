/// The process that may still start programs when musterd no longer can.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <sys/types.h>

#include "muster/result.h"
#include "muster/secure_update.h"

#include "host/nsupdate/runner.h"

namespace muster::nsupdate {

/// Musterd's end. The helper ends when this object does, or when its process dies.
class Helper {
public:
    /// Forks: before the first thread of this process, and before execve is denied. The child has no capability, can
    /// gain none, and keeps no descriptor but its end of the socket pair.
    /// @param state  as Runner's
    /// @error internal  with the system's words
    static Result<std::unique_ptr<Helper>> start(const std::filesystem::path& state, const Programs& programs = {});

    ~Helper();
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

    /// One update at a time; the next waits, its own limit at most.
    /// @error malformed          as check()
    /// @error busy               another update does not end
    /// @error missing            a program is not installed, or the helper has ended: restart musterd
    /// @error denied, storage    as Runner::run()
    /// @thread any; blocks for the update's limit and a little more
    Result<SecureUpdateOutcome> ask(const SecureUpdate& update);

    pid_t process() const noexcept { return child_; }

private:
    Helper(int fd, pid_t child) noexcept : fd_(fd), child_(child) {}

    const int fd_;
    const pid_t child_;
    std::timed_mutex mutex_;
    std::uint32_t number_ = 0;
};

}  // namespace muster::nsupdate
