#include "kms/body.h"

#include <string>
#include <vector>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::kms;

namespace {

/// A request as a Windows 7 machine writes it, by hand from the table of fields.
std::vector<std::byte> windows7Request() {
    const char* const hex =
        "00000400"                          // 4.0
        "01000000"                          // in a virtual machine
        "02000000"                          // out-of-box grace
        "20a30000"                          // 41760 minutes
        "3427c95582d6714d983ed6ec3f16059f"  // application: Windows
        "1c159b5311558949"
        "97bed11a0f55633f"                  // any activation ID
        "1952de7ffafb4a4882c934d1ad53e856"  // counted ID: Windows 7
        "397bf236d52f0b44be67a09996d27a38"  // CMID
        "19000000"                          // needs 25
        "0080b1e2465fcb01"                  // 2010-09-28
        "00000000000000000000000000000000"  // CMID never changed
        "6b0061007300740065006e00";         // "kasten"
    std::vector<std::byte> out;
    for (const char* at = hex; *at; at += 2)
        out.push_back(static_cast<std::byte>(std::stoi(std::string(at, 2), nullptr, 16)));
    out.resize(Request4::kSize);
    for (std::size_t i = 0; i < kSealSize; ++i)
        out[Request4::kSeal + i] = static_cast<std::byte>(0xA0 + i);
    return out;
}

void setName(std::vector<std::byte>& body, std::initializer_list<int> units) {
    std::size_t at = Request4::kMachineName;
    for (const int unit : units) {
        body[at++] = static_cast<std::byte>(unit & 0xFF);
        body[at++] = static_cast<std::byte>(unit >> 8);
    }
}

std::string nameIn(const std::vector<std::byte>& body) {
    ActivationRequest request;
    CHECK_TRUE(decodeRequest(body, request).has_value());
    return std::string(request.machine.view());
}

ActivationAnswer answer() {
    ActivationAnswer out;
    out.major = 4;
    out.epid = "11111-00116-106-000474-00-1033-5231.0000-2782005";
    out.cmid = *Guid::parse("36f27b39-2fd5-440b-be67-a09996d27a38");
    out.clientTime.ticks = 0x0102030405060708;
    out.count = 25;
    out.activationInterval = 120;
    out.renewalInterval = 10080;
    return out;
}

}  // namespace

TEST_GROUP(RequestBody){};

TEST(RequestBody, everyFieldOfAVersion4RequestIsRead) {
    ActivationRequest request;
    CHECK_TRUE(decodeRequest(windows7Request(), request).has_value());
    LONGS_EQUAL(4, request.major);
    LONGS_EQUAL(0, request.minor);
    CHECK_TRUE(request.isVirtual());
    LONGS_EQUAL(2, request.licenseStatus);
    LONGS_EQUAL(41760, request.minutesToExpiry);
    STRCMP_EQUAL("55c92734-d682-4d71-983e-d6ec3f16059f", request.application.text().c_str());
    STRCMP_EQUAL("7fde5219-fbfa-484a-82c9-34d1ad53e856", request.counted.text().c_str());
    STRCMP_EQUAL("36f27b39-2fd5-440b-be67-a09996d27a38", request.cmid.text().c_str());
    LONGS_EQUAL(25, request.requiredClients);
    CHECK_TRUE(request.clientTime.ticks == 0x01cb5f46e2b18000);
    CHECK_TRUE(request.previousCmid.isZero());
    STRCMP_EQUAL("kasten", std::string(request.machine.view()).c_str());
}

TEST(RequestBody, writingWhatWasReadGivesTheSameOctetsButTheSeal) {
    const auto body = windows7Request();
    ActivationRequest request;
    CHECK_TRUE(decodeRequest(body, request).has_value());
    std::array<std::byte, Request4::kSize> written{};
    encodeRequest(request, written);
    MEMCMP_EQUAL(body.data(), written.data(), Request4::kSeal);
    for (std::size_t i = Request4::kSeal; i < Request4::kSize; ++i)
        CHECK_TRUE(written[i] == std::byte{0});
}

TEST(RequestBody, aVersion4BodyOfAnyOtherLengthIsRefusedButItsVersionIsKnown) {
    for (std::size_t size = 4; size < 600; ++size) {
        if (size == Request4::kSize)
            continue;
        auto body = windows7Request();
        body.resize(size);
        ActivationRequest request;
        const auto read = decodeRequest(body, request);
        CHECK_FALSE(read.has_value());
        CHECK_TRUE(read.error() == BodyError::wrongSize);
        LONGS_EQUAL(4, request.major);
        CHECK_TRUE(request.cmid.isZero());
    }
}

