/// The other end of sd_notify: a socket that the messages and descriptors arrive at.
#pragma once

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace muster::supervise::test {

class FakeSystemd {
public:
    FakeSystemd() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // Abstract, named by the kernel after this socket alone.
        [[maybe_unused]] const int bound = ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t));
        socklen_t size = sizeof address;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        const std::string name(address.sun_path + 1, size - sizeof(sa_family_t) - 1);
        ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
    }
    ~FakeSystemd() {
        leave();
        for (const int fd : descriptors)
            ::close(fd);
        ::close(fd_);
    }
    FakeSystemd(const FakeSystemd&) = delete;
    FakeSystemd& operator=(const FakeSystemd&) = delete;

    static void leave() {
        ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): one thread
    }

    /// The next message, "" if there is none. Descriptors that came with it are added to `descriptors`.
    std::string message() {
        std::array<char, 1024> text{};
        iovec part{text.data(), text.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        const ssize_t size = ::recvmsg(fd_, &header, MSG_CMSG_CLOEXEC);
        if (size < 0)
            return {};
        for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item))
            if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
                descriptors.push_back(fd);
            }
        return {text.data(), static_cast<std::size_t>(size)};
    }

    std::vector<int> descriptors;

private:
    int fd_;
};

}  // namespace muster::supervise::test
