#include "host/daemon/services.h"

#include "CppUTest/TestHarness.h"

using muster::json;
using muster::daemon::eventMessage;

TEST_GROUP(EventMessage){};

TEST(EventMessage, fillsInFieldsByName) {
    STRCMP_EQUAL("Muster 0.1.0 has 3 of 4 ready: yes.",
                 eventMessage("Muster {version} has {n} of {m} ready: {ready}.",
                              json({{"version", "0.1.0"}, {"n", 3}, {"m", 4U}, {"ready", true}}))
                     .c_str());
}

TEST(EventMessage, whatAFieldHoldsIsNeitherFilledInNorObeyed) {
    STRCMP_EQUAL("machine {n}\\x0a\\x1b[31m, ",
                 eventMessage("machine {name}, {absent}", json({{"name", "{n}\n\x1b[31m"}, {"n", 1}})).c_str());
}

TEST(EventMessage, anOpenBraceIsText) {
    STRCMP_EQUAL("a {b", eventMessage("a {b", json({{"b", 1}})).c_str());
}
