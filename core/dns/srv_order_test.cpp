#include "dns/srv_order.h"

#include <cmath>
#include <map>
#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster::dns;

namespace {

constexpr int kDraws = 10000;

std::map<std::string, int> firstChosen(const std::vector<Service>& services, SrvChoice choice) {
    std::mt19937_64 random(2782);
    std::map<std::string, int> chosen;
    for (int i = 0; i < kDraws; ++i)
        ++chosen[order(services, choice, random).front().target];
    return chosen;
}

/// Within four standard deviations of what chance gives: a right choice leaves that once in 16000 seeds.
void checkShare(int count, double share) {
    const double expected = kDraws * share;
    DOUBLES_EQUAL(expected, count, 4 * std::sqrt(expected * (1 - share)) + 1);
}

}  // namespace

TEST_GROUP(SrvOrder){};

TEST(SrvOrder, takesTheLowestPriorityFirstAndKeepsAllHosts) {
    std::mt19937_64 random(1);
    const std::vector<Service> services = {{20, 0, 1, "second"}, {10, 0, 1, "first"}, {30, 9, 1, "third"}};
    const auto hosts = order(services, SrvChoice::byWeight, random);
    LONGS_EQUAL(3, hosts.size());
    STRCMP_EQUAL("first", hosts[0].target.c_str());
    STRCMP_EQUAL("second", hosts[1].target.c_str());
    STRCMP_EQUAL("third", hosts[2].target.c_str());
    CHECK(order({}, SrvChoice::byWeight, random).empty());
}

TEST(SrvOrder, sharesByWeightAmongEquals) {
    auto chosen = firstChosen({{0, 75, 1, "heavy"}, {0, 25, 1, "light"}}, SrvChoice::byWeight);
    // Of the numbers 0 to 100 the first of the two also takes the 0, and either may stand first.
    checkShare(chosen["heavy"], (75 + 0.5) / 101);
    checkShare(chosen["light"], (25 + 0.5) / 101);
}

TEST(SrvOrder, givesWeightZeroBesideOthersASmallChance) {
    auto chosen = firstChosen({{0, 60, 1, "six"}, {0, 0, 1, "zero"}, {0, 39, 1, "four"}}, SrvChoice::byWeight);
    checkShare(chosen["zero"], 1.0 / 100);  // the number 0 of 0 to 99
    checkShare(chosen["six"], 60.0 / 100);
    checkShare(chosen["four"], 39.0 / 100);
}

TEST(SrvOrder, givesAllTheSameWhereAllHaveWeightZero) {
    auto chosen = firstChosen({{0, 0, 1, "one"}, {0, 0, 1, "two"}, {0, 0, 1, "three"}}, SrvChoice::byWeight);
    for (const char* host : {"one", "two", "three"})
        checkShare(chosen[host], 1.0 / 3);
}

TEST(SrvOrder, drawsTheNextAmongTheRest) {
    std::map<std::string, int> second;
    std::mt19937_64 random(1);
    const std::vector<Service> services = {
        {0, 65535, 1, "first"}, {0, 3, 1, "three"}, {0, 1, 1, "one"}, {9, 0, 1, "no"}};
    int draws = 0;
    while (draws < kDraws) {
        const auto hosts = order(services, SrvChoice::byWeight, random);
        STRCMP_EQUAL("no", hosts[3].target.c_str());
        if (hosts[0].target != "first")
            continue;
        ++second[hosts[1].target];
        ++draws;
    }
    checkShare(second["three"], 3.5 / 5);
    checkShare(second["one"], 1.5 / 5);
}

TEST(SrvOrder, ofVistaIsRandomWhateverTheRecordsSay) {
    auto chosen = firstChosen({{0, 100, 1, "preferred"}, {10, 0, 1, "spare"}}, SrvChoice::atRandom);
    checkShare(chosen["preferred"], 0.5);
    checkShare(chosen["spare"], 0.5);
}
