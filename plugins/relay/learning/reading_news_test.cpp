#include "reading_news.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;
using namespace std::chrono_literals;

TEST_GROUP(ReadingNews) {
    ReadingNews news;
    Timestamp now{24h * 365 * 50};
    std::vector<Subject> subjects{{"kms-a", CountsVirtual::unknown, {}}, {"kms-b", CountsVirtual::unknown, {}}};

    static Reading reading(const char* code, Severity severity) {
        Reading one;
        one.code = code;
        one.severity = severity;
        return one;
    }
    std::size_t told(std::vector<Reading> ofA, std::vector<Reading> ofB = {}) {
        return news.take(subjects, {std::move(ofA), std::move(ofB)}, now).size();
    }
};

TEST(ReadingNews, areToldOncePerUpstream) {
    const Reading split = reading("count-split", Severity::warning);
    LONGS_EQUAL(2, told({split}, {split}));
    LONGS_EQUAL(0, told({split}, {split}));
    LONGS_EQUAL(1, told({split, reading("update-missing", Severity::error)}, {split}));
}

TEST(ReadingNews, areNotWhatIsMerelyGoodToKnow) {
    LONGS_EQUAL(0, told({reading("host-key", Severity::info)}));
}

TEST(ReadingNews, areToldAgainWhenTheyComeBackAfterADay) {
    const Reading split = reading("count-split", Severity::warning);
    told({split});
    now += 23h;
    LONGS_EQUAL(0, told({}));
    LONGS_EQUAL(0, told({split}));
    now += 25h;
    LONGS_EQUAL(0, told({}));
    LONGS_EQUAL(1, told({split}));
}
