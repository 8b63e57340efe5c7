#include "muster/private_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace muster {

namespace {

constexpr mode_t kMode = 0600;

/// A descriptor that closes itself.
class File {
public:
    explicit File(int fd) noexcept : fd_(fd) {}
    ~File() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_;
};

tl::unexpected<Error> storageError(const std::string& path, const char* what, int error) {
    return fail(Code::storage, path, std::string(what) + ": " + std::generic_category().message(error));
}

bool writeAll(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// The name of a file outlives a power cut when its folder was synced, too.
Result<void> makeLast(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.fd()) != 0)
        return storageError(folder, "cannot make the change durable", errno);
    return {};
}

}  // namespace

Result<std::string> readPrivateFile(const std::string& path, std::size_t limit) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file)
        return errno == ENOENT ? fail(Code::missing, path, "there is no such file")
                               : storageError(path, "cannot open the file", errno);
    struct stat status {};
    if (::fstat(file.fd(), &status) != 0)
        return storageError(path, "cannot look at the file", errno);
    if (!S_ISREG(status.st_mode))
        return fail(Code::storage, path, "this is no regular file; move it away");
    std::string content;
    char buffer[4096];
    for (;;) {
        const ssize_t size = ::read(file.fd(), buffer, sizeof buffer);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return storageError(path, "cannot read the file", errno);
        if (size == 0)
            return content;
        content.append(buffer, static_cast<std::size_t>(size));
        if (content.size() > limit)
            return fail(Code::storage, path,
                        "it is longer than the " + std::to_string(limit) + " octets that it may have; move it away");
    }
}

Result<void> writePrivateFile(const std::string& path, std::string_view content) {
    const std::string temporary = path + ".new";
    {
        const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode));
        if (!file)
            return storageError(temporary, "cannot make the file", errno);
        if (::fchmod(file.fd(), kMode) != 0 || !writeAll(file.fd(), content) || ::fsync(file.fd()) != 0) {
            const int error = errno;
            ::unlink(temporary.c_str());
            return storageError(temporary, "cannot write the file", error);
        }
    }
    if (std::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return storageError(path, "cannot replace the file", error);
    }
    return makeLast(path);
}

Result<void> makePrivateFile(const std::string& path, std::string_view content) {
    std::string temporary = path + ".XXXXXX";
    const File file(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600, ours alone
    if (!file)
        return storageError(path, "cannot make the file", errno);
    int problem = 0;
    // Unlike rename(), link() fails where somebody else was first.
    if (::fchmod(file.fd(), kMode) != 0 || !writeAll(file.fd(), content) || ::fsync(file.fd()) != 0 ||
        ::link(temporary.c_str(), path.c_str()) != 0)
        problem = errno;
    ::unlink(temporary.c_str());
    if (problem == EEXIST)
        return fail(Code::duplicate, path, "there is such a file");
    if (problem != 0)
        return storageError(path, "cannot write the file", problem);
    return makeLast(path);
}

}  // namespace muster
