#include "learned_json.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kms/epid.h"
#include "kms/hresult.h"
#include "learned.h"
#include "reading_rules.h"

namespace muster::relay {

namespace {

constexpr double kMicrosecondsPerMillisecond = 1000;

/// Leaves out what never was.
void setTime(Json& object, const char* name, Timestamp time) {
    if (time != Timestamp{})
        object.set(name, isoTime(time));
}

Json number(std::uint64_t value) {
    return Json(static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX)));
}

std::string applicationName(const Guid& id, const ReadingContext& context) {
    for (const muster_family* family : context.families)
        if (std::memcmp(family->application.octets, id.octets.data(), id.octets.size()) == 0)
            return family->application_name;
    return id.text();
}

Json evidenceJson(const Evidence& evidence) {
    Json out = json({{"text", evidence.text}});
    if (!evidence.example)
        return out;
    const Example& example = *evidence.example;
    setTime(out, "time", example.when);
    if (!example.cmid.isZero()) {
        out.set("cmid", example.cmid.text());
        out.set("machine", example.machine.view());
        out.set("clockAhead", std::int64_t{example.ahead});
    }
    out.set("address", example.source.host());
    out.set("result", text(example.code));
    return out;
}

Json resultsJson(const std::vector<CodeTally>& codes) {
    Json::Array out;
    for (const CodeTally& tally : codes) {
        const kms::HResultInfo* const info = kms::find(tally.code);
        Json item = json({{"result", text(tally.code)},
                          {"meaning", info ? info->meaning : std::string_view()},
                          {"requests", number(tally.total)}});
        setTime(item, "first", tally.first);
        setTime(item, "last", tally.last);
        out.push_back(std::move(item));
    }
    return Json(std::move(out));
}

Json epidsJson(const Knowledge& knowledge, const ReadingContext& context) {
    Json::Array out;
    for (const EpidRecord& epid : knowledge.epids) {
        const std::string shown = rules::epidText(epid);
        Json item = json({{"epid", shown},
                          {"readsAs", kms::readEpid(shown, context.families)},
                          {"answers", number(epid.answers)},
                          {"returns", number(epid.returns)}});
        setTime(item, "since", epid.since);
        setTime(item, "last", epid.last);
        out.push_back(std::move(item));
    }
    return Json(std::move(out));
}

Json intervalsJson(const Knowledge& knowledge) {
    Json::Array out;
    for (const IntervalRecord& interval : knowledge.intervals) {
        Json item = json({{"activation", number(interval.activation)}, {"renewal", number(interval.renewal)}});
        setTime(item, "since", interval.since);
        setTime(item, "last", interval.last);
        out.push_back(std::move(item));
    }
    return Json(std::move(out));
}

bool recently(Timestamp time, Timestamp now) noexcept {
    return time != Timestamp{} && now - time <= kHostMemory;
}

Json tallyJson(const Knowledge& knowledge, const ReadingContext& context) {
    Json::Array out;
    for (std::size_t i = 0; i < knowledge.applications.size(); ++i) {
        const ApplicationRecord& record = knowledge.applications[i];
        std::array<std::uint64_t, 2> seen{};
        for (const ClientRecord& client : knowledge.clients)
            if (client.application == i && isPresent(client, context.now))
                ++seen[client.isVirtual ? 1 : 0];
        Json item = json({{"application", applicationName(record.id, context)},
                          {"count", number(record.count)},
                          {"needed", number(record.required)},
                          {"most", number(record.cap())},
                          {"physical", number(seen[0])},
                          {"virtual", number(seen[1])},
                          {"atLeast", recently(record.overflowed, context.now)},
                          {"newVirtual", number(record.virtual_.asked)},
                          {"newVirtualRaised", number(record.virtual_.rose)},
                          {"newPhysical", number(record.physical.asked)},
                          {"newPhysicalRaised", number(record.physical.rose)}});
        setTime(item, "time", record.counted);
        out.push_back(std::move(item));
    }
    return Json(std::move(out));
}

