#include "host/nsupdate/script.h"

#include "CppUTest/TestHarness.h"

#include "host/nsupdate/test_updates.h"

using namespace muster::nsupdate;

TEST_GROUP(NsupdateScript){};

TEST(NsupdateScript, saysAllOfAnUpdateInNsupdatesWords) {
    STRCMP_EQUAL(
        "server 10.53.57.1 53\n"
        "zone corp.example.\n"
        "realm CORP.EXAMPLE\n"
        "prereq nxrrset muster-01.corp.example. IN AAAA\n"
        "prereq yxrrset _vlmcs._tcp.corp.example. IN SRV 1 100 1688 muster-01.corp.example.\n"
        "update delete _vlmcs._tcp.corp.example. IN SRV 1 100 1688 muster-01.corp.example.\n"
        "update add _vlmcs._tcp.corp.example. 3600 IN SRV 1 100 1689 muster-01.corp.example.\n"
        "update add muster-01.corp.example. 1200 IN A 10.0.0.7\n"
        "update add muster-01.corp.example. 1200 IN AAAA 2001:db8::7\n"
        "send\n"
        "answer\n",
        script(test::update()).c_str());
}

TEST(NsupdateScript, namesNoRealmThatIsNotGiven) {
    auto update = test::update();
    update.realm.clear();
    update.server.port = 5353;
    STRCMP_CONTAINS("server 10.53.57.1 5353\nzone corp.example.\nprereq", script(update).c_str());
}
