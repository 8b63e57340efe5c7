#include "host/daemon/slmgr_lines.h"

#include "CppUTest/TestHarness.h"

using muster::daemon::HostView;

TEST_GROUP(SlmgrLines) {
    HostView view;

    void setup() override {
        muster::HostKeyStatus key;
        key.name = "Windows Server 2008 R2 C";
        key.description = "Muster lab, VOLUME_KMS_C channel";
        key.epid = "00000-00000-";
        key.partialKey = "7QK2M";
        key.currentCount = 26;
        view.keys = {key};
        view.port = 11688;
        view.requests = 40;
        view.failed = 2;
        view.byLicenseStatus = {1, 2, 3, 4, 5, 6, 7};
        view.version = "0.1.0";
    }
};

TEST(SlmgrLines, dliPrintsSlmgrsLinesInSlmgrsOrder) {
    STRCMP_EQUAL(
        "\n"
        "Name: Windows Server 2008 R2 C\n"
        "Description: Muster lab, VOLUME_KMS_C channel\n"
        "Partial Product Key: 7QK2M\n"
        "License Status: Licensed\n"
        "\n"
        "Key Management Service is enabled on this machine\n"
        "    Current count: 26\n"
        "    Listening on Port: 11688\n"
        "    DNS publishing disabled\n"
        "    KMS priority: Normal\n"
        "\n"
        "Key Management Service cumulative requests received from clients\n"
        "    Total requests received: 40\n"
        "    Failed requests received: 2\n"
        "    Requests with License Status Unlicensed: 1\n"
        "    Requests with License Status Licensed: 2\n"
        "    Requests with License Status Initial grace period: 3\n"
        "    Requests with License Status License expired or Hardware out of tolerance: 4\n"
        "    Requests with License Status Non-genuine grace period: 5\n"
        "    Requests with License Status Notification: 6\n",
        muster::daemon::dliText(view).c_str());
}

TEST(SlmgrLines, dlvAddsTheIdentifiersBetweenDescriptionAndKey) {
    const std::string text = muster::daemon::dlvText(view);
    STRCMP_CONTAINS("Software licensing service version: 0.1.0\n\nName: ", text.c_str());
    CHECK(text.find("Description: ") < text.find("Activation ID: "));
    CHECK(text.find("Activation ID: ") < text.find("Extended PID: 00000-00000-\n"));
    CHECK(text.find("Product Key Certificate URL: ") < text.find("Partial Product Key: "));
    CHECK(text.find("Trusted time: ") < text.find("Key Management Service is enabled"));
}

TEST(SlmgrLines, aBlockPerInstalledKey) {
    view.keys.push_back(view.keys.front());
    view.keys.back().name = "Windows Vista";
    view.publishesDns = true;
    const std::string text = muster::daemon::dliText(view);
    CHECK(text.find("Name: Windows Server 2008 R2 C") < text.find("Name: Windows Vista"));
    STRCMP_CONTAINS("    DNS publishing enabled\n", text.c_str());
}

TEST(SlmgrLines, ofAKeyElsewhereSaysWhatIsKnownAndNoMore) {
    muster::HostKeyStatus known;
    known.elsewhere = true;
    known.name = "KMS host kms-a";
    known.description = "relayed; reads as Windows Server 2008 R2 C";
    known.epid = "55041-";
    known.licenseStatus = "not known; it granted a request at 2026-11-27T06:12:00.000Z";
    known.currentCount = 50;
    muster::HostKeyStatus silent;
    silent.elsewhere = true;
    silent.name = "KMS host kms-b";
    silent.description = "relayed; it has not answered yet";
    silent.licenseStatus.clear();
    view.keys = {known, silent};
    const std::string requests =
        "Key Management Service cumulative requests received from clients\n"
        "    Total requests received: 40\n"
        "    Failed requests received: 2\n"
        "    Requests with License Status Unlicensed: 1\n"
        "    Requests with License Status Licensed: 2\n"
        "    Requests with License Status Initial grace period: 3\n"
        "    Requests with License Status License expired or Hardware out of tolerance: 4\n"
        "    Requests with License Status Non-genuine grace period: 5\n"
        "    Requests with License Status Notification: 6\n";
    STRCMP_EQUAL(("\n"
                  "Name: KMS host kms-a\n"
                  "Description: relayed; reads as Windows Server 2008 R2 C\n"
                  "Partial Product Key: not known\n"
                  "License Status: not known; it granted a request at 2026-11-27T06:12:00.000Z\n"
                  "    Current count: 50\n"
                  "\n"
                  "Name: KMS host kms-b\n"
                  "Description: relayed; it has not answered yet\n"
                  "Partial Product Key: not known\n"
                  "License Status: not known\n"
                  "    Current count: not known\n"
                  "\n"
                  "This machine passes requests on to the hosts above, and holds no key itself\n"
                  "    Listening on Port: 11688\n"
                  "    DNS publishing disabled\n"
                  "\n" +
                  requests)
                     .c_str(),
                 muster::daemon::dliText(view).c_str());
    const std::string verbose = muster::daemon::dlvText(view);
    STRCMP_CONTAINS("Extended PID: 55041-\n", verbose.c_str());
    STRCMP_CONTAINS("Activation ID: not known\nApplication ID: not known\nExtended PID: not known\n", verbose.c_str());
    STRCMP_CONTAINS("Remaining Windows rearm count: not known\nTrusted time: not known\n", verbose.c_str());
}

TEST(SlmgrLines, withoutAKeySaysWhatSlmgrSays) {
    view.keys.clear();
    STRCMP_EQUAL("Error: product key not found.\n", muster::daemon::dliText(view).c_str());
}
