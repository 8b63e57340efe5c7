#include "probe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include "kms/rpc_client.h"

namespace muster::publisher {

namespace {

constexpr std::chrono::milliseconds kGlance{100};  // how often `stopped` is asked
constexpr std::size_t kBindRoom = 256;             // one bind with one context is 72 octets

std::string words(int error) {
    return std::generic_category().message(error);
}

/// One address: connects, binds, and knows when it is over.
class Attempt {
public:
    Attempt(Probe& probe, const ProbeTerms& terms, Monotonic now) : probe_(probe), terms_(terms) {
        due_ = now + terms.connect;
        connect();
    }
    ~Attempt() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    bool over() const noexcept { return over_; }
    Monotonic due() const noexcept { return due_; }
    pollfd wanted() const noexcept { return {fd_, static_cast<short>(bound() ? POLLIN : POLLOUT), 0}; }

    void ready(Monotonic now) {
        if (bound())
            receive();
        else
            connected(now);
    }
    void expired() {
        over_ = true;
        if (bound()) {
            probe_.rpc = Probe::Rpc::silent;
            probe_.words = "takes the connection, but does not answer an RPC bind";
        } else {
            probe_.port = Probe::Port::silent;
            probe_.words = "does not answer on its port";
        }
    }

private:
    bool bound() const noexcept { return probe_.port == Probe::Port::open; }

    void connect() {
        const Address& to = probe_.address;
        fd_ = ::socket(to.isV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int done = -1;
        if (fd_ >= 0 && to.isV4()) {
            sockaddr_in v4{};
            v4.sin_family = AF_INET;
            v4.sin_port = htons(to.port);
            std::memcpy(&v4.sin_addr, to.octets.data() + 12, 4);
            done = ::connect(fd_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
        } else if (fd_ >= 0) {
            sockaddr_in6 v6{};
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(to.port);
            v6.sin6_scope_id = to.scopeId;
            std::memcpy(&v6.sin6_addr, to.octets.data(), 16);
            done = ::connect(fd_, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
        }
        if (done != 0 && errno != EINPROGRESS)
            notConnected(errno);
    }
    void connected(Monotonic now) {
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        if (error != 0) {
            notConnected(error);
            return;
        }
        probe_.port = Probe::Port::open;
        due_ = now + terms_.bind;
        std::array<std::byte, kBindRoom> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by bind()
        kms::Writer writer(room);
        association_.bind(writer);
        // A socket that has just connected takes so little at once.
        const Octets bind = writer.written();
        if (::send(fd_, bind.data(), bind.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bind.size()))
            settle(Probe::Rpc::other, "closes the connection at once");
    }
    void notConnected(int error) {
        over_ = true;
        probe_.port = error == ECONNREFUSED ? Probe::Port::closed
                      : error == ETIMEDOUT  ? Probe::Port::silent
                                            : Probe::Port::unreachable;
        probe_.words = error == ECONNREFUSED ? "refuses the connection: nothing listens on that port"
                       : error == ETIMEDOUT  ? "does not answer on its port"
                                             : "cannot be reached (" + words(error) + ")";
    }
    void receive() {
        std::array<std::byte, 1024> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv writes it
        const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            settle(Probe::Rpc::other, "closes the connection instead of answering an RPC bind");
            return;
        }
        input_.insert(input_.end(), room.begin(), room.begin() + got);
        for (std::size_t at = 0; !over_;) {
            const auto progress = association_.advance(Octets(input_).subspan(at));
            at += progress.consumed;
            judge(progress.step);
            if (progress.step == kms::ClientAssociation::Step::starved) {
                input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
                break;
            }
        }
        if (!over_ && input_.size() > kms::kMaxFragment)
            settle(Probe::Rpc::other, "answers with what is no RPC");
    }
    void judge(kms::ClientAssociation::Step step) {
        using Step = kms::ClientAssociation::Step;
        switch (step) {
            case Step::starved:
            case Step::went:
                return;
            case Step::bound:
                if (association_.accepted())
                    settle(Probe::Rpc::kms, "");
                else
                    settle(Probe::Rpc::other, "speaks RPC, but has no KMS interface");
                return;
            case Step::refused:
                if (association_.nakReason() == kms::NakReason::temporaryCongestion ||
                    association_.nakReason() == kms::NakReason::localLimitExceeded)
                    settle(Probe::Rpc::silent, "speaks RPC, but says that it is too busy just now");
                else
                    settle(Probe::Rpc::other, "speaks RPC, but refuses the bind");
                return;
            default:
                settle(Probe::Rpc::other, "answers with what is no RPC");
        }
    }
    void settle(Probe::Rpc rpc, const char* text) {
        over_ = true;
        probe_.rpc = rpc;
        probe_.words = text;
    }

    Probe& probe_;
    const ProbeTerms& terms_;
    kms::ClientAssociation association_;
    std::vector<std::byte> input_;
    Monotonic due_{};
    int fd_ = -1;
    bool over_ = false;
};

}  // namespace

std::vector<Probe> probeAll(const std::vector<Address>& addresses, const ProbeTerms& terms,
                            const dns::Stopped& stopped) {
    std::vector<Probe> probes(addresses.size());
    for (std::size_t i = 0; i < addresses.size(); ++i)
        probes[i].address = addresses[i];
    std::vector<std::unique_ptr<Attempt>> running;
    std::vector<pollfd> watched;
    for (std::size_t next = 0; next < probes.size() || !running.empty();) {
        if (stopped())
            break;
        for (; next < probes.size() && running.size() < std::max<std::size_t>(terms.parallel, 1); ++next)
            running.push_back(std::make_unique<Attempt>(probes[next], terms, std::chrono::steady_clock::now()));
        std::erase_if(running, [](const auto& attempt) { return attempt->over(); });
        if (running.empty())
            continue;
        watched.clear();
        Monotonic due = std::chrono::steady_clock::now() + kGlance;
        for (const auto& attempt : running) {
            watched.push_back(attempt->wanted());
            due = std::min(due, attempt->due());
        }
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
        if (::poll(watched.data(), watched.size(), static_cast<int>(std::clamp(wait, {}, kGlance).count())) < 0)
            continue;
        const Monotonic now = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < running.size(); ++i) {
            if (watched[i].revents != 0)
                running[i]->ready(now);
            if (!running[i]->over() && now >= running[i]->due())
                running[i]->expired();
        }
        std::erase_if(running, [](const auto& attempt) { return attempt->over(); });
    }
    return probes;
}

}  // namespace muster::publisher
