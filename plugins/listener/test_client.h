/// For the tests of this room: a client's socket that is read while the host's reactors turn.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "muster/test/fake_host.h"

#include "kms/rpc_client.h"
#include "kms/stub.h"

namespace muster::listener::test {

using Bytes = std::vector<std::byte>;

class Client {
public:
    /// @param from     a loopback address to come from; "": the system's choice
    /// @param buffers  what the kernel may hold in each direction, in octets; 0: the system's choice
    Client(muster::test::FakeHost& host, const Address& to, const char* from = "", int buffers = 0) : host_(host) {
        fd_ = socket(to.isV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        for (const int which : {SO_RCVBUF, SO_SNDBUF})
            if (buffers != 0)
                setsockopt(fd_, SOL_SOCKET, which, &buffers, sizeof buffers);
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        if (*from != '\0') {
            inet_pton(AF_INET, from, &v4.sin_addr);
            ::bind(fd_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
        }
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v4.sin_port = v6.sin6_port = htons(to.port);
        std::memcpy(&v4.sin_addr, to.octets.data() + 12, 4);
        std::memcpy(&v6.sin6_addr, to.octets.data(), 16);
        connected = (to.isV4() ? ::connect(fd_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                               : ::connect(fd_, reinterpret_cast<const sockaddr*>(&v6), sizeof v6)) == 0;
    }
    ~Client() { close(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool connected = false;

    void close() {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = -1;
    }
    void halfClose() const { shutdown(fd_, SHUT_WR); }
    /// False: the server does not take it all now.
    bool send(Octets octets) const {
        return ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
               static_cast<ssize_t>(octets.size());
    }
    std::size_t sendSome(Octets octets) const {
        const ssize_t sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }
    /// Reads what has come; true when at least `size` octets are in `received` or the server has closed.
    bool has(std::size_t size) {
        std::array<std::byte, 4096> room;
        for (;;) {
            const ssize_t got = recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
            if (got > 0) {
                received.insert(received.end(), room.begin(), room.begin() + got);
                continue;
            }
            if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
                closed = true;
            return closed || received.size() >= size;
        }
    }
    /// One whole PDU, taken from the front; empty: the server closed, or it did not come.
    Bytes pdu() {
        kms::Framing framing;
        host_.runUntil([&] {
            has(1);
            framing = kms::frame(received);
            return framing.state == kms::Framing::State::whole || closed;
        });
        if (framing.state != kms::Framing::State::whole)
            return {};
        const auto end = received.begin() + static_cast<std::ptrdiff_t>(framing.size);
        Bytes taken(received.begin(), end);
        received.erase(received.begin(), end);
        return taken;
    }
    bool closedByServer() {
        return host_.runUntil([&] {
            has(~std::size_t{0});
            return closed;
        });
    }
    static kms::PduType typeOf(const Bytes& pdu) {
        const auto header = kms::readHeader(pdu);
        return header ? header->type : kms::PduType{0xFF};
    }
    /// Binds, and says whether that was accepted.
    bool bind() {
        send(bindPdu());
        return typeOf(pdu()) == kms::PduType::bindAck;
    }

    static Bytes written(const std::function<void(kms::Writer&)>& write) {
        Bytes room(16 * 1024);
        kms::Writer writer(room);
        write(writer);
        room.resize(writer.size());
        return room;
    }
    static Bytes bindPdu() {
        return written([](kms::Writer& out) { kms::writeBind(out, 2, {}); });
    }
    static Bytes requestPdu(std::uint32_t callId = 2, std::size_t body = 252,
                            std::uint16_t fragment = kms::kMaxFragment) {
        Bytes stub(kms::requestStubSize(body));
        kms::encodeRequestStub(Bytes(body, std::byte{0x5A}), stub);
        return written([&](kms::Writer& out) { kms::writeRequest(out, callId, 0, 0, stub, fragment); });
    }

    Bytes received;
    bool closed = false;

private:
    muster::test::FakeHost& host_;
    int fd_ = -1;
};

inline Outcome granted(std::size_t size = 158) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::answered;
    outcome.setBody(Bytes(size, std::byte{0x42}));
    return outcome;
}

}  // namespace muster::listener::test
