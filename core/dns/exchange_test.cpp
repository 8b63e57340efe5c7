#include "dns/exchange.h"

#include <set>

#include "CppUTest/TestHarness.h"

#include "dns/test/test_message.h"
#include "dns/test/test_server.h"
#include "dns/update.h"

using namespace muster;
using namespace muster::dns;
using muster::dns::test::framed;
using muster::dns::test::Message;
using muster::dns::test::Octetses;
using muster::dns::test::Query;
using muster::dns::test::Server;

namespace {

constexpr std::chrono::seconds kPatient{60};  // never reached
constexpr unsigned kAnswerFlags = 0xA800;     // QR, opcode 5
const Stopped kGoOn = [] { return false; };

std::vector<std::byte> update(std::size_t records = 1) {
    Update update{"example.org", {}, {}, {}};
    for (std::size_t i = 0; i < records; ++i)
        update.add.push_back({"_vlmcs._tcp.example.org",
                              Type::srv,
                              std::chrono::hours(1),
                              {0, 0, 1688, "kms" + std::to_string(i) + ".corp.test"},
                              {}});
    return *encodeUpdate(update, 0x1234);
}

std::vector<std::byte> answer(unsigned flags = kAnswerFlags, std::uint16_t id = 0x1234) {
    Message message({"example.org", Type::soa, id});
    message.flags(flags);
    return {message.octets().begin(), message.octets().end()};
}

Transaction send(const Address& to, const std::vector<std::byte>& message, Carrier carrier = Carrier::udpFirst,
                 std::chrono::milliseconds attempt = kPatient) {
    return transact(
        to, message, attempt, std::chrono::steady_clock::now() + kPatient, kGoOn,
        [&](Octets octets) { return answersUpdate(octets, message); }, carrier);
}

}  // namespace

TEST_GROUP(DnsTransaction){};

TEST(DnsTransaction, sendsTheMessageAsItIsAndOnce) {
    const Server server([](const Query&) { return Octetses{answer()}; });
    const auto done = send(server.address(), update());
    CHECK(done.ending == Ending::answered);
    CHECK(done.answer == answer());
    LONGS_EQUAL(1, server.queries().size());
    CHECK(server.queries()[0].message == update());
    CHECK_FALSE(server.queries()[0].tcp);
}

TEST(DnsTransaction, passesOverWhatAnswersSomethingElse) {
    const Server server([](const Query&) {
        return Octetses{answer(kAnswerFlags, 0x4321), {}, answer(0x8000), answer(kAnswerFlags | 5)};
    });
    const auto done = send(server.address(), update());
    CHECK(done.ending == Ending::answered);
    CHECK(done.answer == answer(kAnswerFlags | 5));
}

TEST(DnsTransaction, givesUpOnOneThatSendsNothingElse) {
    const Server server([](const Query&) { return Octetses(256, answer(kAnswerFlags, 1)); });
    const auto done = send(server.address(), update());
    CHECK(done.ending == Ending::broken);
    STRCMP_CONTAINS("not asked", done.words.c_str());
}

TEST(DnsTransaction, goesByTcpWhereTheAnswerWasCut) {
    const Server server([](const Query& query) {
        return Octetses{query.tcp ? framed(answer(kAnswerFlags | 9)) : answer(kAnswerFlags | 0x200)};
    });
    const auto done = send(server.address(), update());
    CHECK(done.ending == Ending::answered);
    CHECK(done.answer == answer(kAnswerFlags | 9));
    LONGS_EQUAL(2, server.queries().size());
    CHECK(server.queries()[1].message == update());
}

TEST(DnsTransaction, goesByTcpWhereTheMessageIsLongOrTheCallerSays) {
    const Server server([](const Query& query) { return Octetses{query.tcp ? framed(answer()) : answer()}; });
    CHECK(update(40).size() > 512);
    CHECK(send(server.address(), update(40)).ending == Ending::answered);
    CHECK(send(server.address(), update(), Carrier::tcp).ending == Ending::answered);
    LONGS_EQUAL(2, server.queries().size());
    CHECK(server.queries()[0].tcp && server.queries()[1].tcp);
    CHECK(server.queries()[0].message == update(40));
}

TEST(DnsTransaction, believesNoStrangerByTcpEither) {
    const Server stranger([](const Query&) { return Octetses{framed(answer(kAnswerFlags, 1))}; });
    CHECK(send(stranger.address(), update(), Carrier::tcp).ending == Ending::broken);
    const Server cut([](const Query&) { return Octetses{framed(answer(kAnswerFlags | 0x200))}; });
    CHECK(send(cut.address(), update(), Carrier::tcp).ending == Ending::broken);
    const Server early([](const Query&) {
        auto octets = framed(answer());
        octets.pop_back();
        return Octetses{octets};
    });
    STRCMP_CONTAINS("before its answer was whole", send(early.address(), update(), Carrier::tcp).words.c_str());
}

TEST(DnsTransaction, doesNotRepeatWhatWasNotAnswered) {
    const Server server([](const Query&) { return Octetses{}; });
    const auto done = send(server.address(), update(), Carrier::udpFirst, std::chrono::milliseconds(20));
    CHECK(done.ending == Ending::timedOut);
    CHECK(server.queries().size() <= 1);
}

TEST(DnsTransaction, saysThatNobodyIsThere) {
    Address gone;
    {
        const Server server([](const Query&) { return Octetses{}; });
        gone = server.address();
    }
    for (const Carrier carrier : {Carrier::udpFirst, Carrier::tcp}) {
        const auto done = send(gone, update(), carrier);
        CHECK(done.ending == Ending::unreachable);
        CHECK_FALSE(done.words.empty());
    }
}

TEST(DnsTransaction, endsWhenItIsToldTo) {
    const Server server([](const Query&) { return Octetses{}; });
    const auto message = update();
    const auto done = transact(
        server.address(), message, kPatient, std::chrono::steady_clock::now() + kPatient, [] { return true; },
        [](Octets) { return true; });
    CHECK(done.ending == Ending::stopped);
}

TEST(DnsTransaction, refusesWhatIsNoMessage) {
    const Server server([](const Query&) { return Octetses{answer()}; });
    CHECK(send(server.address(), std::vector<std::byte>(11)).ending == Ending::broken);
    CHECK(send(server.address(), std::vector<std::byte>(65536)).ending == Ending::broken);
    CHECK(server.queries().empty());
}

TEST_GROUP(DnsAsking){};

TEST(DnsAsking, asksAnAuthoritativeServerWithoutRecursion) {
    const Server server([](const Query& query) {
        Message message(query.question);
        message.flags(0x8400).soa("example.org", "ns1.example.org", 7, 3600, 300);
        return Octetses{{message.octets().begin(), message.octets().end()}};
    });
    const auto until = std::chrono::steady_clock::now() + kPatient;
    const auto reply = ask(server.address(), "example.org", Type::soa, kPatient, until, kGoOn, false);
    CHECK(reply.ending == Ending::answered);
    CHECK(reply.answer.authoritative);
    LONGS_EQUAL(7, reply.answer.soa->serial);
    CHECK(ask(server.address(), "example.org", Type::soa, kPatient, until, kGoOn).ending == Ending::answered);
    CHECK_FALSE(server.queries()[0].question.recursion);
    CHECK(server.queries()[1].question.recursion);
}

TEST(DnsAsking, takesANewIdEachTime) {
    std::set<std::uint16_t> ids;
    for (int i = 0; i < 8; ++i)
        ids.insert(randomId());
    CHECK(ids.size() > 1);
}
