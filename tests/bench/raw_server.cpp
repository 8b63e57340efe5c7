/// bench_raw_server: the least that a server can do. One thread, one epoll loop, answers canned bytes, records nothing.
/// What Muster costs is measured against this; behind the relay it plays the licensed host.
#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers) sigaction is POSIX, not in <csignal>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "CLI/CLI.hpp"

#include "muster/types.h"

#include "canned.h"
#include "process_usage.h"

namespace {

using namespace muster::bench;

volatile sig_atomic_t stopping = 0;

struct Connection {
    std::uint16_t size = 0;
    std::array<std::byte, 512> buffer{};
};

class Server {
public:
    explicit Server(const muster::Address& address) : bindAck_(bindAckPdu()), response_(responsePdu()) {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int yes = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(address.port);
        std::memcpy(&name.sin_addr, address.octets.data() + 12, 4);
        socklen_t size = sizeof name;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 || listen(listener_, 4096) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) != 0)
            throw std::runtime_error("cannot listen on " + address.text() + ": " +
                                     std::generic_category().message(errno));
        std::printf("listening on port %u\n", ntohs(name.sin_port));
        std::fflush(stdout);
        epoll_ = epoll_create1(EPOLL_CLOEXEC);
        watch(listener_);
    }

    void run() {
        std::array<epoll_event, 512> events{};
        while (stopping == 0) {
            const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_)
                    acceptSome();
                else
                    serve(fd);
            }
        }
        std::printf("answered %llu\n", static_cast<unsigned long long>(answered_));
    }

private:
    void watch(int fd) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }

    void acceptSome() {
        for (int i = 0; i < 64; ++i) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return;
            if (static_cast<std::size_t>(fd) >= connections_.size())
                connections_.resize(static_cast<std::size_t>(fd) + 64);
            connections_[static_cast<std::size_t>(fd)].size = 0;
            watch(fd);
            serve(fd);  // the bind is usually there already
        }
    }

    void serve(int fd) {
        auto& connection = connections_[static_cast<std::size_t>(fd)];
        const auto got =
            recv(fd, connection.buffer.data() + connection.size, connection.buffer.size() - connection.size, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            close(fd);
            return;
        }
        connection.size = static_cast<std::uint16_t>(connection.size + got);
        while (connection.size >= kHeaderSize) {
            const auto length = read16(connection.buffer.data() + 8);
            if (length < kHeaderSize || length > connection.buffer.size()) {
                close(fd);
                return;
            }
            if (connection.size < length)
                return;
            answer(fd, std::span(connection.buffer).first(length));
            connection.size = static_cast<std::uint16_t>(connection.size - length);
            std::memmove(connection.buffer.data(), connection.buffer.data() + length, connection.size);
        }
    }

    void answer(int fd, std::span<const std::byte> pdu) {
        if (static_cast<PduType>(pdu[2]) == PduType::bind) {
            write32(bindAck_.data() + 12, read32(pdu.data() + 12));
            send(fd, bindAck_.data(), bindAck_.size(), MSG_NOSIGNAL);
        } else {
            answerTo(pdu, response_);
            send(fd, response_.data(), response_.size(), MSG_NOSIGNAL);
            ++answered_;
        }
    }

    int listener_ = -1;
    int epoll_ = -1;
    std::vector<Connection> connections_;
    std::array<std::byte, kBindAckSize> bindAck_;
    std::array<std::byte, kResponseSize> response_;
    std::uint64_t answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Answers canned bytes as fast as one thread can: what Muster is measured against."};
    std::string listenOn = "127.0.0.1:0";
    int core = -1;
    app.add_option("--listen", listenOn, "IPv4 ADDRESS:PORT; port 0: any, printed")->capture_default_str();
    app.add_option("--cpu", core, "run on this core only");
    CLI11_PARSE(app, argc, argv);

    const auto address = muster::Address::parse(listenOn);
    if (!address || !address->isV4()) {
        std::fprintf(stderr, "bench_raw_server: --listen %s: an IPv4 ADDRESS:PORT is wanted\n", listenOn.c_str());
        return 64;
    }
    if (core >= 0 && !pinTo(core)) {
        std::fprintf(stderr, "bench_raw_server: there is no core %d\n", core);
        return 64;
    }
    raiseFileLimit();
    struct sigaction action {};
    action.sa_handler = [](int) { stopping = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    try {
        Server(*address).run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_raw_server: %s\n", error.what());
        return 1;
    }
    return 0;
}
