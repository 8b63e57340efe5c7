#include "pool/compact.h"

#include <algorithm>
#include <cstring>

namespace muster::pool {

namespace {

// What a record has beside what every one has.
enum : std::uint32_t {
    kWellFormed = 1U << 0,
    kCounted = 1U << 1,
    kFresh = 1U << 2,
    kV4 = 1U << 3,  // four octets of address instead of sixteen
    kScope = 1U << 4,
    kProductNumber = 1U << 5,
    kProduct = 1U << 6,  // three GUIDs
    kTold = 1U << 7,     // what a version 4 request says of its client
    kVirtual = 1U << 8,
    kPrevious = 1U << 9,
    kResult = 1U << 10,
    kFault = 1U << 11,
    kCount = 1U << 12,
    kReason = 1U << 13,
    kAttempts = 1U << 14,
    kUpstream = 1U << 15,
    kUpstreamNumber = 1U << 16,
    kAllFlags = (1U << 17) - 1,
};

constexpr std::byte kBlockVersion{1};

class Writer {
public:
    explicit Writer(std::byte* out) noexcept : begin_(out), at_(out) {}
    void octet(std::uint8_t value) noexcept { *at_++ = static_cast<std::byte>(value); }
    void varint(std::uint64_t value) noexcept {
        while (value >= 0x80) {
            octet(static_cast<std::uint8_t>(value | 0x80));
            value >>= 7;
        }
        octet(static_cast<std::uint8_t>(value));
    }
    void raw(const void* data, std::size_t size) noexcept {
        std::memcpy(at_, data, size);
        at_ += size;
    }
    void guid(const Guid& guid) noexcept { raw(guid.octets.data(), guid.octets.size()); }
    template <class T>
    void fixed(T value) noexcept {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            octet(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    void text(std::string_view text) noexcept {
        octet(static_cast<std::uint8_t>(text.size()));
        if (!text.empty())
            raw(text.data(), text.size());
    }
    std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

private:
    std::byte* begin_;
    std::byte* at_;
};

/// Reads past the end give zeros and spoil the whole: asked once, at the end.
class Parser {
public:
    explicit Parser(Octets data) noexcept : data_(data) {}
    std::uint8_t octet() noexcept {
        const Octets from = take(1);
        return from.empty() ? 0 : std::to_integer<std::uint8_t>(from[0]);
    }
    std::uint64_t varint() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = octet();
            const std::uint64_t part = next & 0x7fU;
            if (part << shift >> shift != part)
                break;
            value |= part << shift;
            if ((next & 0x80U) == 0)
                return value;
        }
        good_ = false;
        return 0;
    }
    /// A number that must fit.
    template <class T>
    T number() noexcept {
        const std::uint64_t value = varint();
        if (value > std::numeric_limits<T>::max())
            good_ = false;
        return static_cast<T>(value);
    }
    template <class T>
    T fixed() noexcept {
        T value = 0;
        const Octets from = take(sizeof(T));
        for (std::size_t i = 0; i < from.size(); ++i)
            value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(from[i]) << (8 * i)));
        return value;
    }
    Guid guid() noexcept {
        Guid guid;
        const Octets from = take(guid.octets.size());
        std::copy(from.begin(), from.end(), guid.octets.begin());
        return guid;
    }
    void octets(std::uint8_t* to, std::size_t size) noexcept {
        const Octets from = take(size);
        if (!from.empty())
            std::memcpy(to, from.data(), from.size());
    }
    std::string_view text(std::size_t limit) noexcept {
        const std::size_t size = octet();
        if (size > limit)
            good_ = false;
        const Octets from = take(size);
        return {reinterpret_cast<const char*>(from.data()), from.size()};
    }
    void spoil() noexcept { good_ = false; }
    bool good() const noexcept { return good_; }
    Octets rest() const noexcept { return data_; }

private:
    Octets take(std::size_t size) noexcept {
        if (!good_ || size > data_.size()) {
            good_ = false;
            return {};
        }
        const Octets taken = data_.first(size);
        data_ = data_.subspan(size);
        return taken;
    }

