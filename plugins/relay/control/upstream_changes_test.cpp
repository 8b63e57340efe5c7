#include "upstream_changes.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;

TEST_GROUP(UpstreamChanges) {
    UpstreamList list{json({{"address", "10.0.0.1"},
                            {"name", "a"},
                            {"weight", std::int64_t{100}},
                            {"priority", std::int64_t{0}},
                            {"families", Json::Array{}},
                            {"state", "active"},
                            {"counts-virtual", "unknown"}}),
                      json({{"address", "kms-b:1700"}})};

    static Call with(Json body) {
        Call call;
        call.body = std::move(body);
        return call;
    }
};

TEST(UpstreamChanges, addAtTheEndAndWriteNoDefaults) {
    const auto now = withAdded(
        list, with(json({{"address", "kms-c"}, {"countsVirtual", "no"}, {"families", Json::Array{"vista-2008"}}})));
    CHECK_TRUE(now.has_value());
    LONGS_EQUAL(3, now->size());
    CHECK_TRUE(now->front() == json({{"address", "10.0.0.1"}, {"name", "a"}}));
    CHECK_TRUE(now->back() ==
               json({{"address", "kms-c"}, {"families", Json::Array{"vista-2008"}}, {"counts-virtual", "no"}}));
}

TEST(UpstreamChanges, refuseANameThatIsTakenAndAnAddressThatIsNone) {
    CHECK(withAdded(list, with(json({{"address", "x"}, {"name", "a"}}))).error().code == Code::duplicate);
    CHECK(withAdded(list, with(json({{"address", "kms-b:1700"}}))).error().code == Code::duplicate);
    CHECK(withAdded(list, with(json({{"address", "no host"}}))).error().code == Code::malformed);
    CHECK(withChanged(list, "a", with(json({{"rename", "kms-b:1700"}}))).error().code == Code::duplicate);
    CHECK(withAdded(list, with(json({{"address", "x"}, {"versions", Json::Array{std::int64_t{3}}}}))).error().code ==
          Code::malformed);
}

TEST(UpstreamChanges, setWhatIsNamedAndLeaveTheRest) {
    const auto now = withChanged(list, "a", with(json({{"priority", std::int64_t{3}}})));
    CHECK_TRUE(now->front() == json({{"address", "10.0.0.1"}, {"name", "a"}, {"priority", std::int64_t{3}}}));
    CHECK_TRUE(now->back() == list.back());
    CHECK(withChanged(list, "nobody", with(json({}))).error().code == Code::missing);
}

TEST(UpstreamChanges, removeByTheNameThatIsShown) {
    LONGS_EQUAL(1, withRemoved(list, "a")->size());
    LONGS_EQUAL(1, withRemoved(list, "kms-b:1700")->size());
    CHECK(withRemoved(list, "b").error().code == Code::missing);
}