Json productsJson(const Knowledge& knowledge, const ReadingContext& context) {
    Json::Array out;
    for (const ProductRecord& record : knowledge.products) {
        const muster_family* const family = record.isSealed() ? nullptr : rules::familyOf(record.counted, context);
        std::string name = record.isSealed() ? "sealed, version " + std::to_string(record.major)
                                             : rules::nameOf(record.counted, context);
        std::uint64_t refused = record.otherRefusals;
        for (const CodeTally& tally : record.codes)
            refused += tally.total;
        Json item = json({{"product", name.empty() ? record.counted.text() : std::move(name)},
                          {"family", family ? family->name : ""},
                          {"version", unsigned{record.major}},
                          {"answered", number(record.answered)},
                          {"refused", number(refused)},
                          {"results", resultsJson(record.codes)}});
        if (!record.isSealed()) {
            item.set("countedId", record.counted.text());
            item.set("needed", number(record.required));
        }
        setTime(item, "lastAnswer", record.lastAnswered);
        if (record.inRun())
            setTime(item, "refusedSince", record.run.since);
        Json::Array examples;
        if (record.answered != 0)
            examples.push_back(evidenceJson(rules::told(record.example)));
        for (const Example& example : record.run.examples)
            examples.push_back(evidenceJson(rules::told(example)));
        item.set("examples", std::move(examples));
        out.push_back(std::move(item));
    }
    return Json(std::move(out));
}

}  // namespace

Json learnedJson(const Knowledge& knowledge, const ReadingContext& context) {
    constexpr double kMedian = 0.5;
    constexpr double kP99 = 0.99;
    const auto milliseconds = [&](double share) {
        return Json(knowledge.times.quantile(share) / kMicrosecondsPerMillisecond);
    };
    const auto sealed = std::count_if(knowledge.clients.begin(), knowledge.clients.end(), [&](const auto& client) {
        return client.application == ClientRecord::kSealed && isPresent(client, context.now);
    });
    Json out = json({{"answered", number(knowledge.of(Ending::answered))},
                     {"refused", number(knowledge.of(Ending::refused))},
                     {"faulted", number(knowledge.of(Ending::faulted))},
                     {"broken", number(knowledge.of(Ending::broken))},
                     {"unreachable", number(knowledge.of(Ending::unreachable))},
                     {"reset", number(knowledge.of(Ending::reset))},
                     {"timedOut", number(knowledge.of(Ending::timedOut))},
                     {"epids", epidsJson(knowledge, context)},
                     {"intervals", intervalsJson(knowledge)},
                     {"counts", tallyJson(knowledge, context)},
                     {"sealedAddresses", std::int64_t{sealed}},
                     {"sealedAtLeast", recently(knowledge.sealedOverflowed, context.now)},
                     {"products", productsJson(knowledge, context)},
                     {"results", resultsJson(knowledge.codes)}});
    if (knowledge.times.seen() != 0) {
        out.set("medianMs", milliseconds(kMedian));
        out.set("p99Ms", milliseconds(kP99));
    }
    setTime(out, "since", knowledge.since);
    setTime(out, "lastAnswer", knowledge.lastAnswer);
    setTime(out, "lastRefusal", knowledge.lastRefusal);
    return out;
}

Json readingsJson(const std::vector<Reading>& readings) {
    Json::Array out;
    for (const Reading& reading : readings) {
        Json::Array evidence;
        for (const Evidence& each : reading.evidence)
            evidence.push_back(evidenceJson(each));
        Json item = json({{"code", reading.code},
                          {"severity", name(reading.severity)},
                          {"certainty", name(reading.certainty)},
                          {"text", reading.text},
                          {"remedy", reading.remedy},
                          {"evidence", std::move(evidence)}});
        setTime(item, "since", reading.since);
        out.push_back(std::move(item));
    }
    return Json(std::move(out));
}

Json countsJson(const Knowledge& knowledge, bool fine, const ReadingContext& context) {
    Json::Array out;
    const Timestamp from = context.now - (fine ? rules::kDay : std::chrono::hours(kHostMemory));
    for (const ApplicationRecord& record : knowledge.applications) {
        const std::string application = applicationName(record.id, context);
        for (const CountSample& sample : fine ? record.minutes : record.hours)
            if (sample.start >= secondsOf(from))
                out.push_back(json({{"application", application},
                                    {"start", isoTime(Timestamp(std::chrono::seconds(sample.start)))},
                                    {"least", number(sample.least)},
                                    {"most", number(sample.most)},
                                    {"last", number(sample.last)}}));
    }
    return Json(std::move(out));
}

std::string worstReading(const std::vector<Reading>& readings) {
    const auto worst = std::max_element(readings.begin(), readings.end(),
                                        [](const Reading& a, const Reading& b) { return a.severity < b.severity; });
    return worst == readings.end() || worst->severity < Severity::warning ? std::string() : worst->text;
}

}  // namespace muster::relay
