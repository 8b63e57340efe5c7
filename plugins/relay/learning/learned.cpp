#include "learned.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace muster::relay {

namespace {

constexpr std::chrono::hours kVerdictLife{1};
constexpr std::chrono::minutes kFuture{5};  ///< a verdict later than that is of a clock that was set back
constexpr std::chrono::hours kRiseGap{1};   ///< a count older than that is not compared with
constexpr std::uint32_t kHour = 3600;
constexpr std::uint32_t kFiveMinutes = 300;
constexpr std::uint32_t kLeastFall = 5;
constexpr std::size_t kIndexSize = 8192;  ///< more than twice what can be in it; a power of two

std::int32_t aheadOf(const ActivationRequest& request, Timestamp when) noexcept {
    if (request.isOpaque())
        return 0;
    // Both are within a few million years of 1970: the difference of milliseconds cannot overflow.
    const std::int64_t off = (request.clientTime.timestamp() - when).count() / 1000;
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(off, std::numeric_limits<std::int32_t>::min(),
                                                              std::numeric_limits<std::int32_t>::max()));
}

void tally(std::vector<CodeTally>& codes, std::size_t limit, std::uint64_t& others, HResult code, Timestamp when,
           std::uint64_t answered) {
    auto found = std::find_if(codes.begin(), codes.end(), [&](const CodeTally& each) { return each.code == code; });
    if (found == codes.end()) {
        if (codes.size() >= limit) {
            ++others;
            return;
        }
        codes.push_back({.code = code, .first = when});
        found = std::prev(codes.end());
    }
    ++found->total;
    found->last = when;
    if (found->run == 0 || found->answered != answered) {
        found->run = 0;
        found->runSince = when;
        found->answered = answered;
    }
    ++found->run;
}

bool sameClient(const Example& a, const Example& b) noexcept {
    return a.cmid == b.cmid && (!a.cmid.isZero() || a.source.octets == b.source.octets);
}

/// Keeps the latest, each of another client.
void keepExample(std::vector<Example>& examples, std::size_t limit, const Example& example) {
    auto place =
        std::find_if(examples.begin(), examples.end(), [&](const Example& each) { return sameClient(each, example); });
    if (place == examples.end() && examples.size() < limit) {
        examples.push_back(example);
        return;
    }
    if (place == examples.end())
        place = std::min_element(examples.begin(), examples.end(),
                                 [](const Example& a, const Example& b) { return a.when < b.when; });
    *place = example;
}

/// Whether a refusal says something about the host: a wrong clock or a broken request is the client's own matter.
bool tells(const ProductRecord& record, HResult code, Clock clock) noexcept {
    if (record.isSealed())
        return true;
    if (code == HResult::invalidTimestamp)
        return clock == Clock::right;
    return code != HResult::invalidData && code != HResult::invalidArgument;
}

void sample(std::vector<CountSample>& samples, std::size_t limit, std::uint32_t length, std::uint32_t now,
            std::uint32_t count) {
    const std::uint32_t start = now - now % length;
    // Samples of a time that has not come yet are of a clock that was wrong.
    while (!samples.empty() && samples.back().start > start && samples.back().start - start > kHour)
        samples.pop_back();
    if (samples.empty() || samples.back().start < start) {
        if (samples.size() >= limit)
            samples.erase(samples.begin());
        samples.push_back({start, count, count, count});
        return;
    }
    CountSample& present = samples.back();
    present.least = std::min(present.least, count);
    present.most = std::max(present.most, count);
    present.last = count;
}

void beginAnew(ApplicationRecord& application, Timestamp when) noexcept {
    application.epoch = when;
    application.fellFrom = application.fellTo = 0;
    application.physical = application.virtual_ = {};
}

}  // namespace

std::uint32_t secondsOf(Timestamp time) noexcept {
    const std::int64_t since = time.time_since_epoch().count() / 1000;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(since, 0, std::numeric_limits<std::uint32_t>::max()));
}

