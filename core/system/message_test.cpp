#include "system/message.h"

#include <string>

#include "CppUTest/TestHarness.h"

#include "system/test_values.h"

using namespace muster;
using namespace muster::system;

namespace {

std::vector<std::byte> encoded(const Request& request) {
    const auto packet = encodeRequest(7, request);
    CHECK(packet.has_value());
    return *packet;
}

Code refusal(const Request& request) {
    const auto checked = check(request);
    CHECK_FALSE(checked.has_value());
    return checked ? Code::internal : checked.error().code;
}

}  // namespace

TEST_GROUP(SystemMessage){};

TEST(SystemMessage, everyRequestComesOutAsItWentIn) {
    for (const Request& request : test::requests()) {
        const auto back = decodeRequest(encoded(request));
        CHECK(back.has_value());
        LONGS_EQUAL(7, back->first);
        CHECK(back->second == request);
    }
}

TEST(SystemMessage, everyAnswerComesOutAsItWentIn) {
    for (const Request& request : test::requests()) {
        const auto packet = encodeAnswer(9, request.verb, test::answer(request.verb));
        CHECK(packet.has_value());
        const auto back = decodeAnswer(*packet, request.verb);
        CHECK(back.has_value() && back->second.has_value());
        LONGS_EQUAL(9, back->first);
        CHECK(*back->second == test::answer(request.verb));
    }
}

TEST(SystemMessage, anErrorComesOutWithItsCodeAndPlainWords) {
    const auto packet = encodeAnswer(3, Verb::slotsRead, fail(Code::timeout, "rauc", "line\nother \x1b[1m"));
    const auto back = decodeAnswer(*packet, Verb::slotsRead);
    CHECK(back.has_value() && !back->second);
    CHECK(back->second.error().code == Code::timeout);
    STRCMP_EQUAL("line other  [1m", back->second.error().detail.c_str());
    const auto longer = encodeAnswer(3, Verb::hello, fail(Code::internal, "x", std::string(99'999, 'x')));
    LONGS_EQUAL(kMaxWords, decodeAnswer(*longer, Verb::hello)->second.error().detail.size());
}

TEST(SystemMessage, noRequestThatIsCutOrHasMoreIsTaken) {
    for (const Request& request : test::requests()) {
        auto packet = encoded(request);
        for (std::size_t size = 0; size < packet.size(); ++size)
            CHECK_FALSE(decodeRequest(Octets(packet).first(size)).has_value());
        packet.push_back(std::byte{0});
        CHECK_FALSE(decodeRequest(packet).has_value());
    }
}

TEST(SystemMessage, noAnswerThatIsCutOrOfAnotherVerbIsTaken) {
    for (const Request& request : test::requests()) {
        const auto packet = *encodeAnswer(1, request.verb, test::answer(request.verb));
        for (std::size_t size = 0; size < packet.size(); ++size)
            CHECK_FALSE(decodeAnswer(Octets(packet).first(size), request.verb).has_value());
        const Verb other = request.verb == Verb::hello ? Verb::networkRead : Verb::hello;
        CHECK_FALSE(decodeAnswer(packet, other).has_value());
    }
}

TEST(SystemMessage, aVerbTakesItsOwnArgumentAlone) {
    CHECK(refusal({Verb::networkSet, {}}) == Code::malformed);
    CHECK(refusal({Verb::networkSet, test::time()}) == Code::malformed);
    CHECK(refusal({Verb::hello, test::network()}) == Code::malformed);
    CHECK(refusal({static_cast<Verb>(0), {}}) == Code::malformed);
    CHECK(refusal({static_cast<Verb>(20), {}}) == Code::malformed);
    CHECK(refusal({Verb::clockSet, Clock{0}}) == Code::malformed);
    CHECK(refusal({Verb::slotMark, SlotMark{static_cast<SlotMark::As>(3), SlotMark::Which::other}}) == Code::malformed);
}

TEST(SystemMessage, anAnswerThatIsNoneToTheVerbIsOurOwnMistake) {
    const auto packet = encodeAnswer(1, Verb::hello, Answer(Hostname{"x"}));
    CHECK(!packet && packet.error().code == Code::internal);
}

TEST(SystemMessage, textThatIsNotPrintableIsNotTakenFromTheOtherEnd) {
    auto packet = *encodeAnswer(1, Verb::hostnameRead, Answer(Hostname{"kms"}));
    packet.back() = std::byte{'\n'};
    CHECK_FALSE(decodeAnswer(packet, Verb::hostnameRead).has_value());
}

TEST(SystemMessage, aBundleLiesAtAnAbsolutePath) {
    for (const char* path : {"bundle", "", "/data/../etc/passwd"})
        CHECK_FALSE(
            decodeAnswer(*encodeAnswer(1, Verb::hello, Answer(Hello{1, "1", path, true})), Verb::hello).has_value());
}
