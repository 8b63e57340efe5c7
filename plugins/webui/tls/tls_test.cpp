#include "tls/tls.h"

#include <atomic>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"
#include "mbedtls/ssl_ciphersuites.h"

#include "tls/certificate.h"
#include "tls/test_client.h"

using namespace muster;
using namespace muster::tls;
using namespace muster::tls::test;

namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kShort{50};

Monotonic in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

std::shared_ptr<const Context> newContext() {
    const auto pair = makeOwn({"localhost"}, Timestamp{});
    const auto context = pair ? Context::make(pair->pem) : Result<std::shared_ptr<const Context>>(fail(pair.error()));
    return context ? *context : nullptr;
}

/// Until the deadline, or until `text` is there.
std::string readText(Session& session, std::size_t size) {
    std::string out;
    while (out.size() < size) {
        std::byte piece[256];
        const Io got = session.read(piece, in(kPatience));
        if (got.outcome != Outcome::done)
            break;
        out.append(reinterpret_cast<const char*>(piece), got.octets);
    }
    return out;
}

Io writeText(Session& session, std::string_view text) {
    return session.write(std::as_bytes(std::span(text)), in(kPatience));
}

Io readOnce(Session& session, std::chrono::milliseconds time) {
    std::byte piece[256];
    return session.read(piece, in(time));
}

}  // namespace

TEST_GROUP(Tls) {
    std::shared_ptr<const Context> context = newContext();
    std::pair<Fd, Fd> ends = socketPair();
    Session session{context, ends.first.get()};
    Client client{ends.second.get()};
    std::thread other;

    void teardown() override {
        ends.first.reset();
        ends.second.reset();
        if (other.joinable())
            other.join();
    }
    /// The client's handshake beside the server's first read. @return what the client got, what the server got
    std::pair<int, Io> meet() {
        int shaken = -1;
        std::thread meeting([&] {
            shaken = client.handshake();
            if (shaken == 0)
                client.write("x");
        });
        const Io got = readOnce(session, kPatience);
        if (got.outcome != Outcome::done)
            ::shutdown(ends.first.get(), SHUT_RDWR);
        meeting.join();
        return {shaken, got};
    }
};

TEST(Tls, shakesHandsAtTheFirstReadAndSaysWhatItAgreedOn) {
    STRCMP_EQUAL("", session.protocol().c_str());
    const auto [shaken, got] = meet();
    CHECK_EQUAL(0, shaken);
    CHECK(got.outcome == Outcome::done);
    STRCMP_EQUAL(Context::speaks13() ? "TLSv1.3" : "TLSv1.2", session.protocol().c_str());
    CHECK(!session.suite().empty());
    STRCMP_EQUAL("", session.words().c_str());
}

TEST(Tls, carriesOctetsBothWaysAndSaysGoodbye) {
    std::string answer;
    std::string end;
    other = std::thread([&] {
        if (client.handshake() != 0)
            return;
        client.write("a request");
        answer = client.read("answer");
        end = client.read();
    });
    STRCMP_EQUAL("a request", readText(session, 9).c_str());
    CHECK(writeText(session, "an answer").outcome == Outcome::done);
    session.closeNotify();
    other.join();
    STRCMP_EQUAL("an answer", answer.c_str());
    STRCMP_EQUAL("", end.c_str());
    CHECK_EQUAL(MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, client.last);
}

TEST(Tls, keepsWhatWasDecipheredAndNotYetRead) {
    other = std::thread([&] {
        if (client.handshake() == 0)
            client.write("0123456789");
    });
    std::byte one[1];
    CHECK(session.read(one, in(kPatience)).outcome == Outcome::done);
    CHECK_EQUAL(9, session.pending());
    CHECK(session.awaitReadable(in(std::chrono::milliseconds(0))));
    STRCMP_EQUAL("123456789", readText(session, 9).c_str());
    CHECK_EQUAL(0, session.pending());
}

TEST(Tls, endsAtTheDeadlineWhenTheClientIsSilentAndGoesOnWhenItSpeaks) {
    CHECK(session.awaitFirst(in(kShort)) == Outcome::timeout);
    CHECK(readOnce(session, kShort).outcome == Outcome::timeout);
    CHECK(!session.awaitReadable(in(kShort)));
    const auto [shaken, got] = meet();
    CHECK_EQUAL(0, shaken);
    CHECK(got.outcome == Outcome::done);
    CHECK(readOnce(session, kShort).outcome == Outcome::timeout);
}

TEST(Tls, endsAtTheDeadlineHoweverSlowlyOctetsDripIn) {
    other = std::thread([&] {
        // The head of a long handshake record, then its octets one each millisecond until the other end is gone.
        const unsigned char head[] = {0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3F, 0xFC};
        ::send(ends.second.get(), head, sizeof head, MSG_NOSIGNAL);
        pollfd watched{ends.second.get(), POLLIN, 0};
        while (::send(watched.fd, "", 1, MSG_NOSIGNAL) == 1 && ::poll(&watched, 1, 1) == 0) {
        }
    });
    CHECK(readOnce(session, kShort).outcome == Outcome::timeout);
    ends.first.reset();
    other.join();
}