TEST(RequestBody, lessThanAVersionIsRefused) {
    for (std::size_t size = 0; size < 4; ++size) {
        ActivationRequest request;
        CHECK_TRUE(decodeRequest(std::vector<std::byte>(size), request).error() == BodyError::noVersion);
    }
}

TEST(RequestBody, versions5And6Are260OpaqueOctets) {
    for (const int major : {5, 6}) {
        std::vector<std::byte> body(kOpaqueRequestSize, std::byte{0x77});
        body[0] = body[1] = body[3] = std::byte{0};
        body[2] = static_cast<std::byte>(major);
        ActivationRequest request;
        CHECK_TRUE(decodeRequest(body, request).has_value());
        LONGS_EQUAL(major, request.major);
        CHECK_TRUE(request.isOpaque());
        CHECK_TRUE(request.cmid.isZero());
        body.pop_back();
        CHECK_TRUE(decodeRequest(body, request).error() == BodyError::wrongSize);
    }
}

TEST(RequestBody, aVersionThatNobodySpeaksIsRefused) {
    for (const int major : {0, 3, 7, 255}) {
        auto body = windows7Request();
        body[2] = static_cast<std::byte>(major);
        ActivationRequest request;
        CHECK_TRUE(decodeRequest(body, request).error() == BodyError::unknownVersion);
        LONGS_EQUAL(major, request.major);
    }
    auto body = windows7Request();
    body[0] = std::byte{1};
    ActivationRequest request;
    CHECK_TRUE(decodeRequest(body, request).error() == BodyError::unknownVersion);
}

TEST(RequestBody, aNameEndsAtItsTerminatorWhateverFollows) {
    auto body = windows7Request();
    setName(body, {'a', 'b', 0, 'c', 'd'});
    STRCMP_EQUAL("ab", nameIn(body).c_str());
}

TEST(RequestBody, aNameOf64UnitsWithoutTerminatorIsTaken) {
    auto body = windows7Request();
    for (std::size_t i = 0; i < Request4::kMachineNameSize; i += 2) {
        body[Request4::kMachineName + i] = std::byte{0xAC};  // U+20AC: three octets of UTF-8 each
        body[Request4::kMachineName + i + 1] = std::byte{0x20};
    }
    LONGS_EQUAL(192, nameIn(body).size());
}

TEST(RequestBody, aPairOfSurrogatesIsOneCharacterAndALoneOneIsReplaced) {
    auto body = windows7Request();
    setName(body, {0xD83D, 0xDE00, 0xDE00, 'x', 0xD83D, 0});
    STRCMP_EQUAL("\xF0\x9F\x98\x80\xEF\xBF\xBDx\xEF\xBF\xBD", nameIn(body).c_str());
}

TEST(RequestBody, aSurrogateInTheLastUnitIsReplaced) {
    auto body = windows7Request();
    for (std::size_t i = 0; i < Request4::kMachineNameSize; i += 2)
        body[Request4::kMachineName + i] = std::byte{'a'};
    body[Request4::kSeal - 1] = std::byte{0xD8};
    body[Request4::kSeal - 2] = std::byte{0};
    STRCMP_EQUAL((std::string(63, 'a') + "\xEF\xBF\xBD").c_str(), nameIn(body).c_str());
}

TEST(RequestBody, aNameThatIsTooLongForTheWireIsCutBetweenCharacters) {
    ActivationRequest request;
    request.major = 4;
    request.machine.assign(std::string(62, 'a') + "\xF0\x9F\x98\x80");  // 62 units and a pair: 64, one too many
    std::array<std::byte, Request4::kSize> written{};
    encodeRequest(request, written);
    ActivationRequest back;
    CHECK_TRUE(decodeRequest(written, back).has_value());
    STRCMP_EQUAL(std::string(62, 'a').c_str(), std::string(back.machine.view()).c_str());
}

TEST_GROUP(AnswerBody) {
    std::array<std::byte, Answer4::kMaxSize> buffer{};
    Octets written(std::size_t size) const {
        return Octets(buffer).first(size);
    }
};

