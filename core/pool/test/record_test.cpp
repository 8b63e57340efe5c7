#include "pool/record.h"

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

TEST_GROUP(Record){};

TEST(Record, aRequestComesBackAsItWas) {
    RequestRecord record = requestOf(42);
    record.source = *Address::parse("[2001:db8::1]:65535");
    record.source.scopeId = 3;
    record.request.previousCmid = cmidOf(41);
    record.request.vmInfo = 1;
    record.fresh = false;
    record.result = HResult::notEnoughCount;
    record.fault = 0x6BB;
    record.reason = "a real client asked the lab";
    std::vector<std::byte> octets;
    encode(record, octets);
    const auto back = decode(octets);
    CHECK_TRUE(back.has_value());
    const auto& same = std::get<RequestRecord>(*back);
    CHECK_TRUE(same.source == record.source);
    CHECK_TRUE(same.received == record.received);
    CHECK_TRUE(same.request.cmid == record.request.cmid);
    CHECK_TRUE(same.request.previousCmid == record.request.previousCmid);
    CHECK_TRUE(same.request.clientTime == record.request.clientTime);
    CHECK_TRUE(same.request.machine.view() == record.request.machine.view());
    CHECK_TRUE(same.result == record.result);
    CHECK_EQUAL(record.fault, same.fault);
    CHECK_TRUE(same.counted);
    CHECK_FALSE(same.fresh);
    CHECK_TRUE(same.reason == record.reason);
}

TEST(Record, whoAnsweredARelayedRequestComesBackWithIt) {
    RequestRecord record = requestOf(42);
    record.upstream = "kms-1.example.org";
    record.waited = 1'234'567;
    record.attempts = 2;
    std::vector<std::byte> octets;
    encode(record, octets);
    const auto back = decode(octets);
    CHECK_TRUE(back.has_value());
    const auto& same = std::get<RequestRecord>(*back);
    CHECK_TRUE(same.upstream == record.upstream);
    CHECK_EQUAL(1'234'567U, same.waited);
    CHECK_EQUAL(2, same.attempts);
    for (std::size_t size = 0; size < octets.size(); ++size)
        CHECK_FALSE(decode(Octets(octets).first(size)).has_value());
}

TEST(Record, oneOfTheFirstVersionIsStillRead) {
    // Kind 1, flags, time, 10.0.0.7:49152, and the rest of the 138 octets; no texts.
    std::vector<std::byte> octets(138);
    octets[0] = std::byte{1};
    octets[1] = std::byte{1 | 2 | 8};
    octets[10] = std::byte{10};
    octets[13] = std::byte{7};
    octets[16] = std::byte{4};
    octets[80] = std::byte{0xAB};
    const auto back = decode(octets);
    CHECK_TRUE(back.has_value());
    const auto& record = std::get<RequestRecord>(*back);
    CHECK_TRUE(record.counted);
    STRCMP_EQUAL("10.0.0.7", record.source.host().c_str());
    CHECK_EQUAL(4, record.request.major);
    CHECK_TRUE(record.request.cmid.octets[0] == std::byte{0xAB});
    CHECK_TRUE(record.upstream.empty());
    CHECK_EQUAL(0, record.attempts);
}

TEST(Record, anEventAndARemovalComeBackAsTheyWere) {
    EventRecord event;
    event.when = at(1);
    event.id = 22001;
    event.severity = Severity::critical;
    event.source = "lab";
    event.message = "text";
    event.fields = json({{"machine", "pc"}, {"cmid", cmidOf(1).text()}});
    std::vector<std::byte> octets;
    encode(Note(stored(event)), octets);
    const auto back = decode(octets);
    CHECK_TRUE(back.has_value());
    const auto& same = std::get<StoredEvent>(*back);
    CHECK_EQUAL(22001U, same.id);
    CHECK_TRUE(same.severity == Severity::critical);
    STRCMP_EQUAL("pc", same.machine.c_str());
    CHECK_TRUE(same.cmid == cmidOf(1));
    octets.clear();
    encode(Note(Removal{at(2), cmidOf(7)}), octets);
    CHECK_TRUE(std::get<Removal>(*decode(octets)).cmid == cmidOf(7));
    octets.clear();
    encode(Note(OwnRequest{at(3), cmidOf(8)}), octets);
    const auto own = std::get<OwnRequest>(*decode(octets));
    CHECK_TRUE(own.cmid == cmidOf(8) && own.when == at(3));
}

TEST(Record, everyShorterOrLongerOneIsRefused) {
    std::vector<std::byte> octets;
    encode(requestOf(1), octets);
    for (std::size_t size = 0; size < octets.size(); ++size)
        CHECK_FALSE(decode(Octets(octets).first(size)).has_value());
    octets.push_back(std::byte{0});
    CHECK_FALSE(decode(octets).has_value());
}

TEST(Record, oneThatOnlyANewerMusterKnowsIsNamedAsSuch) {
    const std::vector<std::byte> octets(40, std::byte{200});
    CHECK_TRUE(decode(octets).error().code == Code::incompatible);
}

TEST(Record, textsAreCutToValidUtf8) {
    STRCMP_EQUAL(
        "a\xEF\xBF\xBD"
        "b",
        validUtf8("a\xFF"
                  "b",
                  10)
            .c_str());
    STRCMP_EQUAL("a", validUtf8("a\xC3\xA9", 2).c_str());
    STRCMP_EQUAL("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", validUtf8("\xED\xA0\x80", 10).c_str());
    STRCMP_EQUAL("\xF0\x9F\x98\x80", validUtf8("\xF0\x9F\x98\x80", 10).c_str());
}

TEST(Record, anEventTooLongForItsPlaceIsCutAndStillAnEvent) {
    EventRecord event;
    event.source = std::string(300, 's');
    event.message = std::string(100'000, 'm');
    event.fields = json({{"text", std::string(100'000, 'f')}});
    std::vector<std::byte> octets;
    encode(Note(stored(event)), octets);
    CHECK_TRUE(octets.size() <= kMaxPayload);
    const auto back = decode(octets);
    CHECK_TRUE(back.has_value());
    STRCMP_EQUAL(R"({"truncated":true})", std::get<StoredEvent>(*back).fields.c_str());
}