TEST(Tls, givesUpOnAPeerThatDoesNotTakeItsAnswer) {
    const auto [shaken, got] = meet();
    CHECK_EQUAL(0, shaken);
    const std::vector<std::byte> much(std::size_t{16} * 1024 * 1024);
    CHECK(session.write(much, in(kShort)).outcome == Outcome::timeout);
    // Half a record is out: there is no going on.
    CHECK(writeText(session, "more").outcome == Outcome::timeout);
    CHECK(readOnce(session, kShort).outcome == Outcome::timeout);
}

TEST(Tls, sawThePeerGo) {
    ends.second.reset();
    CHECK(session.awaitFirst(in(kPatience)) == Outcome::closed);
    CHECK(readOnce(session, kPatience).outcome == Outcome::closed);
    CHECK(writeText(session, "nobody hears it").outcome == Outcome::closed);
}

TEST(Tls, recognisesARequestInTheClearAndFailsIt) {
    ::send(ends.second.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0);
    CHECK(session.awaitFirst(in(kPatience)) == Outcome::done);
    CHECK(session.isPlain());
    CHECK(readOnce(session, kPatience).outcome == Outcome::failed);
    STRCMP_CONTAINS("HTTP in the clear", session.words().c_str());
}

TEST(Tls, answersInTheClearWhenToldTo) {
    ::send(ends.second.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0);
    CHECK(session.awaitFirst(in(kPatience)) == Outcome::done);
    session.speakPlain();
    STRCMP_EQUAL("GET / HTTP/1.1\r\n\r\n", readText(session, 18).c_str());
    CHECK(writeText(session, "HTTP/1.1 308 Permanent Redirect\r\n").outcome == Outcome::done);
    char piece[64] = {};
    CHECK_EQUAL(33, ::recv(ends.second.get(), piece, sizeof piece, 0));
    STRCMP_EQUAL("", session.protocol().c_str());
}

TEST(Tls, doesNotSpeakInTheClearToWhoBeganWithAHandshake) {
    session.speakPlain();
    const auto [shaken, got] = meet();
    CHECK_EQUAL(0, shaken);
    CHECK(!session.isPlain());
}

TEST(Tls, failsWhatIsNoTlsWithTheLibrarysWords) {
    ::send(ends.second.get(), "\x80\x2e\x01\x00\x02\x00\x15\x00\x00", 9, 0);
    CHECK(session.awaitFirst(in(kPatience)) == Outcome::done);
    CHECK(!session.isPlain());
    CHECK(readOnce(session, kPatience).outcome == Outcome::failed);
    CHECK(!session.words().empty());
    CHECK(readOnce(session, kPatience).outcome == Outcome::failed);
}

TEST(Tls, agreesOnHttp11AndOnNothingElse) {
    const char* protocols[] = {"h2", "http/1.1", nullptr};
    mbedtls_ssl_conf_alpn_protocols(client.config.get(), protocols);
    CHECK_EQUAL(0, meet().first);
    STRCMP_EQUAL("http/1.1", mbedtls_ssl_get_alpn_protocol(client.ssl.get()));
}

TEST(Tls, refusesAClientThatWantsAnotherProtocolOnly) {
    const char* protocols[] = {"h2", nullptr};
    mbedtls_ssl_conf_alpn_protocols(client.config.get(), protocols);
    const auto [shaken, got] = meet();
    CHECK(shaken != 0);
    CHECK(got.outcome == Outcome::failed);
}

TEST(Tls, refusesSuitesWithoutAuthenticatedEncryption) {
    const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
                          MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, 0};
    client.offer12(suites);
    CHECK(meet().first != 0);
}

TEST(Tls, choosesBetweenTheSuitesOfAClientByItsOwnOrder) {
    const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                          MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
    client.offer12(suites);
    CHECK_EQUAL(0, meet().first);
    STRCMP_EQUAL("TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", session.suite().c_str());
}

TEST(Tls, servesManyAtOnceFromOneContext) {
    constexpr int kThreads = 4;
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 5; ++round) {
                const auto pair = socketPair();
                Session mine(context, pair.first.get());
                Client peer(pair.second.get());
                std::thread meeting([&] {
                    if (peer.handshake() == 0)
                        peer.write("hello");
                });
                if (readText(mine, 5) == "hello")
                    ++good;
                meeting.join();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    CHECK_EQUAL(kThreads * 5, good.load());
}

TEST_GROUP(TlsContext){};

TEST(TlsContext, saysWhatIsMissing) {
    const auto nothing = Context::make("");
    STRCMP_EQUAL("private key", nothing.error().subject.c_str());
    const auto pair = makeOwn({"localhost"}, Timestamp{});
    const auto keyOnly = Context::make(pair->pem.substr(0, pair->pem.find("-----BEGIN CERTIFICATE")));
    STRCMP_EQUAL("certificate", keyOnly.error().subject.c_str());
}

TEST(TlsContext, refusesAKeyOfAnotherCertificate) {
    const auto one = makeOwn({"one.example"}, Timestamp{});
    const auto two = makeOwn({"two.example"}, Timestamp{});
    const auto mixed = Context::make(one->pem.substr(0, one->pem.find("-----BEGIN CERTIFICATE")) +
                                     two->pem.substr(two->pem.find("-----BEGIN CERTIFICATE")));
    CHECK(!mixed);
    STRCMP_CONTAINS("is not the key", mixed.error().text().c_str());
}
