#include "tls/tls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "mbedtls/net_sockets.h"
#include "mbedtls/ssl.h"
#include "mbedtls/ssl_ciphersuites.h"

#include "tls/mbed.h"

namespace muster::tls {

namespace {

using Config = Held<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free>;
using Ssl = Held<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free>;

// Forward secrecy and AEAD alone (RFC 9325 4.2); of equal strength first what processors have instructions for.
constexpr int kSuites[] = {
#if MBEDTLS_VERSION_MAJOR >= 3
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0};

#if MBEDTLS_VERSION_MAJOR >= 3
constexpr std::uint16_t kGroups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                     MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
constexpr std::uint16_t kSignatures[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                         MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
                                         MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
                                         MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
                                         MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
                                         MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
                                         MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
                                         MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
                                         MBEDTLS_TLS1_3_SIG_NONE};
#else
constexpr mbedtls_ecp_group_id kGroups[] = {MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
                                            MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
// The library's default has SHA-1 among them.
constexpr int kSignatures[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};
#endif

bool isLetter(unsigned char octet) noexcept {
    return (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z');
}

/// Until `events` or the end of the connection. False: the deadline came first.
bool waitFor(int fd, short events, Monotonic deadline) noexcept {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd watched{fd, events, 0};
        const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000)));
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true;  // an error of poll() shows itself at the next read
        if (ready == 0 && left.count() <= 0)
            return false;
    }
}

}  // namespace

struct Context::Inner {
    Key key;
    Crt chain;
    std::array<const char*, 2> protocols{"http/1.1", nullptr};
    Config config;  // refers to all of the above, so it goes first
};

Context::Context(std::unique_ptr<Inner> inner) noexcept : inner_(std::move(inner)) {}

Context::~Context() = default;

bool Context::speaks13() noexcept {
#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
    return true;
#else
    return false;
#endif
}

Result<std::shared_ptr<const Context>> Context::make(const std::string& pem) {
    if (!started())
        return fail(Code::internal, "TLS", "the library's cryptography cannot be started");
    auto inner = std::make_unique<Inner>();
    if (const int bad = parseKey(*inner->key.get(), pem); bad != 0)
        return fail(Code::malformed, "private key", wordsOf(bad) + "; a PEM key without a password is wanted");
    const auto* text = reinterpret_cast<const unsigned char*>(pem.c_str());
    if (const int bad = mbedtls_x509_crt_parse(inner->chain.get(), text, pem.size() + 1); bad != 0)
        return fail(Code::malformed, "certificate",
                    bad > 0 ? std::to_string(bad) + " of the certificates cannot be read" : wordsOf(bad));
    if (!belongTogether(*inner->chain.get(), *inner->key.get()))
        return fail(Code::malformed, "private key", "is not the key of the first certificate; give both of one pair");

    mbedtls_ssl_config* config = inner->config.get();
    int bad = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT);
    if (bad == 0)
        bad = mbedtls_ssl_conf_own_cert(config, inner->chain.get(), inner->key.get());
    if (bad == 0)
        bad = mbedtls_ssl_conf_alpn_protocols(config, inner->protocols.data());
    if (bad != 0)
        return fail(Code::internal, "TLS", wordsOf(bad));
    mbedtls_ssl_conf_rng(config, random, nullptr);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_ciphersuites(config, kSuites);
    mbedtls_ssl_conf_extended_master_secret(config, MBEDTLS_SSL_EXTENDED_MS_ENABLED);
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, speaks13() ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_groups(config, kGroups);
    mbedtls_ssl_conf_sig_algs(config, kSignatures);
#else
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_curves(config, kGroups);
    mbedtls_ssl_conf_sig_hashes(config, kSignatures);
#endif
#ifdef MBEDTLS_SSL_RENEGOTIATION
    mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
    return std::shared_ptr<const Context>(new Context(std::move(inner)));
}

struct Session::Inner {
    Inner(std::shared_ptr<const Context> with, int of) noexcept : context(std::move(with)), fd(of) {}

