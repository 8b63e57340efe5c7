#include "answer.h"

#include <algorithm>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "kms/body.h"

using namespace muster;
using namespace muster::relay;

TEST_GROUP(Answer) {
    ActivationRequest asked;
    std::vector<std::byte> request;
    std::vector<std::byte> answer;
    AnswerFacts facts;

    void setup() override {
        asked.major = 4;
        asked.cmid.octets.fill(std::byte{7});
        asked.clientTime.ticks = 0x0123456789abcdef;
        asked.machine.assign("pc-1");
        request.resize(kms::Request4::kSize);
        kms::encodeRequest(asked, std::span<std::byte, kms::Request4::kSize>(request));
        ActivationAnswer given;
        given.major = 4;
        given.epid = "55041-00168-305-123456-03-1033-7601.0000-0992009";
        given.cmid = asked.cmid;
        given.clientTime = asked.clientTime;
        given.count = 31;
        given.activationInterval = 120;
        given.renewalInterval = 10080;
        answer.resize(kms::Answer4::kMaxSize);
        answer.resize(kms::encodeAnswer(given, answer));
    }
    AnswerProblem judged() {
        return judgeAnswer(request, answer, facts);
    }
    void opaque(int major, std::size_t requestSize, std::size_t answerSize) {
        request.assign(requestSize, std::byte{0xaa});
        answer.assign(answerSize, std::byte{0xbb});
        for (auto* body : {&request, &answer}) {
            std::fill_n(body->begin(), 4, std::byte{0});
            (*body)[2] = static_cast<std::byte>(major);
        }
    }
};

TEST(Answer, thatIsTheRequestsOwnIsReadForWhatItSaysInTheClear) {
    CHECK(judged() == AnswerProblem::none);
    CHECK_TRUE(facts.clear);
    LONGS_EQUAL(31, facts.count);
    LONGS_EQUAL(120, facts.activationInterval);
    LONGS_EQUAL(10080, facts.renewalInterval);
    LONGS_EQUAL(96, facts.epid.size());
    LONGS_EQUAL('5', std::to_integer<int>(facts.epid[0]));
}

TEST(Answer, ofEveryOtherLengthIsNone) {
    const std::vector<std::byte> whole = answer;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        answer.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK(judged() != AnswerProblem::none);
        CHECK_FALSE(facts.clear);
    }
    answer = whole;
    answer.push_back(std::byte{0});
    CHECK(judged() == AnswerProblem::epid);
    answer.resize(385);
    CHECK(judged() == AnswerProblem::size);
}

TEST(Answer, withAnotherClientsIdentityIsNotPassedOn) {
    const std::size_t after = kms::Answer4::kEpid + 98;
    for (std::size_t i = 0; i < 24; ++i) {
        answer[after + i] ^= std::byte{1};
        CHECK(judged() == (i < 16 ? AnswerProblem::cmid : AnswerProblem::clientTime));
        answer[after + i] ^= std::byte{1};
    }
}

TEST(Answer, ofAnotherVersionIsNone) {
    answer[2] = std::byte{5};
    CHECK(judged() == AnswerProblem::version);
}

TEST(Answer, whoseEpidLiesAboutItsLengthIsNone) {
    for (const int size : {0, 1, 97, 96, 100, 130, 255}) {
        answer[kms::Answer4::kEpidSize] = static_cast<std::byte>(size);
        CHECK(judged() == AnswerProblem::epid);
    }
    answer[kms::Answer4::kEpidSize] = std::byte{98};
    answer[kms::Answer4::kEpid + 96] = std::byte{'x'};
    CHECK(judged() == AnswerProblem::epid);
}

TEST(Answer, thatIsSealedPassesByItsVersionAndBoundsAlone) {
    for (const int major : {5, 6, 7}) {
        for (const std::size_t size : {std::size_t{5}, std::size_t{212}, std::size_t{260}, std::size_t{384}}) {
            opaque(major, 260, size);
            CHECK(judged() == AnswerProblem::none);
            CHECK_FALSE(facts.clear);
        }
        opaque(major, 260, 4);
        CHECK(judged() == AnswerProblem::size);
        opaque(major, 260, 385);
        CHECK(judged() == AnswerProblem::size);
    }
}