bool isPresent(const ClientRecord& client, Timestamp now) noexcept {
    constexpr std::uint32_t kDay = 24 * kHour;
    const std::uint32_t seconds = secondsOf(now);
    return client.last >= secondsOf(now - kHostMemory) && client.last <= std::uint64_t{seconds} + kDay;
}

Clock clockOf(const ActivationRequest& request, std::int32_t ahead) noexcept {
    if (request.isOpaque())
        return Clock::sealed;
    const std::int64_t off = std::abs(std::int64_t{ahead});
    if (off <= (kClockLimit - kClockDoubt).count())
        return Clock::right;
    return off > (kClockLimit + kClockDoubt).count() ? Clock::wrong : Clock::unclear;
}

LearnedUpstream::LearnedUpstream(Knowledge known) : known_(std::move(known)) {
    rebuildIndex();
    for (const ProductRecord& record : known_.products)
        if (record.inRun())
            verdictAt_ = std::max(verdictAt_.load(), record.run.last.time_since_epoch().count());
}

template <class Gone>
void LearnedUpstream::dropClients(Gone&& gone) {
    auto& clients = known_.clients;
    clients.erase(std::remove_if(clients.begin(), clients.end(), gone), clients.end());
    rebuildIndex();
}

void LearnedUpstream::note(const Observation& seen) noexcept {
    const std::lock_guard lock(mutex_);
    try {
        ++marks_.exchanges;
        if (known_.since == Timestamp{})
            known_.since = seen.when;
        known_.last = seen.when;
        ++known_.endings[static_cast<std::size_t>(seen.ending)];
        if (seen.ending != Ending::answered && seen.ending != Ending::refused)
            return;
        known_.times.add(seen.waited, seen.when);
        const bool sealed = seen.request.isOpaque();
        Example example;
        example.when = seen.when;
        example.source = seen.source;
        example.code = seen.result;
        if (!sealed) {
            example.cmid = seen.request.cmid;
            example.machine = seen.request.machine;
            example.ahead = aheadOf(seen.request, seen.when);
        }
        noteProduct(seen, example);
        if (seen.ending == Ending::refused) {
            known_.lastRefusal = seen.when;
            tally(known_.codes, kMaxCodes, known_.otherRefusals, seen.result, seen.when, known_.of(Ending::answered));
            if (seen.result == HResult::invalidTimestamp && clockOf(seen.request, example.ahead) == Clock::wrong)
                keepExample(known_.offClocks, kMaxOffClocks, example);
            return;
        }
        known_.lastAnswer = seen.when;
        if (sealed) {
            noteClient(seen, ClientRecord::kSealed, known_.sealedOverflowed, nullptr, false);
            return;
        }
        known_.recentClocks[known_.recentClock] = {example.cmid, seen.when, example.ahead};
        known_.recentClock = static_cast<std::uint8_t>((known_.recentClock + 1U) % kMaxRecentClocks);
        noteEpid(seen);
        noteIntervals(seen);
        noteCount(seen);
    } catch (const std::bad_alloc&) {
        index_.clear();  // may not have been brought up to date; the next client that is noted makes it anew
    }
}

void LearnedUpstream::noteProduct(const Observation& seen, const Example& example) {
    ProductRecord* const record = productOf(seen);
    if (!record)
        return;
    record->known = seen.product.counted != nullptr;
    record->last = seen.when;
    if (!record->isSealed()) {
        record->application = seen.request.application;
        record->required = seen.request.requiredClients;
    }
    if (seen.ending == Ending::answered) {
        if (record->answered == 0)
            record->firstAnswered = seen.when;
        if (record->answered == 0 || record->inRun())
            ++marks_.news;
        ++record->answered;
        record->lastAnswered = seen.when;
        record->example = example;
        return;
    }
    tally(record->codes, kMaxProductCodes, record->otherRefusals, seen.result, seen.when, record->answered);
    if (!tells(*record, seen.result, clockOf(seen.request, example.ahead)))
        return;
    Run& run = record->run;
    if (!record->inRun() || run.code != seen.result) {
        run.code = seen.result;
        run.length = 0;
        run.since = seen.when;
        run.answered = record->answered;
        run.examples.clear();
        ++marks_.news;
    }
    ++run.length;
    run.last = seen.when;
    keepExample(run.examples, kMaxExamples, example);
    if (!record->isSealed() && (run.code == HResult::groupNotCovered || run.code == HResult::invalidTimestamp))
        verdictAt_.store(seen.when.time_since_epoch().count(), std::memory_order_relaxed);
}

