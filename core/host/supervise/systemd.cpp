#include "host/supervise/systemd.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace muster::supervise::systemd {

namespace {

constexpr int kMostDescriptors = 1024;

std::string_view variable(const char* name) noexcept {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any once threads are there
    return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Decimal digits alone.
std::optional<std::uint64_t> number(const char* name) noexcept {
    const std::string_view text = variable(name);
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

}  // namespace

void notify(std::string_view message, int fd) noexcept {
    const std::string_view path = variable("NOTIFY_SOCKET");
    sockaddr_un address{};
    // "/path", or "@name" for one that is in no file system.
    if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    const int out = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (out < 0)
        return;
    iovec piece{const_cast<char*>(message.data()), message.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::byte room[CMSG_SPACE(sizeof fd)] = {};
    if (fd >= 0) {
        header.msg_control = room;
        header.msg_controllen = sizeof room;
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    (void)::sendmsg(out, &header, MSG_NOSIGNAL);  // as with sd_notify(): who does not listen is not told
    ::close(out);
}

std::chrono::microseconds watchdog() noexcept {
    const auto interval = number("WATCHDOG_USEC");
    if (!interval ||
        *interval > static_cast<std::uint64_t>(std::chrono::microseconds(std::chrono::hours(24 * 365)).count()))
        return {};
    if (!variable("WATCHDOG_PID").empty() && number("WATCHDOG_PID") != static_cast<std::uint64_t>(::getpid()))
        return {};
    return std::chrono::microseconds(*interval);
}

std::vector<std::string> takeListenNames() {
    std::vector<std::string> names;
    const auto count = number("LISTEN_FDS");
    if (number("LISTEN_PID") == static_cast<std::uint64_t>(::getpid()) && count && *count <= kMostDescriptors) {
        std::string_view rest = variable("LISTEN_FDNAMES");
        for (int i = 0; i < static_cast<int>(*count); ++i) {
            const std::size_t end = rest.find(':');
            names.emplace_back(rest.empty() ? std::string_view("unknown") : rest.substr(0, end));
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
            const int fd = kFirstDescriptor + i;
            if (const int flags = ::fcntl(fd, F_GETFD); flags >= 0)
                ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
        }
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
        ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): at the start, one thread
    return names;
}

}  // namespace muster::supervise::systemd
