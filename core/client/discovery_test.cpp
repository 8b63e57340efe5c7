#include "client/discovery.h"

#include <algorithm>
#include <array>
#include <map>
#include <thread>

#include "CppUTest/TestHarness.h"
#include "Poco/Net/DatagramSocket.h"

using namespace muster;
using namespace muster::client;

namespace {

using Message = std::vector<std::uint8_t>;

void add16(Message& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value & 0xFF));
}

void addName(Message& to, std::initializer_list<std::string_view> labels) {
    for (const std::string_view label : labels) {
        to.push_back(static_cast<std::uint8_t>(label.size()));
        to.insert(to.end(), label.begin(), label.end());
    }
    to.push_back(0);
}

/// A DNS answer with one SRV record (RFC 1035 4.1, RFC 2782).
Message srvAnswer(std::initializer_list<std::string_view> target, unsigned port, unsigned answers = 1) {
    Message message;
    for (const unsigned field : {0x1234U, 0x8180U, 1U, answers, 0U, 0U})
        add16(message, field);
    addName(message, {"_vlmcs", "_tcp", "example", "org"});
    add16(message, 33);
    add16(message, 1);
    add16(message, 0xC00C);  // the question's name
    add16(message, 33);
    add16(message, 1);
    add16(message, 0);
    add16(message, 3600);
    Message data;
    add16(data, 10);
    add16(data, 20);
    add16(data, port);
    addName(data, target);
    add16(message, static_cast<unsigned>(data.size()));
    message.insert(message.end(), data.begin(), data.end());
    return message;
}

Octets octets(const Message& message) {
    return std::as_bytes(std::span(message));
}

/// A name server that answers one question.
class OneAnswer {
public:
    /// @param code  RFC 1035 4.1.1: 0 no error, 3 no such name
    explicit OneAnswer(std::uint8_t code, bool withRecord)
        : socket_(Poco::Net::SocketAddress("127.0.0.1", 0), false), thread_([this, code, withRecord] {
              std::array<std::uint8_t, 512> question{};
              Poco::Net::SocketAddress from;
              socket_.receiveFrom(question.data(), static_cast<int>(question.size()), from);
              Message answer = srvAnswer({"kms", "example", "org"}, 11688);
              if (!withRecord) {
                  answer.resize(kQuestionEnd);
                  answer[7] = 0;
              }
              answer[0] = question[0];
              answer[1] = question[1];
              answer[3] = static_cast<std::uint8_t>(0x80 | code);
              socket_.sendTo(answer.data(), static_cast<int>(answer.size()), from);
          }) {}
    ~OneAnswer() { thread_.join(); }
    OneAnswer(const OneAnswer&) = delete;
    OneAnswer& operator=(const OneAnswer&) = delete;
    Address address() const { return *Address::parse(socket_.address().toString()); }

private:
    static constexpr std::size_t kQuestionEnd = 12 + 26 + 4;  // header; _vlmcs._tcp.example.org; type and class

    Poco::Net::DatagramSocket socket_;
    std::thread thread_;
};

std::map<std::string, int> firstChosen(const std::vector<Srv>& records, bool byWeight) {
    std::mt19937_64 random(1);
    std::map<std::string, int> chosen;
    for (int i = 0; i < 4000; ++i)
        ++chosen[order(records, byWeight, random).front().host];
    return chosen;
}

}  // namespace

TEST_GROUP(Endpoint){};

TEST(Endpoint, readsNamesAndAddressesWithAndWithoutPorts) {
    CHECK((*Endpoint::parse("kms.example.org") == Endpoint{"kms.example.org", 1688}));
    CHECK((*Endpoint::parse("kms:11688") == Endpoint{"kms", 11688}));
    CHECK((*Endpoint::parse("127.0.0.1:1") == Endpoint{"127.0.0.1", 1}));
    CHECK((*Endpoint::parse("[::1]:11688") == Endpoint{"::1", 11688}));
    CHECK((*Endpoint::parse("::1") == Endpoint{"::1", 1688}));
    STRCMP_EQUAL("[::1]:1688", Endpoint::parse("::1")->text().c_str());
}

