#include "learned_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "Poco/Checksum.h"

#include "kms/octets.h"

namespace muster::relay {

namespace {

constexpr std::string_view kKind = "muster relay, learned, version ";
constexpr std::string_view kVersion = "1\n";
constexpr std::size_t kMaxName = 64;
constexpr std::int64_t kLatest = std::int64_t{253'402'300'799} * 1000;  // the end of the year 9999, milliseconds

std::uint32_t checksum(std::string_view content) {
    Poco::Checksum sum(Poco::Checksum::TYPE_CRC32);
    sum.update(content.data(), static_cast<unsigned>(content.size()));
    return static_cast<std::uint32_t>(sum.checksum());
}

/// Both directions have the same members, so that fields() below says the format once.
class Writer {
public:
    static constexpr bool kReads = false;
    std::string out;

    void octets(void* data, std::size_t size) { out.append(static_cast<const char*>(data), size); }
    template <class T>
    void number(T& value) {
        std::array<std::byte, sizeof(T)> bytes{};
        kms::store<T>(bytes.data(), value);
        octets(bytes.data(), bytes.size());
    }
    void require(bool) noexcept {}
    bool good() const noexcept { return true; }
};

class Reader {
public:
    static constexpr bool kReads = true;
    explicit Reader(std::string_view content) noexcept : left_(content) {}

    void octets(void* data, std::size_t size) noexcept {
        if (!good_ || size > left_.size()) {
            good_ = false;
            std::memset(data, 0, size);
            return;
        }
        std::memcpy(data, left_.data(), size);
        left_.remove_prefix(size);
    }
    template <class T>
    void number(T& value) noexcept {
        std::array<std::byte, sizeof(T)> bytes{};
        octets(bytes.data(), bytes.size());
        value = kms::load<T>(bytes.data());
    }
    void require(bool condition) noexcept { good_ = good_ && condition; }
    bool good() const noexcept { return good_; }
    bool atEnd() const noexcept { return left_.empty(); }

private:
    std::string_view left_;
    bool good_ = true;
};

template <class A, class T>
void enumerated(A& a, T& value) {
    auto number = static_cast<std::underlying_type_t<T>>(value);
    a.number(number);
    value = static_cast<T>(number);
}

template <class A>
void flag(A& a, bool& value) {
    std::uint8_t number = value ? 1 : 0;
    a.number(number);
    a.require(number <= 1);
    value = number == 1;
}

template <class A>
void signedNumber(A& a, std::int32_t& value) {
    auto number = static_cast<std::uint32_t>(value);
    a.number(number);
    value = static_cast<std::int32_t>(number);
}

template <class A>
void time(A& a, Timestamp& value) {
    // What a wrong clock made of it is brought into the range that is read again.
    auto number = static_cast<std::uint64_t>(std::clamp<std::int64_t>(value.time_since_epoch().count(), 0, kLatest));
    a.number(number);
    a.require(number <= static_cast<std::uint64_t>(kLatest));
    if (a.good())
        value = Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(number)));
}

template <class A>
void guid(A& a, Guid& value) {
    a.octets(value.octets.data(), value.octets.size());
}

/// Up to `most` octets with their number before them; `storage` has room for them.
template <class A>
void text(A& a, char* storage, std::uint8_t& size, std::size_t most) {
    a.number(size);
    a.require(size <= most);
    if (a.good())
        a.octets(storage, size);
}

template <class A>
void machine(A& a, MachineName& value) {
    std::array<char, MachineName::kCapacity> storage{};
    auto size = static_cast<std::uint8_t>(value.view().size());
    std::copy(value.view().begin(), value.view().end(), storage.begin());
    text(a, storage.data(), size, storage.size());
    if (A::kReads && a.good())
        value.assign({storage.data(), size});
}

template <class A, class T, class Each>
void list(A& a, std::vector<T>& items, std::size_t most, Each&& each) {
    auto size = static_cast<std::uint16_t>(items.size());
    a.number(size);
    a.require(size <= most);
    if (!a.good())
        return;
    // Grows with what is really there: a length alone makes nobody allocate.
    for (std::size_t i = 0; i < size && a.good(); ++i) {
        if (A::kReads)
            items.emplace_back();
        each(a, items[i]);
    }
}

template <class A>
void fields(A& a, Example& value) {
    time(a, value.when);
    guid(a, value.cmid);
    machine(a, value.machine);
    a.octets(value.source.octets.data(), value.source.octets.size());
    a.number(value.source.port);
    a.number(value.source.scopeId);
    signedNumber(a, value.ahead);
    enumerated(a, value.code);
}

template <class A>
void fields(A& a, CodeTally& value) {
    enumerated(a, value.code);
    a.number(value.total);
    time(a, value.first);
    time(a, value.last);
    a.number(value.run);
    time(a, value.runSince);
    a.number(value.answered);
}

template <class A>
void fields(A& a, ProductRecord& value) {
    guid(a, value.counted);
    a.number(value.major);
    flag(a, value.known);
    guid(a, value.application);
    a.number(value.required);
    time(a, value.first);
    time(a, value.last);
    a.number(value.answered);
    time(a, value.firstAnswered);
    time(a, value.lastAnswered);
    fields(a, value.example);
    list(a, value.codes, kMaxProductCodes, [](A& in, CodeTally& each) { fields(in, each); });
    a.number(value.otherRefusals);
    enumerated(a, value.run.code);
    a.number(value.run.length);
    time(a, value.run.since);
    time(a, value.run.last);
    a.number(value.run.answered);
    list(a, value.run.examples, kMaxExamples, [](A& in, Example& each) { fields(in, each); });
}

template <class A>
void fields(A& a, EpidRecord& value) {
    text(a, reinterpret_cast<char*>(value.octets.data()), value.size, value.octets.size());
    time(a, value.since);
    time(a, value.last);
    a.number(value.answers);
    a.number(value.returns);
}

template <class A>
void fields(A& a, IntervalRecord& value) {
    a.number(value.activation);
    a.number(value.renewal);
    time(a, value.since);
    time(a, value.last);
}

template <class A>
void fields(A& a, CountSample& value) {
    a.number(value.start);
    a.number(value.least);
    a.number(value.most);
    a.number(value.last);
}

template <class A>
void fields(A& a, ApplicationRecord& value) {
    guid(a, value.id);
    a.number(value.required);
    a.number(value.count);
    time(a, value.counted);
    time(a, value.epoch);
    a.number(value.fellFrom);
    a.number(value.fellTo);
    time(a, value.overflowed);
    for (Rises* rises : {&value.physical, &value.virtual_}) {
        a.number(rises->asked);
        a.number(rises->rose);
    }
    list(a, value.hours, kMaxHours, [](A& in, CountSample& each) { fields(in, each); });
    list(a, value.minutes, kMaxFiveMinutes, [](A& in, CountSample& each) { fields(in, each); });
}

template <class A>
void fields(A& a, ClientRecord& value) {
    guid(a, value.id);
    a.number(value.first);
    a.number(value.last);
    a.number(value.application);
    flag(a, value.isVirtual);
}

/// Only what is not zero, as number of the bucket and its content.
template <class A>
void histogram(A& a, AnswerTimes::Histogram& value) {
    struct Filled {
        std::uint8_t bucket = 0;
        std::uint32_t seen = 0;
    };
    static_assert(AnswerTimes::kBuckets <= 256);
    std::vector<Filled> filled;
    if (!A::kReads)
        for (std::size_t i = 0; i < value.size(); ++i)
            if (value[i] != 0)
                filled.push_back({static_cast<std::uint8_t>(i), value[i]});
    list(a, filled, value.size(), [](A& in, Filled& each) {
        in.number(each.bucket);
        in.number(each.seen);
        in.require(each.bucket < AnswerTimes::kBuckets && each.seen != 0);
    });
    if (A::kReads && a.good())
        for (const Filled& each : filled)
            value[each.bucket] = each.seen;
}

template <class A>
void fields(A& a, Knowledge& value) {
    time(a, value.since);
    time(a, value.last);
    for (std::uint64_t& number : value.endings)
        a.number(number);
    time(a, value.lastAnswer);
    time(a, value.lastRefusal);
    list(a, value.codes, kMaxCodes, [](A& in, CodeTally& each) { fields(in, each); });
    a.number(value.otherRefusals);
    list(a, value.epids, kMaxEpids, [](A& in, EpidRecord& each) { fields(in, each); });
    list(a, value.intervals, kMaxIntervals, [](A& in, IntervalRecord& each) { fields(in, each); });
    list(a, value.applications, kMaxApplications, [](A& in, ApplicationRecord& each) { fields(in, each); });
    list(a, value.products, kMaxProducts, [](A& in, ProductRecord& each) { fields(in, each); });
    std::array<std::size_t, kMaxApplications + 1> clientsOf{};
    list(a, value.clients, kMaxClients * clientsOf.size(), [&](A& in, ClientRecord& each) {
        fields(in, each);
        in.require(each.application == ClientRecord::kSealed || each.application < value.applications.size());
        if (in.good())
            in.require(++clientsOf[std::min<std::size_t>(each.application, kMaxApplications)] <= kMaxClients);
    });
    time(a, value.sealedOverflowed);
    list(a, value.offClocks, kMaxOffClocks, [](A& in, Example& each) { fields(in, each); });
    for (RecentClock& clock : value.recentClocks) {
        guid(a, clock.cmid);
        time(a, clock.when);
        signedNumber(a, clock.ahead);
    }
    a.number(value.recentClock);
    a.require(value.recentClock < kMaxRecentClocks);
    histogram(a, value.times.present);
    histogram(a, value.times.before);
    time(a, value.times.begun);
}

template <class A>
void fields(A& a, Learned::Named& value) {
    std::array<char, kMaxName> name{};
    auto size = static_cast<std::uint8_t>(std::min(value.name.size(), name.size()));
    std::copy_n(value.name.begin(), size, name.begin());
    text(a, name.data(), size, name.size());
    a.require(size != 0);
    if (A::kReads && a.good())
        value.name.assign(name.data(), size);
    fields(a, value.knowledge);
}

}  // namespace

