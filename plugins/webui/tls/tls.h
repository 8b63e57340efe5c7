/// TLS for a server, behind one narrow interface: no other room knows which library does it.
/// @source RFC 8446 (TLS 1.3), RFC 5246 (1.2), RFC 9325 (what to offer), RFC 7627, RFC 7301
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::tls {

/// A private key, the certificates that go with it, and what is offered to clients: TLS 1.2, and 1.3 where the library
/// has it; ECDHE over X25519, P-256 or P-384 with AES-GCM or ChaCha20-Poly1305, in the server's order; "http/1.1" by
/// ALPN. No renegotiation; no tickets and no cache of sessions either: connections are kept alive, so there is little
/// to save, and nothing that outlives a connection can give away what was said in it.
/// @thread any; never changes, sessions share it
class Context {
public:
    /// @param pem  a private key that is not encrypted and the chain that belongs to it, the server's certificate
    ///             first; in any order of key and chain. judge() says more about what is wrong with an upload.
    /// @error malformed  there is no key or no certificate in it, or they are not of each other
    /// @error internal   the library refused, with its words
    static Result<std::shared_ptr<const Context>> make(const std::string& pem);

    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context();

    /// Whether the library speaks TLS 1.3 as well.
    static bool speaks13() noexcept;

private:
    friend class Session;
    struct Inner;
    explicit Context(std::unique_ptr<Inner> inner) noexcept;

    std::unique_ptr<Inner> inner_;
};

/// How an attempt to read or write ended.
enum class Outcome : std::uint8_t {
    done,
    closed,   ///< by the peer, with or without its goodbye; HTTP has lengths, so a cut is noticed there
    timeout,  ///< the deadline came first
    failed,   ///< what came is not what the protocol wants; Session::words() says more
};

struct Io {
    Outcome outcome = Outcome::failed;
    std::size_t octets = 0;  ///< read or written; more than 0 only when done
};

/// The server's end of one connection. The handshake happens in the first read() or write(), never before, and memory
/// for it (about 40 KiB) is taken then: a client that connects and is silent costs a descriptor.
/// @thread one at a time; blocks until the deadline at the most, however slowly octets drip in
class Session {
public:
    /// @param fd  a connected stream socket, blocking or not; stays the caller's and outlives the session
    Session(std::shared_ptr<const Context> context, int fd);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Waits for the peer's first octet without taking it. `done`: isPlain() knows.
    Outcome awaitFirst(Monotonic deadline);
    /// Whether the peer began with a letter, as an HTTP request in the clear does. Whatever else is no handshake is
    /// left to the handshake, which refuses it with an alert.
    bool isPlain() const noexcept;
    /// From now on octets pass in the clear: for the one answer that names the https address. Without this call a
    /// plain connection fails at its first read.
    void speakPlain() noexcept;

    /// At least one octet, unless `into` is empty. A timeout does no harm: call again.
    Io read(std::span<std::byte> into, Monotonic deadline);
    /// All of them, or not done; then the connection is of no more use.
    Io write(std::span<const std::byte> from, Monotonic deadline);
    /// Octets that were deciphered and not yet read: poll() on the descriptor knows nothing of them.
    std::size_t pending() const noexcept;
    /// Whether there is something to read, or the end, before the deadline. Does no handshake; what is there may turn
    /// out to be no octet of the application's.
    bool awaitReadable(Monotonic deadline) const noexcept;
    /// Says goodbye if that takes no waiting.
    void closeNotify() noexcept;

    /// Why it failed, for a log: "SSL - ... (-0x7780)". Empty if it did not.
    const std::string& words() const noexcept;
    /// "TLSv1.2" and the suite as the library names it; empty before the handshake.
    std::string protocol() const;
    std::string suite() const;

private:
    struct Inner;
    std::unique_ptr<Inner> inner_;
};

}  // namespace muster::tls
