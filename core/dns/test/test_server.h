/// A DNS server for tests, by UDP and TCP on one port of 127.0.0.1, that answers as a function says.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "dns/message.h"

namespace muster::dns::test {

struct Query {
    Question question;
    bool tcp = false;
    bool edns = false;
    std::vector<std::byte> message;  ///< as it came
};

using Octetses = std::vector<std::vector<std::byte>>;

class Server {
public:
    /// @param answer  each element is sent as it is: a datagram, or octets on the connection. On the server's thread
    explicit Server(std::function<Octetses(const Query&)> answer) : answer_(std::move(answer)) {
        // The port that UDP gets is nearly always free for TCP; if not, another one.
        for (int tries = 0; tries < 100 && tcp_ < 0; ++tries) {
            if (udp_ >= 0)
                ::close(udp_);
            udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            sockaddr_in local{};
            local.sin_family = AF_INET;
            local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            socklen_t size = sizeof local;
            if (::bind(udp_, reinterpret_cast<const sockaddr*>(&local), size) != 0 ||
                ::getsockname(udp_, reinterpret_cast<sockaddr*>(&local), &size) != 0)
                continue;
            const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (::bind(tcp, reinterpret_cast<const sockaddr*>(&local), size) != 0 || ::listen(tcp, 8) != 0) {
                ::close(tcp);
                continue;
            }
            tcp_ = tcp;
            address_ = *Address::parse("127.0.0.1:" + std::to_string(ntohs(local.sin_port)));
        }
        if (tcp_ < 0 || ::pipe(wake_) != 0)
            throw std::runtime_error("no port for a test server");
        thread_ = std::thread([this] { run(); });
    }
    ~Server() {
        ::close(wake_[1]);
        thread_.join();
        for (const int fd : {udp_, tcp_, wake_[0]})
            ::close(fd);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    const Address& address() const noexcept { return address_; }
    std::vector<Query> queries() const {
        const std::lock_guard lock(mutex_);
        return queries_;
    }

private:
    void run() {
        for (;;) {
            pollfd watched[3] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
            if (::poll(watched, 3, -1) < 0 || watched[2].revents != 0)
                return;
            if (watched[0].revents != 0)
                datagram();
            if (watched[1].revents != 0)
                connection();
        }
    }

    void datagram() {
        std::byte buffer[2048];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(udp_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got <= 0)
            return;
        for (const auto& octets : answer(Octets(buffer, static_cast<std::size_t>(got)), false))
            ::sendto(udp_, octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }

    void connection() {
        const int fd = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
        std::byte buffer[8192];
        std::size_t have = 0;
        const auto octet = [&](std::size_t at) { return std::to_integer<std::size_t>(buffer[at]); };
        while (fd >= 0 && have < sizeof buffer && (have < 2 || have < 2 + (octet(0) << 8U | octet(1)))) {
            const ssize_t got = ::recv(fd, buffer + have, sizeof buffer - have, 0);
            if (got <= 0)
                break;
            have += static_cast<std::size_t>(got);
        }
        if (have > 2)
            for (const auto& octets : answer(Octets(buffer + 2, have - 2), true))
                ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (fd >= 0)
            ::close(fd);
    }

    Octetses answer(Octets message, bool tcp) {
        const auto octet = [&](std::size_t at) {
            return at < message.size() ? std::to_integer<unsigned>(message[at]) : 0U;
        };
        Query query;
        query.tcp = tcp;
        query.message.assign(message.begin(), message.end());
        query.question.recursion = (octet(2) & 1U) != 0;
        query.edns = octet(11) > 0;
        query.question.id = static_cast<std::uint16_t>(octet(0) << 8U | octet(1));
        std::size_t at = 12;
        for (unsigned length = octet(at); length != 0; length = octet(at)) {
            ++at;
            if (!query.question.name.empty())
                query.question.name += '.';
            for (unsigned i = 0; i < length; ++i)
                query.question.name += static_cast<char>(octet(at + i));
            at += length;
        }
        query.question.type = static_cast<Type>(octet(at + 1) << 8U | octet(at + 2));
        {
            const std::lock_guard lock(mutex_);
            queries_.push_back(query);
        }
        return answer_(query);
    }

    std::function<Octetses(const Query&)> answer_;
    int udp_ = -1;
    int tcp_ = -1;
    int wake_[2] = {-1, -1};
    Address address_;
    mutable std::mutex mutex_;
    std::vector<Query> queries_;
    std::thread thread_;
};

}  // namespace muster::dns::test