std::string encodeLearned(std::vector<Learned::Named> upstreams) {
    if (upstreams.size() > Learned::kMaxUpstreams)
        upstreams.resize(Learned::kMaxUpstreams);
    Writer body;
    list(body, upstreams, Learned::kMaxUpstreams, [](Writer& in, Learned::Named& each) { fields(in, each); });
    Writer file;
    file.out = std::string(kKind) + std::string(kVersion);
    std::uint32_t sum = checksum(body.out);
    file.number(sum);
    return file.out + body.out;
}

Result<std::vector<Learned::Named>> decodeLearned(std::string_view content) {
    if (!content.starts_with(kKind))
        return fail(Code::malformed, "what was learnt", "does not begin as this file does");
    content.remove_prefix(kKind.size());
    if (!content.starts_with(kVersion))
        return fail(Code::incompatible, "what was learnt", "is of another version than 1");
    content.remove_prefix(kVersion.size());
    std::uint32_t sum = 0;
    Reader head(content);
    head.number(sum);
    if (!head.good() || checksum(content.substr(sizeof sum)) != sum)
        return fail(Code::malformed, "what was learnt", "its checksum is not that of its content");
    Reader body(content.substr(sizeof sum));
    std::vector<Learned::Named> upstreams;
    list(body, upstreams, Learned::kMaxUpstreams, [](Reader& in, Learned::Named& each) { fields(in, each); });
    if (!body.good() || !body.atEnd())
        return fail(Code::malformed, "what was learnt", "its content breaks its own format");
    return upstreams;
}

}  // namespace muster::relay
