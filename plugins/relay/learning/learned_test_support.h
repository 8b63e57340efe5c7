/// Traffic for tests of what is learnt: clients that ask one upstream, and what it answers.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "muster/test/fakes.h"

#include "kms/utf16.h"
#include "learned.h"

extern "C" {
extern const muster_family muster_family_vista_2008;
extern const muster_family muster_family_win7_2008r2;
}

namespace muster::relay::test {

inline const Guid kWindows = Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059f").value();
inline const Guid kOffice = Guid::parse("59a52881-a989-479d-af46-f275c6370663").value();
inline const Guid kVista = Guid::parse("212a64dc-43b1-4d3d-a30c-2fc69d2095c6").value();
inline const Guid kServer2008B = Guid::parse("8fe53387-3087-4447-8985-f75132215ac9").value();
inline const Guid kWindows7 = Guid::parse("7fde5219-fbfa-484a-82c9-34d1ad53e856").value();
inline const Guid kServer2008R2B = Guid::parse("ca87f5b6-cd46-40c0-b06d-8ecd57a4373f").value();

inline const Timestamp kNoon{std::chrono::milliseconds(1'795'348'800'000)};  // 2026-11-22 12:00 UTC

constexpr std::string_view kServer2008CEpid = "55041-00152-381-123456-03-1033-6002.0000-0402009";
constexpr std::string_view kWindows7Epid = "55041-00172-037-123456-03-1033-7601.0000-1002010";
constexpr std::string_view kServer2008R2CEpid = "55041-00168-305-123456-03-1033-7601.0000-1002010";

inline Guid cmid(std::uint32_t machine) {
    Guid out;
    std::memcpy(out.octets.data(), &machine, sizeof machine);
    out.octets[15] = std::byte{1};
    return out;
}

/// One machine as it asks. All members have the most ordinary value.
struct Client {
    std::uint32_t machine = 1;
    Guid counted = kVista;
    bool isVirtual = false;
    std::uint32_t required = 25;
    std::chrono::seconds ahead{0};  ///< of its clock
    std::uint16_t major = 4;        ///< 5 and 6: nothing else is to be seen
    Guid application = kWindows;
};

/// An upstream under test. Each exchange takes a minute, so that what comes later has a later time.
class Traffic {
public:
    explicit Traffic(std::shared_ptr<LearnedUpstream> record = std::make_shared<LearnedUpstream>())
        : record_(std::move(record)) {
        families.tables = {&muster_family_vista_2008, &muster_family_win7_2008r2};
    }

    muster::test::FakeFamilies families;
    Timestamp now = kNoon;
    std::string epid{kServer2008CEpid};
    std::uint32_t activation = 120;  ///< minutes
    std::uint32_t renewal = 10'080;  ///< minutes
    std::uint32_t waited = 4'000;    ///< microseconds

    LearnedUpstream& record() noexcept { return *record_; }
    Knowledge knowledge() const { return record_->snapshot(); }

    void answered(const Client& client, std::uint32_t count) { exchange(client, Ending::answered, HResult::ok, count); }
    void refused(const Client& client, HResult code) { exchange(client, Ending::refused, code, 0); }
    void ended(const Client& client, Ending ending) { exchange(client, ending, HResult::ok, 0); }

    /// Machines `first` to `last` ask one after the other; the host counts from `count` on, one more each time.
    void fill(std::uint32_t first, std::uint32_t last, std::uint32_t count, Client like = {}, bool counts = true) {
        for (like.machine = first; like.machine <= last; ++like.machine)
            answered(like, counts ? count++ : count);
    }

private:
    void exchange(const Client& client, Ending ending, HResult code, std::uint32_t count) {
        now += std::chrono::minutes(1);
        ActivationRequest request;
        request.major = client.major;
        Address source = Address::parse("10.0.0.1:50000").value();
        source.octets[14] = static_cast<std::uint8_t>(client.machine / 256);
        source.octets[15] = static_cast<std::uint8_t>(client.machine % 256);
        std::vector<std::byte> octets;
        Product product;
        if (!request.isOpaque()) {
            request.vmInfo = client.isVirtual ? 1 : 0;
            request.application = client.application;
            request.counted = client.counted;
            request.cmid = cmid(client.machine);
            request.requiredClients = client.required;
            request.clientTime = FileTime::from(now + client.ahead);
            request.machine.assign("PC-" + std::to_string(client.machine));
            product = families.find(request.counted, request.sku);
            if (ending == Ending::answered) {
                octets.resize(2 * epid.size());
                octets.resize(kms::utf8ToUtf16(epid, octets));
            }
        }
        record_->note({.when = now,
                       .source = source,
                       .request = request,
                       .product = product,
                       .ending = ending,
                       .result = code,
                       .epid = octets,
                       .count = request.isOpaque() ? 0 : count,
                       .activationInterval = activation,
                       .renewalInterval = renewal,
                       .waited = waited});
    }

    std::shared_ptr<LearnedUpstream> record_;
};

}  // namespace muster::relay::test
