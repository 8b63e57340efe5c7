#include "kms/rpc_groups.h"

#include "CppUTest/TestHarness.h"

using namespace muster::kms;

TEST_GROUP(AssociationGroups) {
    AssociationGroups groups{2};
};

TEST(AssociationGroups, haveIdsOfTheirOwnThatAreNotZero) {
    const auto one = groups.open();
    const auto two = groups.open();
    CHECK_TRUE(one != 0 && two != 0 && one != two);
}

TEST(AssociationGroups, areJoinedOnlyWhileSomebodyIsIn) {
    const auto id = groups.open();
    CHECK_TRUE(groups.join(id));
    groups.leave(id);
    CHECK_TRUE(groups.join(id));
    groups.leave(id);
    groups.leave(id);
    CHECK_FALSE(groups.join(id));
}

TEST(AssociationGroups, ofAnIdThatWasNeverGivenAreUnknown) {
    CHECK_FALSE(groups.join(0));
    CHECK_FALSE(groups.join(1));
    CHECK_FALSE(groups.join(0xFFFFFFFF));
    const auto id = groups.open();
    CHECK_FALSE(groups.join(id + 0x10000));
    CHECK_FALSE(groups.join(id + 1));
}

TEST(AssociationGroups, areBoundedAndTheirPlacesComeBackUnderOtherIds) {
    const auto one = groups.open();
    groups.open();
    LONGS_EQUAL(0, groups.open());
    groups.leave(one);
    const auto again = groups.open();
    CHECK_TRUE(again != 0 && again != one);
    CHECK_FALSE(groups.join(one));
}