ProductRecord* LearnedUpstream::productOf(const Observation& seen) {
    auto& products = known_.products;
    const Guid counted = seen.request.isOpaque() ? Guid{} : seen.request.counted;
    const auto same = [&](const ProductRecord& each) {
        return each.counted == counted && each.major == seen.request.major;
    };
    if (hint_ < products.size() && same(products[hint_]))
        return &products[hint_];
    auto place = std::find_if(products.begin(), products.end(), same);
    if (place == products.end()) {
        // Anybody can invent identifiers: they displace each other and what is out of date, and nothing else.
        const auto worth = [&](const ProductRecord& each) {
            const bool stale = seen.when - each.last > kHostMemory;
            return std::pair(!stale && (each.known || each.answered != 0), each.last);
        };
        if (products.size() < kMaxProducts) {
            products.emplace_back();
            place = std::prev(products.end());
        } else {
            place = std::min_element(products.begin(), products.end(),
                                     [&](const auto& a, const auto& b) { return worth(a) < worth(b); });
            if (worth(*place).first && seen.product.counted == nullptr && seen.ending != Ending::answered)
                return nullptr;
            *place = ProductRecord{};
        }
        place->counted = counted;
        place->major = seen.request.major;
        place->first = seen.when;
        ++marks_.news;
    }
    hint_ = static_cast<std::size_t>(place - products.begin());
    return &*place;
}

void LearnedUpstream::noteEpid(const Observation& seen) {
    auto& epids = known_.epids;
    const Octets octets = seen.epid.first(std::min(seen.epid.size(), kMaxEpidOctets));
    const auto same = [&](const EpidRecord& each) {
        return each.size == octets.size() && std::memcmp(each.octets.data(), octets.data(), octets.size()) == 0;
    };
    if (octets.empty())
        return;
    if (epids.empty() || !same(epids.front())) {
        ++marks_.news;
        auto place = std::find_if(epids.begin(), epids.end(), same);
        if (place == epids.end()) {
            if (epids.size() >= kMaxEpids)
                epids.pop_back();
            epids.emplace_back();
            place = std::prev(epids.end());
            std::memcpy(place->octets.data(), octets.data(), octets.size());
            place->size = static_cast<std::uint8_t>(octets.size());
            place->since = seen.when;
        } else {
            ++place->returns;
        }
        std::rotate(epids.begin(), place, std::next(place));
        // Another key, another system or another host: its count has nothing to do with what was seen before.
        for (ApplicationRecord& application : known_.applications)
            beginAnew(application, seen.when);
    }
    epids.front().last = seen.when;
    ++epids.front().answers;
}

void LearnedUpstream::noteIntervals(const Observation& seen) {
    auto& intervals = known_.intervals;
    if (intervals.empty() || intervals.front().activation != seen.activationInterval ||
        intervals.front().renewal != seen.renewalInterval) {
        if (intervals.size() >= kMaxIntervals)
            intervals.pop_back();
        intervals.insert(intervals.begin(), {seen.activationInterval, seen.renewalInterval, seen.when, seen.when});
        ++marks_.news;
    }
    intervals.front().last = seen.when;
}

