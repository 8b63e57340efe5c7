/// For this room's tests: the other end of a connection, on the library's own client.
#pragma once

#include <cstring>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "mbedtls/net_sockets.h"
#include "mbedtls/ssl.h"

#include "tls/mbed.h"

namespace muster::tls::test {

/// A descriptor that closes itself.
class Fd {
public:
    explicit Fd(int fd = -1) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }
    void reset() noexcept {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

inline std::pair<Fd, Fd> socketPair() {
    int both[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0)
        std::abort();
    return {Fd(both[0]), Fd(both[1])};
}

/// Blocks; gives up after half a minute, which no test should need.
class Client {
public:
    /// @param fd  stays the caller's
    explicit Client(int fd) : fd_(fd) {
        started();
        mbedtls_ssl_config_defaults(config.get(), MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT);
        mbedtls_ssl_conf_authmode(config.get(), MBEDTLS_SSL_VERIFY_NONE);
        mbedtls_ssl_conf_rng(config.get(), random, nullptr);
    }

    /// With suites that only TLS 1.2 has.
    void offer12(const int* suites) {
#if MBEDTLS_VERSION_MAJOR >= 3
        mbedtls_ssl_conf_max_tls_version(config.get(), MBEDTLS_SSL_VERSION_TLS1_2);
#endif
        mbedtls_ssl_conf_ciphersuites(config.get(), suites);
    }
    /// 0, or the library's error.
    int handshake() {
        if (const int bad = mbedtls_ssl_setup(ssl.get(), config.get()); bad != 0)
            return bad;
        mbedtls_ssl_set_hostname(ssl.get(), "localhost");
        mbedtls_ssl_set_bio(ssl.get(), this, send, receive, nullptr);
        return mbedtls_ssl_handshake(ssl.get());
    }
    int write(std::string_view text) {
        return mbedtls_ssl_write(ssl.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
    /// Up to `until`, or to the end; `last` is what the library said then.
    std::string read(std::string_view until = {}) {
        std::string out;
        unsigned char piece[1024];
        while (until.empty() || out.find(until) == std::string::npos) {
            last = mbedtls_ssl_read(ssl.get(), piece, sizeof piece);
            if (last > 0)
                out.append(reinterpret_cast<const char*>(piece), static_cast<std::size_t>(last));
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
            else if (last == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
                continue;
#endif
            else
                break;
        }
        return out;
    }

    Held<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config;
    Held<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free> ssl;
    int last = 0;

private:
    static int receive(void* self, unsigned char* into, std::size_t size) {
        const int fd = static_cast<Client*>(self)->fd_;
        pollfd watched{fd, POLLIN, 0};
        if (::poll(&watched, 1, 30'000) <= 0)
            return MBEDTLS_ERR_SSL_TIMEOUT;
        const ssize_t got = ::recv(fd, into, size, 0);
        return got >= 0 ? static_cast<int>(got) : MBEDTLS_ERR_NET_CONN_RESET;
    }
    static int send(void* self, const unsigned char* from, std::size_t size) {
        const ssize_t sent = ::send(static_cast<Client*>(self)->fd_, from, size, MSG_NOSIGNAL);
        return sent >= 0 ? static_cast<int>(sent) : MBEDTLS_ERR_NET_CONN_RESET;
    }

    int fd_;
};

}  // namespace muster::tls::test