    Octets data_;
    bool good_ = true;
};

/// Small numbers of either sign to small ones without.
std::uint64_t zigzag(std::int64_t value) noexcept {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

std::int64_t millisecondsOf(Timestamp time) noexcept {
    return time.time_since_epoch().count();
}

std::uint32_t flagsOf(const RequestRecord& record, const RowNumbers& numbers) noexcept {
    const ActivationRequest& request = record.request;
    std::uint32_t flags = 0;
    const auto set = [&flags](bool on, std::uint32_t flag) { flags |= on ? flag : 0; };
    set(record.wellFormed, kWellFormed);
    set(record.counted, kCounted);
    set(record.fresh, kFresh);
    set(record.source.isV4() && record.source.scopeId == 0, kV4);
    set(record.source.scopeId != 0, kScope);
    if (numbers.product != 0)
        flags |= kProductNumber;
    else
        set(!request.application.isZero() || !request.counted.isZero() || !request.sku.isZero(), kProduct);
    set(!request.cmid.isZero() || request.clientTime.ticks != 0 || request.requiredClients != 0 ||
            request.licenseStatus != 0 || request.minutesToExpiry != 0 || !request.machine.empty(),
        kTold);
    set(request.vmInfo != 0, kVirtual);
    set(!request.previousCmid.isZero(), kPrevious);
    set(record.result != HResult::ok, kResult);
    set(record.fault != 0, kFault);
    set(record.count != 0, kCount);
    set(!record.reason.empty(), kReason);
    set(record.attempts != 0 || record.waited != 0, kAttempts);
    set(numbers.upstream != 0, kUpstreamNumber);
    set(numbers.upstream == 0 && !record.upstream.empty(), kUpstream);
    return flags;
}

}  // namespace

std::size_t encodeCompact(const RequestRecord& record, std::int64_t base, const RowNumbers& numbers,
                          std::byte* out) noexcept {
    const ActivationRequest& request = record.request;
    const std::uint32_t flags = flagsOf(record, numbers);
    Writer to(out);
    to.varint(flags);
    // Modulo 2^64: also times of the far past and future come back as they were.
    to.varint(zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(millisecondsOf(record.received)) -
                                               static_cast<std::uint64_t>(base))));
    if ((flags & kV4) != 0)
        to.raw(record.source.octets.data() + 12, 4);
    else
        to.raw(record.source.octets.data(), 16);
    if ((flags & kScope) != 0)
        to.varint(record.source.scopeId);
    to.fixed(record.source.port);
    to.varint(request.major);
    to.varint(request.minor);
    if ((flags & kProductNumber) != 0)
        to.varint(numbers.product);
    if ((flags & kProduct) != 0) {
        to.guid(request.application);
        to.guid(request.counted);
        to.guid(request.sku);
    }
    if ((flags & kTold) != 0) {
        to.guid(request.cmid);
        to.fixed(request.clientTime.ticks);
        to.varint(request.requiredClients);
        to.varint(request.licenseStatus);
        to.varint(request.minutesToExpiry);
        to.text(request.machine.view());
    }
    if ((flags & kVirtual) != 0)
        to.varint(request.vmInfo);
    if ((flags & kPrevious) != 0)
        to.guid(request.previousCmid);
    if ((flags & kResult) != 0)
        to.fixed(static_cast<std::uint32_t>(record.result));
    if ((flags & kFault) != 0)
        to.varint(record.fault);
    if ((flags & kCount) != 0)
        to.varint(record.count);
    if ((flags & kReason) != 0)
        to.text(record.reason.substr(0, kMaxReason));
    if ((flags & kAttempts) != 0) {
        to.octet(record.attempts);
        to.varint(record.waited);
    }
    if ((flags & kUpstream) != 0)
        to.text(record.upstream.substr(0, kMaxUpstream));
    if ((flags & kUpstreamNumber) != 0)
        to.varint(numbers.upstream);
    return to.size();
}

