#include "pool/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace muster::pool {

namespace {

// Of the write-ahead log (SQLite's file format, section 4): a head, then a frame for each page.
constexpr std::int64_t kLogHead = 32;
constexpr std::int64_t kFrame = 24 + 4096;

}  // namespace

HeldFile& HeldFile::operator=(HeldFile&& other) noexcept {
    if (this != &other) {
        release();
        fd_ = std::exchange(other.fd_, -1);
        inode_ = other.inode_;
        device_ = other.device_;
    }
    return *this;
}

void HeldFile::hold(const std::string& path) noexcept {
    // Opened only when it is another one: a second descriptor of the same file, when closed, drops SQLite's locks.
    if (held() && isAt(path))
        return;
    release();
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status {};
    if (fd >= 0 && fstat(fd, &status) == 0) {
        fd_ = fd;
        inode_ = status.st_ino;
        device_ = status.st_dev;
    } else if (fd >= 0) {
        close(fd);
    }
}

void HeldFile::release() noexcept {
    if (held())
        close(fd_);
    fd_ = -1;
}

bool HeldFile::isAt(const std::string& path) const noexcept {
    struct stat status {};
    return held() && lstat(path.c_str(), &status) == 0 && status.st_ino == inode_ && status.st_dev == device_;
}

std::int64_t HeldFile::size() const noexcept {
    struct stat status {};
    return held() && fstat(fd_, &status) == 0 ? status.st_size : 0;
}

DatabaseFiles::Stamp DatabaseFiles::stamp() const noexcept {
    struct stat status {};
    if (!database_.held() || fstat(database_.descriptor(), &status) != 0)
        return {};
    return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void DatabaseFiles::hold() {
    HeldFile database;
    database.hold(path_);
    hold(std::move(database));
}

void DatabaseFiles::hold(HeldFile database) {
    const std::lock_guard lock(mutex_);
    database_ = std::move(database);
    log_.hold(logPath());
    index_.hold(indexPath());
    known_ = stamp();
    logPages_ = 0;
    changing_ = false;
}

void DatabaseFiles::holdBeside() noexcept {
    // At any moment another disk may be mounted over them: what its names lead to, or do not, tells nothing of ours.
    const auto take = [this](HeldFile& file, const std::string& path) {
        if (file.isAt(path))
            return;
        HeldFile now;
        now.hold(path);
        if (database_.isAt(path_))
            file = std::move(now);
    };
    take(log_, logPath());
    take(index_, indexPath());
}

void DatabaseFiles::changing() {
    const std::lock_guard lock(mutex_);
    changing_ = true;
}

void DatabaseFiles::cancel() {
    const std::lock_guard lock(mutex_);
    changing_ = false;
}

void DatabaseFiles::resume() {
    const std::lock_guard lock(mutex_);
    holdBeside();
    changing_ = false;
}

void DatabaseFiles::reopened() {
    const std::lock_guard lock(mutex_);
    holdBeside();
    known_ = stamp();
    logPages_ = 0;
    changing_ = false;
}

void DatabaseFiles::remember() {
    const std::lock_guard lock(mutex_);
    known_ = stamp();
}

bool DatabaseFiles::inPlace() const {
    const std::lock_guard lock(mutex_);
    return database_.isAt(path_);
}

Result<std::unique_ptr<Connection>> DatabaseFiles::connect(Connection::Use use) const {
    return Connection::open(path_, use, [this] { return inPlace(); });
}

bool DatabaseFiles::hasFrame(int number) const noexcept {
    std::uint32_t page = 0;
    return pread(log_.descriptor(), &page, sizeof page, kLogHead + kFrame * number) == sizeof page && page != 0;
}

DatabaseFiles::Finding DatabaseFiles::look(const std::function<int()>& logPages) {
    const std::lock_guard lock(mutex_);
    if (changing_)
        return {};
    const auto missing = [](const std::string& path) {
        struct stat status {};
        return lstat(path.c_str(), &status) != 0;
    };
    const auto misplaced = [&](const char* what, const HeldFile& file, const std::string& path) {
        if (!file.held() || file.isAt(path))
            return Finding{};
        return Finding{State::broken,
                       std::string(what) + path +
                           (missing(path) ? " was removed or renamed" : " was replaced by another file") +
                           " while Muster runs"};
    };
    if (auto found = misplaced("database ", database_, path_); found.state != State::good)
        return found;
    if (auto found = misplaced("write-ahead log ", log_, logPath()); found.state != State::good)
        return found;
    if (auto found = misplaced("", index_, indexPath()); found.state != State::good)
        return found;
    const int pages = logPages();
    const int lastTime = std::exchange(logPages_, pages);
    if (log_.held() && pages > 0 &&
        (log_.size() < kLogHead + kFrame * pages || !hasFrame(0) || (lastTime > 0 && !hasFrame(lastTime - 1))))
        return {State::broken, "write-ahead log " + logPath() + " was cut while Muster runs"};
    const Stamp now = stamp();
    if (now.size < known_.size)
        return {State::broken, "database " + path_ + " was cut from " + std::to_string(known_.size) + " to " +
                                   std::to_string(now.size) + " octets while Muster runs"};
    if (now != known_)
        return {State::suspicious, "another program wrote into database " + path_ + " while Muster runs"};
    return {};
}

}  // namespace muster::pool
