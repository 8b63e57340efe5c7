#include "tls/socket.h"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"
#include "Poco/Net/HTTPRequestHandler.h"
#include "Poco/Net/HTTPRequestHandlerFactory.h"
#include "Poco/Net/HTTPServer.h"
#include "Poco/Net/HTTPServerParams.h"
#include "Poco/Net/HTTPServerRequestImpl.h"
#include "Poco/Net/HTTPServerResponse.h"
#include "Poco/Net/NetException.h"
#include "Poco/ThreadPool.h"

#include "tls/certificate.h"
#include "tls/test_client.h"

using namespace muster;
using namespace muster::tls;
using namespace muster::tls::test;

namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::shared_ptr<const Context> newContext() {
    const auto pair = makeOwn({"localhost"}, Timestamp{});
    return pair ? Context::make(pair->pem).value_or(nullptr) : nullptr;
}

/// Says who asked in what, counts bodies, and keeps the connection.
class Handler final : public Poco::Net::HTTPRequestHandler {
public:
    void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
        auto* socket =
            dynamic_cast<TlsSocket*>(dynamic_cast<Poco::Net::HTTPServerRequestImpl&>(request).socket().impl());
        if (socket == nullptr)
            return;
        if (!request.secure()) {
            response.setKeepAlive(false);
            response.redirect("https://localhost/", Poco::Net::HTTPResponse::HTTP_PERMANENT_REDIRECT);
            return;
        }
        socket->allow(std::chrono::seconds(30), 1000);
        std::size_t size = 0;
        if (request.hasContentLength())
            for (std::istream& in = request.stream(); in.get() != std::char_traits<char>::eof();)
                ++size;
        const std::string body = "body of " + std::to_string(size) + " over " + socket->protocol() + ".";
        response.setContentLength(static_cast<int>(body.size()));
        response.send() << body << std::flush;
        socket->rest();
    }
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
public:
    Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest& /*request*/) override {
        return new Handler;
    }
};

}  // namespace

