#include "client/network.h"

#include <array>
#include <thread>

#include "CppUTest/TestHarness.h"
#include "Poco/Net/ServerSocket.h"
#include "Poco/Net/StreamSocket.h"

#include "client/fleet.h"
#include "kms/body.h"
#include "kms/stub.h"

using namespace muster;
using namespace muster::client;

namespace {

kms::LabSeal labSeal(char digit = '1') {
    return *kms::LabSeal::make(*kms::SealFileKey::parse(std::string(32, digit)));
}

ActivationAnswer someAnswer() {
    ActivationAnswer answer;
    answer.major = 4;
    answer.epid = "00000-00000-000-000000-00-1033-0000.0000-0012026";
    answer.count = 7;
    answer.activationInterval = 120;
    answer.renewalInterval = 10080;
    return answer;
}

/// A whole answer stub, sealed by the lab.
std::vector<std::byte> sealedStub(kms::LabSeal seal) {
    std::array<std::byte, kms::Answer4::kMaxSize> body{};
    const std::size_t size = kms::encodeAnswer(someAnswer(), body);
    CHECK(seal.seal(std::span(body).first(size)));
    std::vector<std::byte> stub(kms::answerStubSize(size));
    kms::encodeAnswerStub(Octets(body).first(size), stub);
    return stub;
}

ActivationRequest someRequest() {
    FleetPlan plan;
    plan.products = *products("win7", {});
    plan.namePattern = "PC";
    return WindowsClient(makeFleet(plan)->front(), Minutes{0}).request(Minutes{0}, Timestamp{});
}

/// Listens, sends one text to the first who comes, and closes.
class OddServer {
public:
    explicit OddServer(std::string says)
        : socket_(Poco::Net::SocketAddress("127.0.0.1", 0)), thread_([this, text = std::move(says)] {
              Poco::Net::StreamSocket peer = socket_.acceptConnection();
              std::array<char, 512> asked{};
              peer.receiveBytes(asked.data(), static_cast<int>(asked.size()));
              if (!text.empty())
                  peer.sendBytes(text.data(), static_cast<int>(text.size()));
              peer.shutdownSend();
              while (peer.receiveBytes(asked.data(), static_cast<int>(asked.size())) > 0) {
              }
          }) {}
    ~OddServer() { thread_.join(); }
    OddServer(const OddServer&) = delete;
    OddServer& operator=(const OddServer&) = delete;
    Endpoint endpoint() const { return {"127.0.0.1", socket_.address().port()}; }

private:
    Poco::Net::ServerSocket socket_;
    std::thread thread_;
};

Reply ask(const Endpoint& host) {
    RpcNetwork network(NetworkPlan{.hosts = host});
    return network.ask(host, someRequest());
}

}  // namespace

TEST_GROUP(HostsAnswer){};

TEST(HostsAnswer, isTakenWhenItsSealIsTheLabs) {
    kms::LabSeal seal = labSeal();
    const Reply reply = readReply(sealedStub(labSeal()), kms::ByteOrder::little, &seal);
    CHECK(reply.kind == Reply::Kind::answer);
    LONGS_EQUAL(7, reply.answer.count);
}

TEST(HostsAnswer, isRefusedUnderAnotherLabsSeal) {
    kms::LabSeal seal = labSeal('2');
    const Reply reply = readReply(sealedStub(labSeal('1')), kms::ByteOrder::little, &seal);
    CHECK(reply.kind == Reply::Kind::refused);
    CHECK(reply.code == HResult::invalidData);
    CHECK(reply.detail.find("seal") != std::string::npos);
}

TEST(HostsAnswer, isTakenUncheckedWithoutASealFile) {
    CHECK(readReply(sealedStub(labSeal()), kms::ByteOrder::little, nullptr).kind == Reply::Kind::answer);
}

TEST(HostsAnswer, thatIsShorterThanItSaysIsRefused) {
    const std::vector<std::byte> whole = sealedStub(labSeal());
    for (std::size_t size = 0; size < 40; ++size)
        CHECK(readReply(Octets(whole).first(size), kms::ByteOrder::little, nullptr).kind == Reply::Kind::refused);
}

TEST(HostsAnswer, canBeAnHresult) {
    std::array<std::byte, kms::kRefusalStubSize> stub{};
    kms::encodeRefusalStub(HResult::groupNotCovered, stub);
    const Reply reply = readReply(stub, kms::ByteOrder::little, nullptr);
    CHECK(reply.kind == Reply::Kind::refused);
    CHECK(reply.code == HResult::groupNotCovered);
}

TEST_GROUP(HostsThatAreNone){};

TEST(HostsThatAreNone, refuseTheConnection) {
    Endpoint free;
    {
        const Poco::Net::ServerSocket taken(Poco::Net::SocketAddress("127.0.0.1", 0));
        free = {"127.0.0.1", taken.address().port()};
    }
    const Reply reply = ask(free);
    CHECK(reply.kind == Reply::Kind::unreachable);
    CHECK(reply.code == HResult::rpcServerUnavailable);
    STRCMP_EQUAL((free.text() + ": Connection refused").c_str(), reply.detail.c_str());
}

TEST(HostsThatAreNone, speakSomethingElse) {
    const OddServer web("HTTP/1.1 400 Bad Request\r\n\r\n");
    const Reply reply = ask(web.endpoint());
    CHECK(reply.kind == Reply::Kind::unreachable);
    CHECK(reply.detail.find("no RPC server") != std::string::npos);
}

TEST(HostsThatAreNone, closeWithoutAWord) {
    const OddServer silent("");
    const Reply reply = ask(silent.endpoint());
    CHECK(reply.kind == Reply::Kind::unreachable);
    CHECK(reply.detail.find("closed") != std::string::npos);
}

TEST(HostsThatAreNone, areNotWaitedForBeyondTheDeadline) {
    const Poco::Net::ServerSocket mute(Poco::Net::SocketAddress("127.0.0.1", 0));
    const Endpoint host{"127.0.0.1", mute.address().port()};
    RpcNetwork network(
        NetworkPlan{.hosts = host, .deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(30)});
    const Reply reply = network.ask(host, someRequest());
    CHECK(reply.kind == Reply::Kind::unreachable);
    CHECK(reply.detail.find("in time") != std::string::npos);
}

TEST(HostsThatAreNone, areFoundByNameFirst) {
    Endpoint free;
    {
        const Poco::Net::ServerSocket taken(Poco::Net::SocketAddress("127.0.0.1", 0));
        free = {"localhost", taken.address().port()};
    }
    const Reply reply = ask(free);
    CHECK(reply.kind == Reply::Kind::unreachable);
    CHECK(reply.detail.find("Connection refused") != std::string::npos);
}
