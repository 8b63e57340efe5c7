#include "backup/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace muster::backup {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

tl::unexpected<Error> refused(const char* what) {
    return fail(Code::storage, "backup", std::string(what) + ": " + std::generic_category().message(errno));
}

}  // namespace

tl::unexpected<Error> systemError(const std::filesystem::path& path, const char* what, int error) {
    return fail(error == ENOENT ? Code::missing : Code::storage, path.string(),
                std::string(what) + ": " + std::generic_category().message(error));
}

Result<DiskFile> DiskFile::open(const std::filesystem::path& path) {
    DiskFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.fd_ < 0)
        return systemError(path, "cannot open the file", errno);
    struct stat status {};
    if (::fstat(file.fd_, &status) != 0)
        return systemError(path, "cannot look at the file", errno);
    if (!S_ISREG(status.st_mode))
        return fail(Code::storage, path.string(), "this is no regular file; move it away");
    return file;
}

Result<DiskFile> DiskFile::make(const std::filesystem::path& path) {
    DiskFile file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
    if (file.fd_ < 0)
        return systemError(path, "cannot make the file", errno);
    return file;
}

void DiskFile::close() noexcept {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

Result<std::uint64_t> DiskFile::size() const {
    struct stat status {};
    if (::fstat(fd_, &status) != 0)
        return refused("cannot look at the file");
    return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> DiskFile::read(Buffer buffer) const {
    for (;;) {
        const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
        if (got >= 0)
            return static_cast<std::size_t>(got);
        if (errno != EINTR)
            return refused("cannot read");
    }
}

Result<void> DiskFile::write(Octets octets) const {
    while (!octets.empty()) {
        const ssize_t written = ::write(fd_, octets.data(), octets.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return refused("cannot write");
        octets = octets.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> DiskFile::sync() const {
    return ::fsync(fd_) == 0 ? Result<void>() : refused("cannot bring it to the disk");
}

Result<void> DiskFile::rewind() const {
    return ::lseek(fd_, 0, SEEK_SET) == 0 ? Result<void>() : refused("cannot go back to its begin");
}

Result<std::size_t> readWhole(ByteSource& source, Buffer buffer) {
    std::size_t all = 0;
    while (all < buffer.size()) {
        auto got = source.read(buffer.subspan(all));
        if (!got)
            return got;
        if (*got == 0)
            break;
        all += *got;
    }
    return all;
}

Result<void> makeDirectories(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST)
        return {};
    if (errno != ENOENT || !path.has_relative_path())
        return systemError(path, "cannot make the directory", errno);
    if (auto made = makeDirectories(path.parent_path()); !made)
        return made;
    if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
        return systemError(path, "cannot make the directory", errno);
    return {};
}

Result<void> syncDirectory(const std::filesystem::path& path) {
    const DiskFile directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.fd() < 0 || ::fsync(directory.fd()) != 0)
        return systemError(path, "cannot bring the directory to the disk", errno);
    return {};
}

Result<void> renameFile(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        return systemError(from, ("cannot be renamed to " + to.string()).c_str(), errno);
    return {};
}

Result<void> copyFile(const std::filesystem::path& from, const std::filesystem::path& to) {
    const auto source = DiskFile::open(from);
    if (!source)
        return fail(source.error());
    std::filesystem::path fresh = to;
    fresh += ".new";
    ::unlink(fresh.c_str());  // what an earlier attempt left
    const auto target = DiskFile::make(fresh);
    if (!target)
        return fail(target.error());
    std::array<std::byte, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read()
    for (;;) {
        const auto got = source->read(buffer);
        if (!got)
            return fail(got.error());
        if (*got == 0)
            break;
        if (auto written = target->write(Octets(buffer).first(*got)); !written)
            return written;
    }
    if (auto synced = target->sync(); !synced)
        return synced;
    if (auto renamed = renameFile(fresh, to); !renamed)
        return renamed;
    return syncDirectory(to.parent_path());
}

Result<std::uint64_t> room(const std::filesystem::path& path) {
    struct statvfs disk {};
    if (::statvfs(path.c_str(), &disk) != 0)
        return systemError(path, "cannot ask for the room on the disk", errno);
    return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

bool isThere(const std::filesystem::path& path) noexcept {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace muster::backup