TEST_GROUP(TlsSocket) {
    std::shared_ptr<CurrentContext> context = std::make_shared<CurrentContext>(newContext());
    std::shared_ptr<Connections> connections =
        std::make_shared<Connections>(Bounds{.connections = 8, .perAddress = 2, .threads = 0});
    Limits limits;
    Fd listening;
    sockaddr_in address{};
    std::unique_ptr<Poco::ThreadPool> pool;
    std::unique_ptr<Poco::Net::HTTPServer> server;

    void setup() override {
        listening = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        CHECK_EQUAL(0, ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), size));
        CHECK_EQUAL(0, ::listen(listening.get(), 16));
        CHECK_EQUAL(0, ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size));
    }
    void teardown() override {
        stop();
    }
    TlsListener listener() const {
        return {listening.get(), context, connections, limits};
    }
    void start() {
        pool = std::make_unique<Poco::ThreadPool>("test", 2, 8);
        auto* parameters = new Poco::Net::HTTPServerParams;
        parameters->setKeepAlive(true);
        parameters->setMaxKeepAliveRequests(0);
        parameters->setKeepAliveTimeout(Poco::Timespan(3600, 0));
        parameters->setTimeout(Poco::Timespan(3600, 0));
        parameters->setThreadIdleTime(Poco::Timespan(0, 300'000));
        parameters->setMaxThreads(8);
        server = std::make_unique<Poco::Net::HTTPServer>(new Factory, *pool, listener(), parameters);
        server->start();
    }
    void stop() {
        if (!server)
            return;
        // As the web server does it, and says why.
        server->stop();
        connections->endAll();
        pool->joinAll();
        server.reset();
        pool.reset();
    }
    Fd connected() {
        Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        CHECK_EQUAL(0, ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
        return fd;
    }
    std::string ask(Client & client, const std::string& request = kGet) {
        client.write(request);
        return client.read(".");
    }
    /// What comes in the clear, to the end.
    static std::string drain(int fd) {
        std::string out;
        char piece[1024];
        for (pollfd watched{fd, POLLIN, 0}; ::poll(&watched, 1, 30'000) > 0;) {
            const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
            if (got <= 0)
                return out;
            out.append(piece, static_cast<std::size_t>(got));
        }
        return out + "(still open)";
    }
};

TEST(TlsSocket, carriesSeveralRequestsOnOneConnection) {
    start();
    const Fd fd = connected();
    Client client(fd.get());
    CHECK_EQUAL(0, client.handshake());
    STRCMP_CONTAINS("body of 0 over TLSv1.", ask(client).c_str());
    STRCMP_CONTAINS("body of 3", ask(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").c_str());
    STRCMP_CONTAINS("body of 0", ask(client).c_str());
    // Two at once: the second is deciphered before the first is answered.
    client.write(std::string(kGet) + kGet);
    std::string both;
    do {
        both += client.read(".");
    } while (both.find("body of") == both.rfind("body of") && client.last > 0);
    CHECK(client.last > 0);
    CHECK_EQUAL(1, connections->counts().connected);
}

TEST(TlsSocket, answersHttpInTheClearWithTheWayToHttps) {
    limits.plain = true;
    start();
    const Fd fd = connected();
    ::send(fd.get(), kGet, sizeof kGet - 1, MSG_NOSIGNAL);
    const std::string answer = drain(fd.get());
    STRCMP_CONTAINS(" 308 ", answer.c_str());
    STRCMP_CONTAINS("https://localhost/", answer.c_str());
}

TEST(TlsSocket, saysNothingInTheClearWhereThatIsNotWanted) {
    start();
    const Fd fd = connected();
    ::send(fd.get(), kGet, sizeof kGet - 1, MSG_NOSIGNAL);
    STRCMP_EQUAL("", drain(fd.get()).c_str());
}

TEST(TlsSocket, servesOthersWhileSomeAreSilent) {
    start();
    const Fd silent = connected();
    const Fd fd = connected();
    Client client(fd.get());
    CHECK_EQUAL(0, client.handshake());
    STRCMP_CONTAINS("body of 0", ask(client).c_str());
}

TEST(TlsSocket, endsTheSilent) {
    limits.headTime = std::chrono::milliseconds(200);
    start();
    const Fd silent = connected();
    STRCMP_EQUAL("", drain(silent.get()).c_str());
}

TEST(TlsSocket, endsThoseWhoseHeadDripsIn) {
    limits.headTime = std::chrono::seconds(2);  // the handshake is part of it
    start();
    const Fd fd = connected();
    Client client(fd.get());
    CHECK_EQUAL(0, client.handshake());
    client.write("GET / HTTP/1.1\r\nX: ");
    pollfd watched{fd.get(), POLLIN, 0};
    while (client.write("x") > 0 && ::poll(&watched, 1, 10) == 0) {
    }
    STRCMP_EQUAL("", client.read().c_str());
}

TEST(TlsSocket, endsAConnectionThatIsIdleForTooLong) {
    limits.idleTime = std::chrono::milliseconds(100);
    start();
    const Fd fd = connected();
    Client client(fd.get());
    CHECK_EQUAL(0, client.handshake());
    STRCMP_CONTAINS("body of 0", ask(client).c_str());
    STRCMP_EQUAL("", client.read().c_str());
    CHECK_EQUAL(MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, client.last);
}

TEST(TlsSocket, endsARequestThatIsLongerThanItsRoom) {
    start();
    const Fd fd = connected();
    Client client(fd.get());
    CHECK_EQUAL(0, client.handshake());
    const std::string request =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x');
    std::thread sending([&] { client.write(request.substr(0, 16'000)); });
    sending.join();
    const std::string answer = client.read();
    CHECK(answer.find("body of 100000") == std::string::npos);
}

TEST(TlsSocket, letsTheOldestIdleConnectionOfAnAddressGiveWay) {
    start();
    const Fd first = connected();
    Client resting(first.get());
    CHECK_EQUAL(0, resting.handshake());
    STRCMP_CONTAINS("body of 0", ask(resting).c_str());
    const Fd second = connected();
    Client other(second.get());
    CHECK_EQUAL(0, other.handshake());
    STRCMP_CONTAINS("body of 0", ask(other).c_str());
    const Fd third = connected();
    Client newcomer(third.get());
    CHECK_EQUAL(0, newcomer.handshake());
    STRCMP_CONTAINS("body of 0", ask(newcomer).c_str());
    STRCMP_EQUAL("", resting.read().c_str());
    STRCMP_CONTAINS("body of 0", ask(other).c_str());
}

TEST(TlsSocket, givesNewConnectionsTheNewCertificateAndLeavesTheOthers) {
    start();
    const Fd before = connected();
    Client old(before.get());
    CHECK_EQUAL(0, old.handshake());
    STRCMP_CONTAINS("body of 0", ask(old).c_str());
    const auto certificateOf = [](Client& client) {
        const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(client.ssl.get());
        return std::string(reinterpret_cast<const char*>(certificate->raw.p), certificate->raw.len);
    };
    context->set(newContext());
    const Fd after = connected();
    Client client(after.get());
    CHECK_EQUAL(0, client.handshake());
    STRCMP_CONTAINS("body of 0", ask(client).c_str());
    CHECK(certificateOf(old) != certificateOf(client));
    STRCMP_CONTAINS("body of 0", ask(old).c_str());
}

TEST(TlsSocket, stopsWhileClientsAreConnected) {
    start();
    const Fd silent = connected();
    const Fd fd = connected();
    Client client(fd.get());
    CHECK_EQUAL(0, client.handshake());
    STRCMP_CONTAINS("body of 0", ask(client).c_str());
    stop();
    STRCMP_EQUAL("", client.read().c_str());
    CHECK_EQUAL(0, connections->counts().connected);
    // The listening socket is still the test's.
    CHECK(::fcntl(listening.get(), F_GETFD) >= 0);
}

TEST(TlsSocket, endsAnIdleConnectionWhenDescriptorsRunOut) {
    TlsListener listens = listener();
    const Fd idle = connected();
    const Poco::Net::StreamSocket accepted = listens.acceptConnection();
    const Fd waiting = connected();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    int error = 0;
    try {
        listens.acceptConnection();
    } catch (const Poco::Net::NetException& refused) {
        error = refused.code();
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK_EQUAL(EMFILE, error);
    STRCMP_EQUAL("", drain(idle.get()).c_str());
    // It is still there, and the next try takes it.
    CHECK(listens.acceptConnection().impl()->initialized());
}
