#include "host/supervise/listen_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "host/supervise/systemd.h"

namespace muster::supervise {

namespace {

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress toSystem(const Address& address) noexcept {
    SocketAddress result;
    if (address.isV4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&v4.sin_addr, address.octets.data() + 12, 4);
        std::memcpy(&result.storage, &v4, sizeof v4);
        result.size = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        v6.sin6_scope_id = address.scopeId;
        std::memcpy(&v6.sin6_addr, address.octets.data(), 16);
        std::memcpy(&result.storage, &v6, sizeof v6);
        result.size = sizeof v6;
    }
    return result;
}

std::optional<Address> boundAddress(int fd) noexcept {
    SocketAddress system;
    system.size = sizeof system.storage;
    if (::getsockname(fd, system.get(), &system.size) != 0)
        return std::nullopt;
    Address address;
    if (system.storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &system.storage, sizeof v4);
        address.octets[10] = address.octets[11] = 0xFF;
        std::memcpy(address.octets.data() + 12, &v4.sin_addr, 4);
        address.port = ntohs(v4.sin_port);
        return address;
    }
    if (system.storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &system.storage, sizeof v6);
        std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
        address.port = ntohs(v6.sin6_port);
        address.scopeId = v6.sin6_scope_id;
        return address;
    }
    return std::nullopt;
}

bool isListeningTcp(int fd) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size) != 0 || value != IPPROTO_TCP)
        return false;
    size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

/// "muster-127.0.0.1_1688": the store's names have no colons.
std::string storeName(const Address& address) {
    std::string name = "muster-" + address.text();
    std::replace(name.begin(), name.end(), ':', '_');
    if (address.scopeId != 0)
        name += '%' + std::to_string(address.scopeId);
    return name;
}

tl::unexpected<Error> refusal(const Address& address, const char* step, int error) {
    Code code = Code::internal;
    const char* remedy = "see the system's own log";
    switch (error) {
        case EADDRINUSE:
            code = Code::duplicate;
            remedy = "another program listens there; \"ss -ltnp\" shows which: stop it, or choose another port";
            break;
        case EACCES:
        case EPERM:
            code = Code::denied;
            remedy = "ports below 1024 need the capability CAP_NET_BIND_SERVICE; the service unit has it";
            break;
        case EADDRNOTAVAIL:
            code = Code::missing;
            remedy = "no interface of this machine has that address; \"ip address\" shows those it has";
            break;
        case EAFNOSUPPORT:
        case EPROTONOSUPPORT:
            code = Code::missing;
            remedy = address.isV4() ? "this machine has no IPv4" : "this machine has no IPv6; remove the address";
            break;
        case EMFILE:
        case ENFILE:
            code = Code::busy;
            remedy = "no descriptor is left; raise LimitNOFILE or lower listener.max-connections";
            break;
        default:
            break;
    }
    return fail(code, address.text(), std::string(step) + ": " + std::system_category().message(error) + "; " + remedy);
}

}  // namespace

std::vector<PassedDescriptor> passedDescriptors() {
    std::vector<PassedDescriptor> passed;
    int fd = systemd::kFirstDescriptor;
    for (std::string& name : systemd::takeListenNames())
        passed.push_back({fd++, std::move(name)});
    return passed;
}

ListenSockets::ListenSockets(Notifier& notifier, Log log) : notifier_(notifier), log_(std::move(log)) {}

ListenSockets::~ListenSockets() {
    for (const Entry& entry : open_)
        ::close(entry.fd);
    for (const Entry& entry : adopted_)
        ::close(entry.fd);
}

void ListenSockets::adopt(std::vector<PassedDescriptor> passed) {
    const std::lock_guard lock(mutex_);
    for (PassedDescriptor& descriptor : passed) {
        const auto address = boundAddress(descriptor.fd);
        if (!address || !isListeningTcp(descriptor.fd)) {
            log_(Severity::warning,
                 "descriptor \"" + descriptor.name + "\" from systemd is no listening TCP socket; closed");
            notifier_.dropDescriptor(descriptor.name);
            ::close(descriptor.fd);
            continue;
        }
        adopted_.push_back({*address, *address, descriptor.fd, std::move(descriptor.name)});
    }
}

Result<int> ListenSockets::open(const Address& address, bool forClients) {
    const std::lock_guard lock(mutex_);
    const auto same = [&](const Entry& entry) { return entry.asked == address; };
    if (std::any_of(open_.begin(), open_.end(), same))
        return fail(Code::duplicate, address.text(), "already open here; name each address once");
    const auto kept = std::find_if(adopted_.begin(), adopted_.end(), same);
    if (kept != adopted_.end()) {
        open_.push_back(std::move(*kept));
        open_.back().forClients = forClients;
        adopted_.erase(kept);
        log_(Severity::info, address.text() + " taken over from before the restart");
        return open_.back().fd;
    }
    auto fd = make(address);
    if (!fd)
        return fd;
    const Address bound = boundAddress(*fd).value_or(address);
    open_.push_back({address, bound, *fd, storeName(bound), forClients});
    notifier_.storeDescriptor(*fd, open_.back().name);
    return fd;
}

Result<int> ListenSockets::make(const Address& address) {
    const int family = address.isV4() ? AF_INET : AF_INET6;
    const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return refusal(address, "socket", errno);
    const int yes = 1;
    // Connections of a former run in TIME_WAIT do not hold the port; a program that listens there still does.
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (family == AF_INET6)
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    SocketAddress system = toSystem(address);
    const char* step = "bind";
    int result = ::bind(fd, system.get(), system.size);
    if (result == 0) {
        step = "listen";
        result = ::listen(fd, kBacklog);
    }
    if (result != 0) {
        const int error = errno;
        ::close(fd);
        return refusal(address, step, error);
    }
    return fd;
}

void ListenSockets::close(const Address& address) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(open_.begin(), open_.end(), [&](const Entry& entry) { return entry.asked == address; });
    if (found == open_.end())
        return;
    notifier_.dropDescriptor(found->name);
    // Not before a duplicate in systemd's hands goes: shutdown ends the listening for all of them at once.
    ::shutdown(found->fd, SHUT_RDWR);
    ::close(found->fd);
    open_.erase(found);
}

void ListenSockets::dropUnclaimed() noexcept {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : adopted_) {
        log_(Severity::info, entry.bound.text() + " from before the restart is no longer wanted; closed");
        notifier_.dropDescriptor(entry.name);
        ::shutdown(entry.fd, SHUT_RDWR);
        ::close(entry.fd);
    }
    adopted_.clear();
}

void ListenSockets::handOver() {
    const std::lock_guard lock(mutex_);
    adopted_.insert(adopted_.end(), std::make_move_iterator(open_.begin()), std::make_move_iterator(open_.end()));
    open_.clear();
}

std::vector<Address> ListenSockets::bound() const {
    const std::lock_guard lock(mutex_);
    std::vector<Address> result;
    result.reserve(open_.size());
    for (const Entry& entry : open_)
        if (entry.forClients)
            result.push_back(entry.bound);
    return result;
}

std::vector<Address> ListenSockets::allBound() const {
    const std::lock_guard lock(mutex_);
    std::vector<Address> result;
    result.reserve(open_.size());
    for (const Entry& entry : open_)
        result.push_back(entry.bound);
    return result;
}

}  // namespace muster::supervise