TEST(Endpoint, refusesWhatIsNone) {
    for (const char* text : {"", ":1688", "host:", "host:0", "host:65536", "host:1x", "[::1", "[::1]1688", "[kms]:1688",
                             "a b", "kms;ls", "1:2:3"})
        CHECK_FALSE_TEXT(Endpoint::parse(text).has_value(), text);
}

TEST_GROUP(SrvRecords){};

TEST(SrvRecords, areReadFromADnsAnswer) {
    const auto records = parseSrv(octets(srvAnswer({"kms", "example", "org"}, 11688)));
    CHECK(records.has_value());
    LONGS_EQUAL(1, records->size());
    LONGS_EQUAL(10, records->front().priority);
    LONGS_EQUAL(20, records->front().weight);
    CHECK((records->front().target == Endpoint{"kms.example.org", 11688}));
}

TEST(SrvRecords, leaveOutATargetThatSaysNoService) {
    CHECK(parseSrv(octets(srvAnswer({}, 1688)))->empty());
}

TEST(SrvRecords, leaveOutATargetThatIsNoHostName) {
    CHECK(parseSrv(octets(srvAnswer({"a b", "\x1b[2J"}, 1688)))->empty());
}

TEST(SrvRecords, areRefusedAtEveryLengthThatIsTooShort) {
    const Message whole = srvAnswer({"kms", "example", "org"}, 1688);
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_FALSE(parseSrv(octets(whole).first(length)).has_value());
}

TEST(SrvRecords, areRefusedWhenTheCountsPromiseMore) {
    CHECK_FALSE(parseSrv(octets(srvAnswer({"kms"}, 1688, 2))).has_value());
}

TEST_GROUP(NameServer){};

TEST(NameServer, isAskedForTheRecordsOfTheDomain) {
    const OneAnswer server(0, true);
    const auto records = SrvLookup("example.org", server.address())();
    CHECK(records.has_value());
    CHECK((records->front().target == Endpoint{"kms.example.org", 11688}));
}

TEST(NameServer, thatKnowsNoSuchNameGivesWindowsErrorForIt) {
    const OneAnswer server(3, false);
    const auto records = SrvLookup("example.org", server.address())();
    CHECK(!records.has_value());
    LONGS_EQUAL(0x8007232B, static_cast<std::uint32_t>(records.error().code));
}

TEST(NameServer, thatHasTheNameWithoutRecordsGivesWindowsErrorForThat) {
    const OneAnswer server(0, false);
    const auto records = SrvLookup("example.org", server.address())();
    CHECK(!records.has_value());
    LONGS_EQUAL(0x8007251D, static_cast<std::uint32_t>(records.error().code));
}

TEST_GROUP(SrvOrder){};

TEST(SrvOrder, takesTheLowestPriorityFirstAndKeepsAllHosts) {
    std::mt19937_64 random(1);
    const std::vector<Srv> records = {{20, 0, {"second", 1}}, {10, 0, {"first", 1}}, {30, 9, {"third", 1}}};
    const auto hosts = order(records, true, random);
    LONGS_EQUAL(3, hosts.size());
    STRCMP_EQUAL("first", hosts[0].host.c_str());
    STRCMP_EQUAL("second", hosts[1].host.c_str());
    STRCMP_EQUAL("third", hosts[2].host.c_str());
}

TEST(SrvOrder, sharesByWeightAmongEquals) {
    auto chosen = firstChosen({{0, 75, {"heavy", 1}}, {0, 25, {"light", 1}}}, true);
    CHECK(chosen["heavy"] > 2700 && chosen["heavy"] < 3300);
    CHECK(chosen["light"] > 700);
}

TEST(SrvOrder, ofVistaIsRandomWhateverTheRecordsSay) {
    auto chosen = firstChosen({{0, 100, {"preferred", 1}}, {10, 0, {"spare", 1}}}, false);
    CHECK(chosen["preferred"] > 1700 && chosen["spare"] > 1700);
}