void LearnedUpstream::noteCount(const Observation& seen) {
    ApplicationRecord* const application = applicationOf(seen.request.application, seen.when);
    if (!application)
        return;
    const std::uint32_t now = secondsOf(seen.when);
    const std::uint32_t before = application->count;
    const bool same = application->counted != Timestamp{} && application->epoch != seen.when;  // the same host and key
    const bool comparable = same && seen.when - application->counted < kRiseGap &&
                            before < std::uint64_t{2} * std::max(application->required, seen.request.requiredClients);
    if (same && seen.count < before / 2 && before - seen.count >= kLeastFall) {
        beginAnew(*application, seen.when);
        application->fellFrom = before;
        application->fellTo = seen.count;
        ++marks_.news;
    }
    application->required = std::max(application->required, seen.request.requiredClients);
    application->count = seen.count;
    application->counted = seen.when;
    sample(application->hours, kMaxHours, kHour, now, seen.count);
    sample(application->minutes, kMaxFiveMinutes, kFiveMinutes, now, seen.count);
    const auto group = static_cast<std::uint8_t>(application - known_.applications.data());
    noteClient(seen, group, application->overflowed, comparable ? application : nullptr, seen.count > before);
}

ApplicationRecord* LearnedUpstream::applicationOf(const Guid& id, Timestamp when) {
    auto& applications = known_.applications;
    auto place = std::find_if(applications.begin(), applications.end(),
                              [&](const ApplicationRecord& each) { return each.id == id; });
    if (place == applications.end()) {
        if (applications.size() < kMaxApplications) {
            applications.emplace_back();
            place = std::prev(applications.end());
        } else {
            place = std::min_element(applications.begin(), applications.end(),
                                     [](const auto& a, const auto& b) { return a.counted < b.counted; });
            if (when - place->counted <= kHostMemory)
                return nullptr;
            const auto group = static_cast<std::uint8_t>(place - applications.begin());
            dropClients([&](const ClientRecord& client) { return client.application == group; });
            *place = ApplicationRecord{};
        }
        place->id = id;
        place->epoch = when;
        ++marks_.news;
    }
    return &*place;
}

void LearnedUpstream::noteClient(const Observation& seen, std::uint8_t group, Timestamp& overflowed,
                                 ApplicationRecord* application, bool rose) {
    auto& clients = known_.clients;
    Guid id = seen.request.cmid;
    if (group == ClientRecord::kSealed)
        std::memcpy(id.octets.data(), seen.source.octets.data(), id.octets.size());
    const std::uint32_t now = secondsOf(seen.when);
    if (index_.empty())
        rebuildIndex();
    std::size_t slot = slotOf(id, group);
    if (index_[slot] != kEmpty) {
        ClientRecord& client = clients[index_[slot]];
        client.last = now;
        client.isVirtual = seen.request.isVirtual();
        return;
    }
    std::uint16_t& number = clientsOf_[std::min<std::size_t>(group, kMaxApplications)];
    if (number >= kMaxClients && (now < purged_ || now - purged_ >= kHour)) {
        purged_ = now;
        dropClients([&](const ClientRecord& client) { return !isPresent(client, seen.when); });
        slot = slotOf(id, group);
    }
    if (number >= kMaxClients) {
        overflowed = seen.when;
        return;
    }
    clients.push_back({id, now, now, group, seen.request.isVirtual()});
    index_[slot] = static_cast<std::uint16_t>(clients.size() - 1);
    ++number;
    if (application) {
        Rises& rises = seen.request.isVirtual() ? application->virtual_ : application->physical;
        ++rises.asked;
        rises.rose += rose ? 1 : 0;
    }
}

std::size_t LearnedUpstream::slotOf(const Guid& id, std::uint8_t group) const noexcept {
    std::size_t slot = (GuidHash{}(id) + group) & (kIndexSize - 1);
    while (index_[slot] != kEmpty) {
        const ClientRecord& client = known_.clients[index_[slot]];
        if (client.application == group && client.id == id)
            return slot;
        slot = (slot + 1) & (kIndexSize - 1);
    }
    return slot;
}

void LearnedUpstream::rebuildIndex() {
    index_.assign(kIndexSize, kEmpty);
    clientsOf_ = {};
    for (std::size_t i = 0; i < known_.clients.size(); ++i) {
        const ClientRecord& client = known_.clients[i];
        index_[slotOf(client.id, client.application)] = static_cast<std::uint16_t>(i);
        ++clientsOf_[std::min<std::size_t>(client.application, kMaxApplications)];
    }
}

