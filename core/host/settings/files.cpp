#include "host/settings/files.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace muster::settings {

namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }
    int get() const noexcept { return fd_; }
    bool good() const noexcept { return fd_ >= 0; }
    int close() noexcept { return fd_ >= 0 ? ::close(std::exchange(fd_, -1)) : 0; }

private:
    int fd_;
};

std::string words(int error) {
    return std::generic_category().message(error);
}

tl::unexpected<Error> storage(const std::filesystem::path& path, int error) {
    std::string remedy;
    if (error == EROFS || error == EACCES || error == EPERM)
        remedy = "; give the user of musterd the right to write in " + path.parent_path().string();
    else if (error == ENOSPC || error == EDQUOT)
        remedy = "; make room on that file system";
    return fail(Code::storage, path.string(), words(error) + remedy);
}

bool writeAll(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t done = ::write(fd, text.data(), text.size());
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

}  // namespace

Result<std::string> readFile(const std::filesystem::path& path, std::size_t limit) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.good())
        return errno == ENOENT
                   ? fail(Code::missing, path.string(), "no such file")
                   : fail(Code::storage, path.string(), words(errno) + "; the user of musterd must be able to read it");
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
        return fail(Code::storage, path.string(), "is no regular file");
    std::string text;
    std::string piece(std::size_t{64} * 1024, '\0');
    while (true) {
        const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return storage(path, errno);
        if (got == 0)
            return text;
        if (text.size() + static_cast<std::size_t>(got) > limit)
            return fail(Code::malformed, path.string(), "longer than " + std::to_string(limit) + " octets");
        text.append(piece, 0, static_cast<std::size_t>(got));
    }
}

Result<void> writeFile(const std::filesystem::path& path, std::string_view text, unsigned mode,
                       const std::optional<std::string>& unlessChanged) {
    std::error_code none;
    std::filesystem::path target = std::filesystem::canonical(path, none);
    if (none)
        target = path;
    const std::filesystem::path temporary = target.string() + ".new";
    // Left over from a power cut: it never was in force.
    if (::unlink(temporary.c_str()) != 0 && errno != ENOENT)
        return storage(temporary, errno);
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd.good())
        return storage(temporary, errno);
    const auto giveUp = [&](tl::unexpected<Error> error) {
        ::unlink(temporary.c_str());
        return error;
    };
    struct stat old {};
    if (::stat(target.c_str(), &old) == 0) {
        // The owner may be root where we are not: then the file becomes ours, which is no reason to refuse.
        if (::fchown(fd.get(), old.st_uid, old.st_gid) != 0 && errno != EPERM)
            return giveUp(storage(temporary, errno));
        mode = old.st_mode & 07777U;
    }
    if (::fchmod(fd.get(), mode) != 0 || !writeAll(fd.get(), text) || ::fsync(fd.get()) != 0 || fd.close() != 0)
        return giveUp(storage(temporary, errno));
    if (unlessChanged) {
        const auto present = readFile(target, unlessChanged->size());
        if (present ? *present != *unlessChanged : present.error().code != Code::missing || !unlessChanged->empty())
            return giveUp(fail(Code::conflict, path.string(), "was changed by somebody else just now; read it again"));
    }
    if (::rename(temporary.c_str(), target.c_str()) != 0)
        return giveUp(storage(target, errno));
    const std::filesystem::path parent = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
    const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.good() || ::fsync(directory.get()) != 0)
        return storage(parent, errno);
    return {};
}

Result<void> makeDirectory(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0700) == 0)
        return {};
    if (errno == ENOENT && path.has_parent_path() && path.parent_path() != path) {
        if (auto above = makeDirectory(path.parent_path()); !above)
            return above;
        if (::mkdir(path.c_str(), 0700) == 0)
            return {};
    }
    if (errno != EEXIST)
        return storage(path, errno);
    std::error_code none;
    if (!std::filesystem::is_directory(path, none))
        return fail(Code::storage, path.string(), "is no directory");
    return {};
}

}  // namespace muster::settings
