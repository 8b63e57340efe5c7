#include "host/supervise/state_lock.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace muster::supervise {

namespace {

tl::unexpected<Error> refused(const std::filesystem::path& path, const char* step, int error) {
    return fail(Code::storage, path.string(),
                std::string(step) + ": " + std::system_category().message(error) +
                    "; the state directory must be one that the daemon's own user can write: give it to that user, or "
                    "name another with --state or core.state-directory");
}

/// Makes what is missing of `path`, 0700 each.
int makeDirectories(const std::filesystem::path& path) {
    std::filesystem::path sofar;
    for (const std::filesystem::path& part : path) {
        sofar /= part;
        if (::mkdir(sofar.c_str(), 0700) != 0 && errno != EEXIST) {
            const int error = errno;
            struct stat entry {};
            if (::stat(sofar.c_str(), &entry) != 0 || !S_ISDIR(entry.st_mode))
                return error;  // EROFS or EACCES on a parent that is there is no trouble
        }
    }
    return 0;
}

std::string holder(int fd) {
    std::array<char, 16> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
    const long pid = size > 0 ? std::strtol(text.data(), nullptr, 10) : 0;
    return pid > 0 ? " (process " + std::to_string(pid) + ")" : std::string();
}

void writeHolder(int fd) {
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        // Only the sentence of a second daemon would have used it.
    }
}

}  // namespace

Result<StateLock> StateLock::take(const std::filesystem::path& directory) {
    if (const int error = makeDirectories(std::filesystem::absolute(directory)); error != 0)
        return refused(directory, "cannot be made", error);
    const std::filesystem::path file = directory / "lock";
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refused(file, "cannot be opened", errno);
    return lock(directory, fd);
}

Result<StateLock> StateLock::takeAsItIs(const std::filesystem::path& directory) {
    auto taken = take(directory);
    if (taken || taken.error().code != Code::storage)
        return taken;
    // A daemon that could write before holds the file; one that could not either holds the directory.
    int fd = ::open((directory / "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto held = fd < 0 ? Result<StateLock>(StateLock(-1)) : lock(directory, fd);
    if (!held && held.error().code != Code::duplicate)
        held = StateLock(-1);
    if (held)
        held->trouble_ = taken.error().text();
    return held;
}

Result<void> StateLock::renew(const std::filesystem::path& directory) {
    if (trouble_.empty())
        return {};
    if (const int error = makeDirectories(std::filesystem::absolute(directory)); error != 0)
        return refused(directory, "cannot be made", error);
    const std::filesystem::path file = directory / "lock";
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refused(file, "cannot be opened", errno);
    struct stat found {};
    struct stat held {};
    if (fd_ >= 0 && ::fstat(fd, &found) == 0 && ::fstat(fd_, &held) == 0 && found.st_ino == held.st_ino &&
        found.st_dev == held.st_dev) {
        writeHolder(fd);
        ::close(fd);  // a lock belongs to the opening that took it: the one of fd_ stays
    } else {
        auto taken = lock(directory, fd);
        if (!taken)
            return fail(taken.error());
        std::swap(fd_, taken->fd_);
    }
    trouble_.clear();
    return {};
}

Result<StateLock> StateLock::lock(const std::filesystem::path& directory, int fd) {
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        const std::string who = holder(fd);
        ::close(fd);
        if (error != EWOULDBLOCK)
            return refused(directory / "lock", "cannot be locked", error);
        return fail(Code::duplicate, directory.string(),
                    "another daemon" + who + " has this state directory; stop it, or name another directory");
    }
    writeHolder(fd);
    return StateLock(fd);
}

StateLock::~StateLock() {
    if (fd_ >= 0)
        ::close(fd_);
}

}  // namespace muster::supervise
