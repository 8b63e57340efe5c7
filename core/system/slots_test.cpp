#include "system/slots.h"

#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::system;

TEST_GROUP(SystemSlots){};

TEST(SystemSlots, areReadFromWhatRaucSays) {
    const auto state = readSlots(
        R"({"compatible":"muster-x86_64","variant":"","booted":"A","boot_primary":"boot.0","slots":[)"
        R"({"rootfs.0":{"class":"rootfs","device":"/dev/x","type":"raw","bootname":null,"state":"active","parent":"boot.0",)"
        R"("mountpoint":null,"boot_status":null}},)"
        R"({"boot.0":{"class":"boot","device":"/dev/y","type":"raw","bootname":"A","state":"booted","parent":null,)"
        R"("mountpoint":null,"boot_status":"good","slot_status":{"bundle":{"compatible":"muster-x86_64",)"
        R"("version":"1.2.3"},"installed":{"timestamp":"2026-11-28T01:02:03Z","count":2},"status":"ok"}}}]})");
    CHECK(state.has_value());
    STRCMP_EQUAL("muster-x86_64", state->compatible.c_str());
    STRCMP_EQUAL("A", state->booted.c_str());
    LONGS_EQUAL(2, state->slots.size());
    CHECK((state->slots[0] == Slot{"boot.0", "A", "booted", "good", "1.2.3", "2026-11-28T01:02:03Z"}));
    CHECK((state->slots[1] == Slot{"rootfs.0", "", "active", "", "", ""}));
}

TEST(SystemSlots, whatIsNoStatusIsSaidToBeNone) {
    for (const char* text : {"", "{}", "[]", "{\"slots\":3}", "Error retrieving slot status"})
        CHECK_FALSE(readSlots(text).has_value());
    CHECK(readSlots(R"({"slots":[1,{},{"a":1},{"a":{},"b":{}}]})")->slots.size() == 1);
}

TEST(SystemSlots, ofTooManyTheFirstAreTaken) {
    std::string text = "{\"slots\":[";
    for (int i = 0; i < 40; ++i)
        text += (i == 0 ? "{\"s" : ",{\"s") + std::to_string(i) + "\":{\"state\":\"" + std::string(500, 'x') + "\"}}";
    const auto state = readSlots(text + "]}");
    LONGS_EQUAL(kMaxSlots, state->slots.size());
    LONGS_EQUAL(kMaxName, state->slots[0].state.size());
}

TEST(SystemSlots, progressIsANumberAndWords) {
    UpdateState state;
    readProgress("installing", state);
    STRCMP_EQUAL("installing", state.words.c_str());
    readProgress(" 40% Copying image to rootfs.1\r", state);
    LONGS_EQUAL(40, state.percent);
    STRCMP_EQUAL("Copying image to rootfs.1", state.words.c_str());
    for (const char* line : {"", "   ", "400% x", "-1% x"})
        readProgress(line, state);
    LONGS_EQUAL(40, state.percent);
}