    static int receive(void* self, unsigned char* into, std::size_t size) noexcept {
        auto& inner = *static_cast<Inner*>(self);
        // The library goes on reading as long as records come that carry nothing.
        if (std::chrono::steady_clock::now() >= inner.deadline) {
            inner.late = true;
            return MBEDTLS_ERR_SSL_WANT_READ;
        }
        // The library asks for a record's head first, then for the rest: both come with one call here.
        if (inner.ahead.empty()) {
            const bool large = size >= inner.buffer.size();
            const ssize_t got = large ? ::recv(inner.fd, into, size, MSG_DONTWAIT)
                                      : ::recv(inner.fd, inner.buffer.data(), inner.buffer.size(), MSG_DONTWAIT);
            if (got < 0)
                return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_CONN_RESET;
            if (large || got == 0)
                return static_cast<int>(got);
            inner.ahead = std::span(inner.buffer).first(static_cast<std::size_t>(got));
        }
        const std::size_t taken = std::min(size, inner.ahead.size());
        std::copy_n(inner.ahead.begin(), taken, into);
        inner.ahead = inner.ahead.subspan(taken);
        return static_cast<int>(taken);
    }
    static int send(void* self, const unsigned char* from, std::size_t size) noexcept {
        const ssize_t sent = ::send(static_cast<Inner*>(self)->fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0)
            return static_cast<int>(sent);
        return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_CONN_RESET;
    }

    Io end(Outcome how, std::string why = {}) {
        over = true;
        ending = how;
        words = std::move(why);
        return {how, 0};
    }

    /// Takes steps until one is no longer waiting.
    template <class Step>
    Io run(Monotonic until, Step step) {
        deadline = until;
        late = false;
        for (;;) {
            const int code = step();
            if (code >= 0)
                return {Outcome::done, static_cast<std::size_t>(code)};
            switch (code) {
                case MBEDTLS_ERR_SSL_WANT_READ:
                    if (late || !waitFor(fd, POLLIN, until))
                        return {Outcome::timeout, 0};
                    break;
                case MBEDTLS_ERR_SSL_WANT_WRITE:
                    if (!waitFor(fd, POLLOUT, until))
                        return {Outcome::timeout, 0};
                    break;
                case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
                case MBEDTLS_ERR_SSL_CONN_EOF:
                case MBEDTLS_ERR_NET_CONN_RESET:
                    return end(Outcome::closed);
                default:
                    return end(Outcome::failed, wordsOf(code));
            }
        }
    }

    /// The handshake, if it has not been.
    Io begin(Monotonic until) {
        if (over)
            return {ending, 0};
        if (established || plain)
            return {Outcome::done, 0};
        if (!ssl) {
            if (!opened) {
                const Outcome first = awaitFirst(until);
                if (first == Outcome::timeout)
                    return {first, 0};
                if (first != Outcome::done)
                    return end(first);
            }
            if (clear)
                return end(Outcome::failed, "the peer does not speak TLS but HTTP in the clear");
            ssl = std::make_unique<Ssl>();
            if (const int bad = mbedtls_ssl_setup(ssl->get(), context->inner_->config.get()); bad != 0)
                return end(Outcome::failed, wordsOf(bad));
            mbedtls_ssl_set_bio(ssl->get(), this, send, receive, nullptr);
        }
        const Io shaken = run(until, [this] { return mbedtls_ssl_handshake(ssl->get()); });
        established = shaken.outcome == Outcome::done;
        return {shaken.outcome, 0};
    }

    Outcome awaitFirst(Monotonic until) noexcept {
        unsigned char octet = 0;
        for (;;) {
            const ssize_t got = ::recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
            if (got > 0) {
                opened = true;
                clear = isLetter(octet);
                return Outcome::done;
            }
            if (got == 0 || (errno != EAGAIN && errno != EINTR))
                return Outcome::closed;
            if (!waitFor(fd, POLLIN, until))
                return Outcome::timeout;
        }
    }

    /// Waits for the next record and takes it with the same call: between two requests this is most of what a
    /// connection does. False: nothing came, for whatever reason.
    bool waitInside(Monotonic until) noexcept {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            return false;
        // The same time again and again, so that it is mostly set already.
        if (left > patience || patience - left > std::chrono::milliseconds(20)) {
            const timeval limit{static_cast<time_t>(left.count() / 1000),
                                static_cast<suseconds_t>(left.count() % 1000 * 1000)};
            if (::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
                return false;
            patience = left;
        }
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got > 0)
            ahead = std::span(buffer).first(static_cast<std::size_t>(got));
        return got >= 0;
    }