TEST(AnswerBody, anEpidOf48CharactersMakes158OctetsAndEverythingComesBack) {
    const std::size_t size = encodeAnswer(answer(), buffer);
    LONGS_EQUAL(158, size);
    LONGS_EQUAL(98, std::to_integer<int>(buffer[Answer4::kEpidSize]));
    ActivationAnswer read;
    CHECK_TRUE(decodeAnswer(written(size), read).has_value());
    LONGS_EQUAL(4, read.major);
    STRCMP_EQUAL(answer().epid.c_str(), read.epid.c_str());
    CHECK_TRUE(read.cmid == answer().cmid);
    CHECK_TRUE(read.clientTime == answer().clientTime);
    LONGS_EQUAL(25, read.count);
    LONGS_EQUAL(120, read.activationInterval);
    LONGS_EQUAL(10080, read.renewalInterval);
}

TEST(AnswerBody, theFieldsStandWhereClientsLookForThem) {
    const std::size_t size = encodeAnswer(answer(), buffer);
    LONGS_EQUAL(0x36, std::to_integer<int>(buffer[8 + 98 + 3]));  // CMID at 8 + P
    LONGS_EQUAL(0x08, std::to_integer<int>(buffer[24 + 98]));     // time at 24 + P
    LONGS_EQUAL(25, std::to_integer<int>(buffer[32 + 98]));       // count at 32 + P
    LONGS_EQUAL(120, std::to_integer<int>(buffer[36 + 98]));      // activation interval at 36 + P
    LONGS_EQUAL(0x60, std::to_integer<int>(buffer[40 + 98]));     // renewal interval at 40 + P
    LONGS_EQUAL(44 + 98, sealedPart(written(size)).size());
}

TEST(AnswerBody, anAnswerWhoseEpidIsNotAsLongAsItSaysIsRefused) {
    const std::size_t size = encodeAnswer(answer(), buffer);
    for (const int wrong : {0, 1, 97, 96, 99, 100, 128, 130, 255}) {
        buffer[Answer4::kEpidSize] = static_cast<std::byte>(wrong);
        ActivationAnswer read;
        CHECK_TRUE(decodeAnswer(written(size), read).error() == BodyError::badEpidSize);
    }
    buffer[Answer4::kEpidSize] = std::byte{98};
    buffer[Answer4::kEpidSize + 3] = std::byte{0xFF};
    ActivationAnswer read;
    CHECK_TRUE(decodeAnswer(written(size), read).error() == BodyError::badEpidSize);
}

TEST(AnswerBody, everyCutOfAnAnswerIsRefused) {
    const std::size_t size = encodeAnswer(answer(), buffer);
    for (std::size_t cut = 0; cut < size; ++cut) {
        ActivationAnswer read;
        CHECK_FALSE(decodeAnswer(written(cut), read).has_value());
    }
}

TEST(AnswerBody, opaqueAnswersAreTakenUpTo384Octets) {
    std::vector<std::byte> body(kMaxOpaqueAnswerSize);
    body[2] = std::byte{6};
    ActivationAnswer read;
    CHECK_TRUE(decodeAnswer(body, read).has_value());
    LONGS_EQUAL(6, read.major);
    body.push_back(std::byte{0});
    CHECK_FALSE(decodeAnswer(body, read).has_value());
    body.resize(4);
    CHECK_FALSE(decodeAnswer(body, read).has_value());
}

TEST(AnswerBody, anEpidOf64UnitsHasNoRoomForItsTerminator) {
    ActivationAnswer tooLong = answer();
    tooLong.epid = std::string(64, '1');
    LONGS_EQUAL(0, encodeAnswer(tooLong, buffer));
    tooLong.epid.pop_back();
    LONGS_EQUAL(Answer4::kMaxSize, encodeAnswer(tooLong, buffer));
    LONGS_EQUAL(0, encodeAnswer(tooLong, std::span(buffer).first(Answer4::kMaxSize - 1)));
}

TEST(AnswerBody, anAnswerReaddressedReadsAsWrittenForThatClient) {
    const std::size_t size = encodeAnswer(answer(), buffer);
    ActivationRequest request;
    request.major = 4;
    request.cmid = *Guid::parse("00000000-0000-0000-0000-0000000000ff");
    request.clientTime.ticks = 77;
    readdressAnswer(std::span(buffer).first(size), request, 31);
    ActivationAnswer read;
    CHECK_TRUE(decodeAnswer(written(size), read).has_value());
    CHECK_TRUE(read.cmid == request.cmid);
    CHECK_TRUE(read.clientTime == request.clientTime);
    LONGS_EQUAL(31, read.count);
    LONGS_EQUAL(10080, read.renewalInterval);
    STRCMP_EQUAL(answer().epid.c_str(), read.epid.c_str());
}
