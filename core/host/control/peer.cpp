#include "host/control/peer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include "Poco/Exception.h"
#include "Poco/Net/NetException.h"

#include "http/socket_use.h"

namespace muster::control {

namespace {

constexpr int kBacklog = 64;
constexpr std::size_t kMaxPath = 100;  // sun_path holds 108 with its end; ".new" is added

class ListenImpl final : public Poco::Net::ServerSocketImpl {
public:
    ListenImpl(int fd, std::optional<gid_t> operators, std::chrono::milliseconds headTime, std::size_t headRoom)
        : operators_(operators), headTime_(headTime), headRoom_(headRoom) {
        reset(fd);
    }

    Poco::Net::SocketImpl* acceptConnection(Poco::Net::SocketAddress& /*client*/) override {
        const int fd = ::accept4(sockfd(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            const int error = errno;
            // Without a descriptor to spare the connection stays in the backlog and poll() reports it at once again.
            if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS)
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            throw Poco::Net::NetException("accept", std::generic_category().message(error), error);
        }
        return new PeerSocket(fd, identify(fd, operators_), headTime_, headRoom_);
    }

protected:
    ~ListenImpl() override = default;

private:
    std::optional<gid_t> operators_;
    std::chrono::milliseconds headTime_;
    std::size_t headRoom_;
};

sockaddr_un addressOf(const std::string& path) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

tl::unexpected<Error> system(Code code, const std::string& path, int error, const std::string& remedy) {
    return fail(code, "control socket " + path, std::generic_category().message(error) + "; " + remedy);
}

/// Nothing if the place is free, or holds the socket of a daemon that is gone.
Result<void> checkPlace(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT)
            return {};
        return system(errno == EACCES ? Code::denied : Code::storage, path, errno, "check the directories above it");
    }
    if (!S_ISSOCK(info.st_mode))
        return fail(Code::denied, "control socket " + path,
                    "there is a file that is no socket; remove it or choose another --control PATH");
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return system(Code::internal, path, errno, "raise the limit of open files");
    const sockaddr_un address = addressOf(path);
    const int done = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = done == 0 ? 0 : errno;
    ::close(probe);
    if (error == 0 || error == EAGAIN || error == EINPROGRESS)
        return fail(Code::duplicate, "control socket " + path,
                    "another daemon answers there; stop it or choose another --control PATH");
    if (error == ECONNREFUSED || error == ENOENT)
        return {};
    return system(Code::denied, path, error, "choose another --control PATH");
}

}  // namespace

Peer identify(int fd, std::optional<gid_t> operators) noexcept {
    Peer peer;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof credentials)
        return peer;
    peer.uid = credentials.uid;
    if (credentials.uid == 0 || credentials.uid == ::geteuid()) {
        peer.role = Role::admin;
        return peer;
    }
    if (!operators)
        return peer;
    if (credentials.gid == *operators) {
        peer.role = Role::operator_;
        return peer;
    }
#ifdef SO_PEERGROUPS
    // The kernel's own list as of the connect; getgrnam's would be what a file says now.
    try {
        std::vector<gid_t> groups(64);
        size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        int done = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
        if (done != 0 && errno == ERANGE) {
            groups.resize(size / sizeof(gid_t));
            done = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
        }
        groups.resize(done == 0 ? size / sizeof(gid_t) : 0);
        if (std::find(groups.begin(), groups.end(), *operators) != groups.end())
            peer.role = Role::operator_;
    } catch (const std::bad_alloc&) {
        peer.role.reset();
    }
#endif
    return peer;
}

PeerSocket::PeerSocket(int fd, Peer peer, std::chrono::milliseconds headTime, std::size_t headRoom)
    : StreamSocketImpl(fd), peer_(peer), deadline_(std::chrono::steady_clock::now() + headTime), room_(headRoom) {}

PeerSocket::~PeerSocket() {
    http::endOfUses(this);
}

void PeerSocket::allow(std::chrono::milliseconds time, std::size_t octets) noexcept {
    deadline_ = std::chrono::steady_clock::now() + time;
    room_ = octets;
}

std::chrono::milliseconds PeerSocket::left() const noexcept {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

int PeerSocket::receiveBytes(void* buffer, int length, int flags) {
    const http::SocketUse use(this);
    if (room_ == 0)
        throw Poco::Net::NetException("more octets than allowed");
    const auto wait = left();
    if (wait.count() == 0 || !StreamSocketImpl::poll(Poco::Timespan(wait.count() * 1000), SELECT_READ))
        throw Poco::TimeoutException();
    const int got = StreamSocketImpl::receiveBytes(
        buffer, static_cast<int>(std::min(static_cast<std::size_t>(length), room_)), flags);
    if (got > 0)
        room_ -= static_cast<std::size_t>(got);
    return got;
}

int PeerSocket::sendBytes(const void* buffer, int length, int flags) {
    const http::SocketUse use(this);
    return StreamSocketImpl::sendBytes(buffer, length, flags | MSG_NOSIGNAL);
}

bool PeerSocket::poll(const Poco::Timespan& timeout, int mode) {
    const http::SocketUse use(this);
    const Poco::Timespan most(left().count() * 1000);
    return StreamSocketImpl::poll(std::min(timeout, most), mode);
}

Listener::Listener(int fd, std::optional<gid_t> operators, std::chrono::milliseconds headTime, std::size_t headRoom)
    : ServerSocket(new ListenImpl(fd, operators, headTime, headRoom), true) {}

Result<int> listenAt(const std::string& path, std::optional<gid_t> operators) {
    if (path.empty() || path.size() > kMaxPath)
        return fail(Code::malformed, "control socket " + path,
                    std::to_string(path.size()) + " octets found, 1 to " + std::to_string(kMaxPath) +
                        " allowed; choose a shorter --control PATH");
    if (auto place = checkPlace(path); !place)
        return fail(std::move(place.error()));
    const std::string beside = path + ".new";
    ::unlink(beside.c_str());  // ours by its name, left over from a start that was cut short
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system(Code::internal, path, errno, "raise the limit of open files");
    const auto giveUp = [&](int error, const char* remedy) {
        ::close(fd);
        ::unlink(beside.c_str());
        return system(error == ENOENT                     ? Code::missing
                      : error == EACCES || error == EPERM ? Code::denied
                                                          : Code::storage,
                      path, error, remedy);
    };
    const sockaddr_un address = addressOf(beside);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return giveUp(errno, "the directory must be there and musterd must be able to write in it");
    // Nobody can connect before listen(), so the mode that bind() gave it does not matter.
    if (operators && ::chown(beside.c_str(), static_cast<uid_t>(-1), *operators) != 0 && errno != EPERM)
        return giveUp(errno, "its group could not be set");
    if (::chmod(beside.c_str(), 0660) != 0)
        return giveUp(errno, "its mode could not be set");
    if (::listen(fd, kBacklog) != 0)
        return giveUp(errno, "choose another --control PATH");
    if (::rename(beside.c_str(), path.c_str()) != 0)
        return giveUp(errno, "choose another --control PATH");
    return fd;
}

}  // namespace muster::control
