#include "host/daemon/bundle_file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace muster::daemon {

namespace {

constexpr std::size_t kPiece = std::size_t{64} * 1024;

/// Gone unless it was moved in place.
struct Beside {
    std::string path;
    int fd;
    ~Beside() {
        if (fd >= 0)
            ::close(fd);
        ::unlink(path.c_str());
    }
};

int writeAll(int fd, const char* from, std::size_t size) noexcept {
    while (size > 0) {
        const ssize_t wrote = ::write(fd, from, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? errno : ENOSPC;
        from += wrote;
        size -= static_cast<std::size_t>(wrote);
    }
    return 0;
}

}  // namespace

Result<void> BundleFile::take(OctetSource& source, const std::string& path) {
    const std::unique_lock lock(*taking_, std::try_to_lock);
    if (!lock.owns_lock())
        return fail(Code::busy, "update", "another bundle is being uploaded; wait for its end");
    const auto refused = [&](int error) {
        return fail(Code::storage, "update",
                    path + ": " + std::system_category().message(error) +
                        (error == ENOSPC ? "; make room on the data partition" : "; see the log of musterd-system"));
    };
    const std::string beside = path + ".new";
    ::unlink(beside.c_str());  // of an upload that was cut short
    const Beside file{beside, ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.fd < 0)
        return refused(errno);
    std::vector<char> buffer(kPiece);
    for (;;) {
        const auto got = source.read(buffer.data(), buffer.size());
        if (!got)
            return fail(got.error());
        if (*got == 0)
            break;
        if (const int error = writeAll(file.fd, buffer.data(), *got); error != 0)
            return refused(error);
    }
    if (::fsync(file.fd) != 0 || ::rename(beside.c_str(), path.c_str()) != 0)
        return refused(errno);
    return {};
}

}  // namespace muster::daemon