    Io readPlain(std::span<std::byte> into, Monotonic until) {
        for (;;) {
            const ssize_t got = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
            if (got > 0)
                return {Outcome::done, static_cast<std::size_t>(got)};
            if (got == 0 || (errno != EAGAIN && errno != EINTR))
                return end(Outcome::closed);
            if (!waitFor(fd, POLLIN, until))
                return {Outcome::timeout, 0};
        }
    }

    Io writePlain(std::span<const std::byte> from, Monotonic until) {
        for (std::size_t done = 0; done < from.size();) {
            const ssize_t sent = ::send(fd, from.data() + done, from.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent >= 0)
                done += static_cast<std::size_t>(sent);
            else if (errno != EAGAIN && errno != EINTR)
                return end(Outcome::closed);
            else if (!waitFor(fd, POLLOUT, until))
                return end(Outcome::timeout);
        }
        return {Outcome::done, from.size()};
    }

    std::shared_ptr<const Context> context;
    int fd;
    std::unique_ptr<Ssl> ssl;                  ///< from the handshake's beginning on
    std::array<unsigned char, 2048> buffer{};  ///< a request's head in one record
    std::span<const unsigned char> ahead;      ///< of it: came, and not taken by the library yet
    std::chrono::milliseconds patience{0};     ///< SO_RCVTIMEO as it is set
    Monotonic deadline;
    bool late = false;    ///< receive() found the deadline over
    bool opened = false;  ///< the first octet is known
    bool clear = false;   ///< it was a letter
    bool plain = false;   ///< octets pass in the clear
    bool established = false;
    bool over = false;  ///< the library must not be asked again
    Outcome ending = Outcome::done;
    std::string words;
};

Session::Session(std::shared_ptr<const Context> context, int fd)
    : inner_(std::make_unique<Inner>(std::move(context), fd)) {}

Session::~Session() = default;

Outcome Session::awaitFirst(Monotonic deadline) {
    return inner_->opened ? Outcome::done : inner_->awaitFirst(deadline);
}

bool Session::isPlain() const noexcept {
    return inner_->clear;
}

void Session::speakPlain() noexcept {
    inner_->plain = inner_->clear;
}

Io Session::read(std::span<std::byte> into, Monotonic deadline) {
    const Io begun = inner_->begin(deadline);
    if (begun.outcome != Outcome::done || into.empty())
        return begun;
    if (inner_->plain)
        return inner_->readPlain(into, deadline);
    const Io got = inner_->run(deadline, [&] {
        return mbedtls_ssl_read(inner_->ssl->get(), reinterpret_cast<unsigned char*>(into.data()), into.size());
    });
    return got.outcome == Outcome::done && got.octets == 0 ? inner_->end(Outcome::closed) : got;
}

Io Session::write(std::span<const std::byte> from, Monotonic deadline) {
    const Io begun = inner_->begin(deadline);
    if (begun.outcome != Outcome::done)
        return begun;
    if (inner_->plain)
        return inner_->writePlain(from, deadline);
    for (std::size_t done = 0; done < from.size();) {
        const auto rest = from.subspan(done);
        const Io sent = inner_->run(deadline, [&] {
            return mbedtls_ssl_write(inner_->ssl->get(), reinterpret_cast<const unsigned char*>(rest.data()),
                                     rest.size());
        });
        // Half a record is out: nothing but its other half could follow.
        if (sent.outcome == Outcome::timeout)
            return inner_->end(Outcome::timeout);
        if (sent.outcome != Outcome::done)
            return sent;
        done += sent.octets;
    }
    return {Outcome::done, from.size()};
}

std::size_t Session::pending() const noexcept {
    return inner_->ssl && !inner_->over ? mbedtls_ssl_get_bytes_avail(inner_->ssl->get()) : 0;
}

bool Session::awaitReadable(Monotonic deadline) const noexcept {
    return inner_->over || pending() > 0 || !inner_->ahead.empty() ||
           (inner_->established && inner_->waitInside(deadline)) || waitFor(inner_->fd, POLLIN, deadline);
}

void Session::closeNotify() noexcept {
    if (inner_->established && !inner_->over)
        mbedtls_ssl_close_notify(inner_->ssl->get());
}

const std::string& Session::words() const noexcept {
    return inner_->words;
}

std::string Session::protocol() const {
    return inner_->established ? mbedtls_ssl_get_version(inner_->ssl->get()) : "";
}

std::string Session::suite() const {
    return inner_->established ? mbedtls_ssl_get_ciphersuite(inner_->ssl->get()) : "";
}

}  // namespace muster::tls
