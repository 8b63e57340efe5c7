#include "kms/body.h"

#include <cstring>

#include "kms/octets.h"
#include "kms/utf16.h"

namespace muster::kms {

namespace {

constexpr std::size_t kVersionSize = 4;
constexpr std::size_t kUnit = 2;

Guid loadGuid(const std::byte* from) noexcept {
    Guid guid;
    std::memcpy(guid.octets.data(), from, guid.octets.size());
    return guid;
}

void storeGuid(std::byte* to, const Guid& guid) noexcept {
    std::memcpy(to, guid.octets.data(), guid.octets.size());
}

template <class Body>
void loadVersion(Octets from, Body& body) noexcept {
    body.minor = load<std::uint16_t>(from.data());
    body.major = load<std::uint16_t>(from.data() + kUnit);
}

template <class Body>
void storeVersion(std::byte* to, const Body& body) noexcept {
    store(to, body.minor);
    store(to + kUnit, body.major);
}

template <class Body>
bool isKnownVersion(const Body& body) noexcept {
    return body.major >= 4 && body.major <= 6 && body.minor == 0;
}

}  // namespace

const char* text(BodyError error) noexcept {
    switch (error) {
        case BodyError::noVersion:
            return "it is too short for a version";
        case BodyError::unknownVersion:
            return "its protocol version is none of 4.0, 5.0, 6.0";
        case BodyError::wrongSize:
            return "its length is not that of its version";
        case BodyError::badEpidSize:
            return "the length of its ePID is impossible";
    }
    return "it is malformed";
}

tl::expected<void, BodyError> decodeRequest(Octets body, ActivationRequest& request) noexcept {
    request = {};
    if (body.size() < kVersionSize)
        return tl::unexpected(BodyError::noVersion);
    loadVersion(body, request);
    if (!isKnownVersion(request))
        return tl::unexpected(BodyError::unknownVersion);
    if (body.size() != (request.isOpaque() ? kOpaqueRequestSize : Request4::kSize))
        return tl::unexpected(BodyError::wrongSize);
    if (request.isOpaque())
        return {};

    // From here on every offset is inside the 252 octets.
    const std::byte* at = body.data();
    request.vmInfo = load<std::uint32_t>(at + Request4::kVmInfo);
    request.licenseStatus = load<std::uint32_t>(at + Request4::kLicenseStatus);
    request.minutesToExpiry = load<std::uint32_t>(at + Request4::kMinutesToExpiry);
    request.application = loadGuid(at + Request4::kApplication);
    request.sku = loadGuid(at + Request4::kSku);
    request.counted = loadGuid(at + Request4::kCounted);
    request.cmid = loadGuid(at + Request4::kCmid);
    request.requiredClients = load<std::uint32_t>(at + Request4::kRequiredClients);
    request.clientTime.ticks = load<std::uint64_t>(at + Request4::kClientTime);
    request.previousCmid = loadGuid(at + Request4::kPreviousCmid);
    std::array<char, MachineName::kCapacity> name;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const std::size_t size = utf16ToUtf8(body.subspan(Request4::kMachineName, Request4::kMachineNameSize), name);
    request.machine.assign({name.data(), size});
    return {};
}

void encodeRequest(const ActivationRequest& request, std::span<std::byte, Request4::kSize> out) noexcept {
    std::byte* at = out.data();
    std::memset(at, 0, out.size());
    storeVersion(at, request);
    store(at + Request4::kVmInfo, request.vmInfo);
    store(at + Request4::kLicenseStatus, request.licenseStatus);
    store(at + Request4::kMinutesToExpiry, request.minutesToExpiry);
    storeGuid(at + Request4::kApplication, request.application);
    storeGuid(at + Request4::kSku, request.sku);
    storeGuid(at + Request4::kCounted, request.counted);
    storeGuid(at + Request4::kCmid, request.cmid);
    store(at + Request4::kRequiredClients, request.requiredClients);
    store(at + Request4::kClientTime, request.clientTime.ticks);
    storeGuid(at + Request4::kPreviousCmid, request.previousCmid);
    utf8ToUtf16(request.machine.view(), out.subspan(Request4::kMachineName, Request4::kMachineNameSize - kUnit));
}

tl::expected<void, BodyError> decodeAnswer(Octets body, ActivationAnswer& answer) {
    answer = {};
    if (body.size() < kVersionSize)
        return tl::unexpected(BodyError::noVersion);
    loadVersion(body, answer);
    if (!isKnownVersion(answer))
        return tl::unexpected(BodyError::unknownVersion);
    if (answer.major >= 5) {
        if (body.size() == kVersionSize || body.size() > kMaxOpaqueAnswerSize)
            return tl::unexpected(BodyError::wrongSize);
        return {};
    }
    if (body.size() < Answer4::kFixedSize)
        return tl::unexpected(BodyError::wrongSize);
    const std::uint32_t epidSize = load<std::uint32_t>(body.data() + Answer4::kEpidSize);
    if (epidSize > Answer4::kMaxEpidSize || epidSize < kUnit || epidSize % kUnit != 0 ||
        epidSize != body.size() - Answer4::kFixedSize)
        return tl::unexpected(BodyError::badEpidSize);

    std::array<char, Answer4::kMaxEpidSize / kUnit * 3> epid{};
    answer.epid.assign(epid.data(), utf16ToUtf8(body.subspan(Answer4::kEpid, epidSize), epid));
    const std::byte* after = body.data() + Answer4::kEpid + epidSize;
    answer.cmid = loadGuid(after + Answer4::kCmidAfter);
    answer.clientTime.ticks = load<std::uint64_t>(after + Answer4::kClientTimeAfter);
    answer.count = load<std::uint32_t>(after + Answer4::kCountAfter);
    answer.activationInterval = load<std::uint32_t>(after + Answer4::kActivationIntervalAfter);
    answer.renewalInterval = load<std::uint32_t>(after + Answer4::kRenewalIntervalAfter);
    return {};
}

std::size_t encodeAnswer(const ActivationAnswer& answer, std::span<std::byte> out) noexcept {
    const std::size_t epidSize = (utf16Units(answer.epid) + 1) * kUnit;
    const std::size_t size = Answer4::kFixedSize + epidSize;
    if (epidSize > Answer4::kMaxEpidSize || out.size() < size)
        return 0;
    std::byte* at = out.data();
    std::memset(at, 0, size);
    storeVersion(at, answer);
    store(at + Answer4::kEpidSize, static_cast<std::uint32_t>(epidSize));
    utf8ToUtf16(answer.epid, out.subspan(Answer4::kEpid, epidSize - kUnit));
    std::byte* after = at + Answer4::kEpid + epidSize;
    storeGuid(after + Answer4::kCmidAfter, answer.cmid);
    store(after + Answer4::kClientTimeAfter, answer.clientTime.ticks);
    store(after + Answer4::kCountAfter, answer.count);
    store(after + Answer4::kActivationIntervalAfter, answer.activationInterval);
    store(after + Answer4::kRenewalIntervalAfter, answer.renewalInterval);
    return size;
}

void readdressAnswer(std::span<std::byte> answer, const ActivationRequest& request, std::uint32_t count) noexcept {
    if (answer.size() < Answer4::kFixedSize)
        return;
    storeVersion(answer.data(), request);
    std::byte* after = answer.data() + answer.size() - Answer4::kFixedSize + Answer4::kEpid;
    storeGuid(after + Answer4::kCmidAfter, request.cmid);
    store(after + Answer4::kClientTimeAfter, request.clientTime.ticks);
    store(after + Answer4::kCountAfter, count);
}

}  // namespace muster::kms
