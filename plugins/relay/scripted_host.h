/// A KMS host for tests, on the test's own reactor: real sockets, Muster's own RPC server, and a script that says what
/// becomes of each call.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "muster/reactor.h"

#include "kms/body.h"
#include "kms/rpc_server.h"

namespace muster::relay::test {

class ScriptedHost final : private Watcher {
public:
    enum class Act : std::uint8_t {
        answer,     ///< `outcome` as it stands
        silence,    ///< nothing, ever
        reset,      ///< the connection is reset
        half,       ///< half of the answer, then the end
        afterwards  ///< answers, and closes the association at once
    };
    struct Reply {
        Act act = Act::answer;
        Outcome outcome;
    };

    std::function<Reply(Octets body)> script;
    std::vector<std::vector<std::byte>> asked;  ///< bodies of all calls
    unsigned accepted = 0;

    explicit ScriptedHost(Reactor& reactor, std::uint16_t port = 0) : reactor_(reactor) {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            return;
        port_ = ntohs(address.sin_port);
        (void)reactor_.watch(listener_, EPOLLIN, *this);
    }
    ~ScriptedHost() override { stop(); }
    ScriptedHost(const ScriptedHost&) = delete;
    ScriptedHost& operator=(const ScriptedHost&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    std::size_t connections() const noexcept { return peers_.size(); }
    /// As a host does that is switched off.
    void stop() {
        if (listener_ >= 0) {
            reactor_.unwatch(listener_);
            close(listener_);
            listener_ = -1;
        }
        peers_.clear();
    }
    /// As Windows does with associations that were idle.
    void dropConnections() { peers_.clear(); }

    /// A version 4 answer to `body`, as a host would give it.
    static Reply grant(Octets body, std::uint32_t count = 30) {
        ActivationRequest request;
        (void)kms::decodeRequest(body, request);
        ActivationAnswer answer;
        answer.major = request.major;
        answer.minor = request.minor;
        answer.epid = "55041-00168-305-123456-03-1033-7601.0000-0992009";
        answer.cmid = request.cmid;
        answer.clientTime = request.clientTime;
        answer.count = count;
        answer.activationInterval = 120;
        answer.renewalInterval = 10080;
        Reply reply;
        reply.outcome.kind = Outcome::Kind::answered;
        reply.outcome.size = static_cast<std::uint16_t>(kms::encodeAnswer(answer, reply.outcome.octets));
        for (std::size_t i = 0; i < kms::kSealSize; ++i)  // what the relay must not care about
            reply.outcome.octets[reply.outcome.size - 1 - i] = body[i % body.size()] ^ std::byte{0x5a};
        return reply;
    }
    static Reply refuse(HResult code) { return {Act::answer, Outcome::refuse(code)}; }
    static Reply just(Act act) { return {act, {}}; }

private:
    class Peer final : public Watcher {
    public:
        Peer(ScriptedHost& host, int fd) : host_(host), fd_(fd), association_(host.rpc_, host.port_) {
            (void)host_.reactor_.watch(fd_, EPOLLIN, *this);
        }
        ~Peer() override {
            host_.reactor_.unwatch(fd_);
            close(fd_);
        }
        void ready(std::uint32_t) noexcept override {
            std::byte buffer[8192];
            const ssize_t size = recv(fd_, buffer, sizeof buffer, 0);
            if (size <= 0) {
                host_.drop(*this);
                return;
            }
            input_.insert(input_.end(), buffer, buffer + size);
            if (!serve())
                host_.drop(*this);
        }

    private:
        bool serve() {
            for (;;) {
                std::vector<std::byte> room(kms::ServerAssociation::kMaxOutput);
                kms::Writer out(room);
                const auto progress = association_.advance(input_, out);
                bool more = true;
                bool keep = true;
                std::size_t send = out.size();
                if (progress.step == kms::ServerAssociation::Step::call) {
                    const Octets body = association_.call();
                    host_.asked.emplace_back(body.begin(), body.end());
                    const Reply reply = host_.script ? host_.script(body) : grant(body);
                    if (reply.act == Act::silence)
                        return true;
                    if (reply.act == Act::reset) {
                        const linger hard{1, 0};
                        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
                        return false;
                    }
                    association_.respond(reply.outcome, out);
                    send = reply.act == Act::half ? out.size() / 2 : out.size();
                    keep = reply.act == Act::answer;
                } else if (progress.step != kms::ServerAssociation::Step::went) {
                    more = false;
                    keep = progress.step == kms::ServerAssociation::Step::starved;
                }
                input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(progress.consumed));
                if (send != 0 && ::send(fd_, room.data(), send, MSG_NOSIGNAL) < 0)
                    return false;
                if (!keep)
                    return false;
                if (!more)
                    return true;
            }
        }

        ScriptedHost& host_;
        int fd_;
        kms::ServerAssociation association_;
        std::vector<std::byte> input_;
    };

    void ready(std::uint32_t) noexcept override {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        ++accepted;
        peers_.push_back(std::make_unique<Peer>(*this, fd));
    }
    void drop(const Peer& peer) {
        std::erase_if(peers_, [&](const auto& held) { return held.get() == &peer; });
    }

    Reactor& reactor_;
    kms::RpcServer rpc_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace muster::relay::test