bool decodeCompact(Octets& from, std::int64_t base, RequestRecord& record, RowNumbers& numbers) noexcept {
    Parser in(from);
    record = {};
    numbers = {};
    ActivationRequest& request = record.request;
    const auto flags = in.number<std::uint32_t>();
    if ((flags & ~kAllFlags) != 0)
        in.spoil();
    record.wellFormed = (flags & kWellFormed) != 0;
    record.counted = (flags & kCounted) != 0;
    record.fresh = (flags & kFresh) != 0;
    record.received = Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(
        static_cast<std::uint64_t>(unzigzag(in.varint())) + static_cast<std::uint64_t>(base))));
    if ((flags & kV4) != 0) {
        record.source.octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
        in.octets(record.source.octets.data() + 12, 4);
    } else {
        in.octets(record.source.octets.data(), 16);
    }
    if ((flags & kScope) != 0)
        record.source.scopeId = in.number<std::uint32_t>();
    record.source.port = in.fixed<std::uint16_t>();
    request.major = in.number<std::uint16_t>();
    request.minor = in.number<std::uint16_t>();
    if ((flags & kProductNumber) != 0)
        numbers.product = in.varint();
    if ((flags & kProduct) != 0) {
        request.application = in.guid();
        request.counted = in.guid();
        request.sku = in.guid();
    }
    if ((flags & kTold) != 0) {
        request.cmid = in.guid();
        request.clientTime.ticks = in.fixed<std::uint64_t>();
        request.requiredClients = in.number<std::uint32_t>();
        request.licenseStatus = in.number<std::uint32_t>();
        request.minutesToExpiry = in.number<std::uint32_t>();
        request.machine.assign(in.text(MachineName::kCapacity));
    }
    if ((flags & kVirtual) != 0)
        request.vmInfo = in.number<std::uint32_t>();
    if ((flags & kPrevious) != 0)
        request.previousCmid = in.guid();
    if ((flags & kResult) != 0)
        record.result = static_cast<HResult>(in.fixed<std::uint32_t>());
    if ((flags & kFault) != 0)
        record.fault = in.number<std::uint32_t>();
    if ((flags & kCount) != 0)
        record.count = in.number<std::uint32_t>();
    if ((flags & kReason) != 0)
        record.reason = in.text(kMaxReason);
    if ((flags & kAttempts) != 0) {
        record.attempts = in.octet();
        record.waited = in.number<std::uint32_t>();
    }
    if ((flags & kUpstream) != 0)
        record.upstream = in.text(kMaxUpstream);
    if ((flags & kUpstreamNumber) != 0)
        numbers.upstream = in.varint();
    from = in.rest();
    return in.good();
}

void BlockWriter::add(std::uint64_t seq, const RequestRecord& record, const RowNumbers& numbers) {
    const std::int64_t time = millisecondsOf(record.received);
    std::byte room[kMostCompact + 10];
    Writer to(room);
    if (empty()) {
        octets_.reserve(kEnough + sizeof room);
        first_ = last_ = seq;
        base_ = latest_ = time;
        records_ = 0;
        octets_.push_back(kBlockVersion);
        to.fixed(static_cast<std::uint64_t>(base_));
    }
    to.varint(seq - last_);
    const std::size_t size = to.size() + encodeCompact(record, base_, numbers, room + to.size());
    octets_.insert(octets_.end(), room, room + size);
    last_ = seq;
    latest_ = std::max(latest_, time);
    ++records_;
}

bool readBlock(Octets block, std::uint64_t first,
               const std::function<void(std::uint64_t, const RequestRecord&, const RowNumbers&)>& each) {
    if (block.size() < 9 || block[0] != kBlockVersion)
        return false;
    Parser head(block.subspan(1));
    const auto base = static_cast<std::int64_t>(head.fixed<std::uint64_t>());
    Octets rest = head.rest();
    RequestRecord record;
    RowNumbers numbers;
    for (std::uint64_t seq = first; !rest.empty();) {
        Parser in(rest);
        seq += in.varint();
        rest = in.rest();
        if (!in.good() || !decodeCompact(rest, base, record, numbers))
            return false;
        each(seq, record, numbers);
    }
    return true;
}

}  // namespace muster::pool