bool LearnedUpstream::latelyRefuses(const Guid& counted, Timestamp now) const noexcept {
    const auto fresh = [&](std::int64_t then) {
        return then != INT64_MIN && now - Timestamp(std::chrono::milliseconds(then)) <= kVerdictLife &&
               Timestamp(std::chrono::milliseconds(then)) - now <= kFuture;
    };
    if (counted.isZero() || !fresh(verdictAt_.load(std::memory_order_relaxed)))
        return false;
    const std::lock_guard lock(mutex_);
    return std::any_of(known_.products.begin(), known_.products.end(), [&](const ProductRecord& record) {
        return record.counted == counted && record.inRun() &&
               (record.run.code == HResult::groupNotCovered || record.run.code == HResult::invalidTimestamp) &&
               fresh(record.run.last.time_since_epoch().count());
    });
}

Knowledge LearnedUpstream::snapshot() const {
    const std::lock_guard lock(mutex_);
    return known_;
}

Headline LearnedUpstream::headline() const {
    Headline out;
    const std::lock_guard lock(mutex_);
    out.lastAnswer = known_.lastAnswer;
    const auto newest = std::max_element(known_.applications.begin(), known_.applications.end(),
                                         [](const auto& a, const auto& b) { return a.counted < b.counted; });
    if (newest != known_.applications.end()) {
        out.hasCount = true;
        out.count = newest->count;
    }
    for (std::size_t i = 0; i < known_.endings.size(); ++i)
        (i == static_cast<std::size_t>(Ending::answered)  ? out.answered
         : i == static_cast<std::size_t>(Ending::refused) ? out.refused
                                                          : out.failed) += known_.endings[i];
    constexpr double kMedian = 0.5;
    constexpr double kP99 = 0.99;
    out.medianUs = known_.times.quantile(kMedian);
    out.p99Us = known_.times.quantile(kP99);
    return out;
}

Timestamp LearnedUpstream::last() const {
    const std::lock_guard lock(mutex_);
    return known_.last;
}

LearnedUpstream::Marks LearnedUpstream::marks() const {
    const std::lock_guard lock(mutex_);
    return marks_;
}

std::shared_ptr<LearnedUpstream> Learned::of(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = records_.find(name); found != records_.end())
        return found->second;
    if (records_.size() >= kMaxUpstreams)
        makeRoom();
    return records_.emplace(name, std::make_shared<LearnedUpstream>()).first->second;
}

std::shared_ptr<LearnedUpstream> Learned::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(name);
    return found == records_.end() ? nullptr : found->second;
}

/// The longest silent of those that nobody holds goes.
void Learned::makeRoom() {
    auto oldest = records_.end();
    for (auto each = records_.begin(); each != records_.end(); ++each)
        if (each->second.use_count() == 1 &&
            (oldest == records_.end() || each->second->last() < oldest->second->last()))
            oldest = each;
    if (oldest != records_.end())
        erase(oldest);
}

void Learned::erase(Records::iterator record) {
    const LearnedUpstream::Marks marks = record->second->marks();
    gone_.exchanges += marks.exchanges;
    gone_.news += marks.news + 1;
    records_.erase(record);
}

std::vector<Learned::Named> Learned::snapshot() const {
    Records records;
    {
        const std::lock_guard lock(mutex_);
        records = records_;
    }
    std::vector<Named> out;
    out.reserve(records.size());
    for (const auto& [name, record] : records)
        out.push_back({name, record->snapshot()});
    return out;
}

LearnedUpstream::Marks Learned::marks() const {
    const std::lock_guard lock(mutex_);
    LearnedUpstream::Marks sum = gone_;
    for (const auto& [name, record] : records_) {
        const LearnedUpstream::Marks marks = record->marks();
        sum.exchanges += marks.exchanges;
        sum.news += marks.news;
    }
    return sum;
}

void Learned::restore(std::vector<Named> kept) {
    const std::lock_guard lock(mutex_);
    for (Named& each : kept)
        records_[std::move(each.name)] = std::make_shared<LearnedUpstream>(std::move(each.knowledge));
}

void Learned::forget(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = records_.find(name); found != records_.end())
        erase(found);
}

}  // namespace muster::relay
