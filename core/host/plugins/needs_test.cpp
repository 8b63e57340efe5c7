#include "host/plugins/needs.h"

#include "CppUTest/TestHarness.h"

using namespace muster::plugins;

TEST_GROUP(Needs){static std::string order(std::vector<Needs> plugins){std::string text;
for (const std::string& name : orderByNeeds(std::move(plugins)).names)
    text += name + " ";
return text;
}
}
;

TEST(Needs, comeFirstThenTheAlphabet) {
    STRCMP_EQUAL("a c b d ", order({{"d", {"a"}}, {"b", {"c"}}, {"c", {}}, {"a", {}}}).c_str());
}

TEST(Needs, thatNobodyHasDoNotChangeTheOrder) {
    STRCMP_EQUAL("a b ", order({{"b", {}}, {"a", {"unicorn"}}}).c_str());
}

TEST(Needs, aCircleIsNamedFromEachOfItsMembersAndSparesTheRest) {
    const auto result =
        orderByNeeds({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}, {"outside", {"a"}}, {"self", {"self"}}});
    LONGS_EQUAL(4, result.circles.size());
    STRCMP_EQUAL("b -> c -> a -> b", result.circles.at("b").c_str());
    STRCMP_EQUAL("self -> self", result.circles.at("self").c_str());
    LONGS_EQUAL(1, result.names.size());
    STRCMP_EQUAL("outside", result.names[0].c_str());
}
