#include "host/plugins/metrics.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using plugins::Metrics;

TEST_GROUP(Metrics) {
    Metrics metrics;

    std::string refusal(const char* owner, const char* name) {
        try {
            metrics.gauge(owner, name, "help");
        } catch (const Fault& fault) {
            return fault.what();
        }
        return "";
    }
};

TEST(Metrics, anOwnerThatAsksAgainGetsTheSameNumber) {
    ++metrics.counter("relay", "relay_retries_total", "Retries.");
    ++metrics.counter("relay", "relay_retries_total", "Retries.");
    LONGS_EQUAL(2, metrics.value("relay_retries_total"));
}

TEST(Metrics, aNameOfAnotherOwnerIsRefusedAndTheOwnerNamed) {
    metrics.counter("relay", "retries_total", "Retries.");
    STRCMP_EQUAL("metric retries_total: is a counter of relay; choose another name",
                 refusal("lab", "retries_total").c_str());
    STRCMP_EQUAL("metric retries_total: is a counter of relay; choose another name",
                 refusal("relay", "retries_total").c_str());
}

TEST(Metrics, aRetiredNumberIsNotShownStaysValidAndItsNameIsFree) {
    Counter& late = metrics.counter("relay", "retries_total", "Retries.");
    metrics.retire("relay", "retries_total");
    ++late;
    CHECK_TRUE(metrics.samples().empty());
    ++metrics.counter("lab", "retries_total", "Others.");
    LONGS_EQUAL(1, metrics.value("retries_total"));
}

TEST(Metrics, aNameThatExportersWouldNotTakeIsRefused) {
    for (const char* bad : {"", "Retries", "9lives", "with-dash", "with space", "\xc3\xa9"})
        CHECK_FALSE(refusal("lab", bad).empty());
    CHECK_FALSE(refusal("lab", std::string(97, 'a').c_str()).empty());
    CHECK_TRUE(refusal("lab", std::string(96, 'a').c_str()).empty());
}

TEST(Metrics, samplesAreInTheOrderOfTheirNames) {
    metrics.gauge("lab", "b", "B.").set(-2);
    metrics.counter("lab", "a_total", "A.") += 3;
    const auto samples = metrics.samples();
    LONGS_EQUAL(2, samples.size());
    STRCMP_EQUAL("a_total", samples[0].name.c_str());
    LONGS_EQUAL(3, samples[0].value);
    LONGS_EQUAL(-2, samples[1].value);
    CHECK_FALSE(samples[1].counter);
}
