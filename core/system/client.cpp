#include "system/client.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace muster::system {

namespace {

constexpr std::uint32_t kNumber = 1;  // a connection has one question

struct Socket {
    int fd;
    ~Socket() {
        if (fd >= 0)
            ::close(fd);
    }
};

tl::unexpected<Error> refused(Code code, const std::string& socket, int error, const char* remedy) {
    return fail(code, "system helper at " + socket, std::system_category().message(error) + "; " + remedy);
}

}  // namespace

bool Client::isThere() const {
    struct stat entry {};
    return !socket_.empty() && ::stat(socket_.c_str(), &entry) == 0 && S_ISSOCK(entry.st_mode);
}

Result<Answer> Client::ask(Verb verb, Argument argument) const {
    const auto request = encodeRequest(kNumber, {verb, std::move(argument)});
    if (!request)
        return fail(request.error());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.size() >= sizeof address.sun_path)
        return fail(Code::malformed, "--system " + socket_, "is too long a path; choose a shorter one");
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    const Socket out{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (out.fd < 0)
        return refused(Code::internal, socket_, errno, "raise the limit of open files");
    if (::connect(out.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return errno == EAGAIN ? refused(Code::busy, socket_, errno, "too many ask at once; try again")
               : errno == EACCES
                   ? refused(Code::denied, socket_, errno, "it is there for the user that musterd should run as")
                   : refused(Code::missing, socket_, errno, "start musterd-system.socket");
    const auto gone = [&] {
        return fail(Code::missing, "system helper at " + socket_,
                    "it closed the connection; its log says why: musterd must run as the user that it is there for");
    };
    if (::send(out.fd, request->data(), request->size(), MSG_NOSIGNAL) < 0)
        return gone();
    const auto until = std::chrono::steady_clock::now() + kLimit;
    std::vector<std::byte> packet(kMaxPacket + 1);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd wait{out.fd, POLLIN, 0};
        const int ready = left.count() > 0 ? ::poll(&wait, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return fail(Code::timeout, "system helper at " + socket_,
                        "does not answer; restart musterd-system.service");
        const ssize_t size = ::recv(out.fd, packet.data(), packet.size(), 0);
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size <= 0 || static_cast<std::size_t>(size) > kMaxPacket)
            return gone();
        auto answer = decodeAnswer(Octets(packet).first(static_cast<std::size_t>(size)), verb);
        if (!answer)
            return fail(answer.error());
        // Number 0: it could not read the question.
        if (answer->first == kNumber || (answer->first == 0 && !answer->second))
            return std::move(answer->second);
    }
}

}  // namespace muster::system
