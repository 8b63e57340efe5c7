/// What was learnt about an upstream, and what it reads as, for the answers of operations.
/// @thread any; pure
#pragma once

#include <vector>

#include "muster/json.h"
#include "muster/schema.h"

#include "knowledge.h"
#include "readings.h"

namespace muster::relay {

/// Totals, HRESULTs, ePIDs, intervals, answer times, counts, and each product group with its examples: kLearnedFields.
Json learnedJson(const Knowledge& knowledge, const ReadingContext& context);
/// An array of kReadingFields.
Json readingsJson(const std::vector<Reading>& readings);
/// The count by the hour for 30 days, or by five minutes for a day, oldest first: an array of kCountSampleFields.
Json countsJson(const Knowledge& knowledge, bool fine, const ReadingContext& context);
/// One line for a list: the text of the most severe reading of warning or above; empty: there is none.
std::string worstReading(const std::vector<Reading>& readings);

inline constexpr Field kEvidenceFields[] = {
    {.name = "text", .help = "What was seen.", .column = true},
    {.name = "time", .type = FieldType::timestamp, .help = "When the request came; absent: it is about no single one."},
    {.name = "cmid", .type = FieldType::guid, .help = "The client's CMID; absent: the request was sealed."},
    {.name = "machine", .help = "The name that the client gives itself."},
    {.name = "address", .help = "Where the request came from."},
    {.name = "clockAhead",
     .type = FieldType::integer,
     .help = "Seconds that the client's clock was ahead of this appliance's; negative: behind."},
    {.name = "result", .help = "HRESULT of the answer."},
};

inline constexpr Field kReadingFields[] = {
    {.name = "code", .help = "What it is, as a stable word: key-does-not-cover, count-split, …", .column = true},
    {.name = "severity",
     .type = FieldType::choice,
     .help = "How much it matters.",
     .choices = "information|warning|error|critical",
     .column = true},
    {.name = "certainty",
     .type = FieldType::choice,
     .help = "Whether it is certain, likely, or a label that proves nothing.",
     .choices = "certain|likely|reads as",
     .column = true},
    {.name = "text", .help = "What is the case.", .column = true},
    {.name = "remedy", .help = "What to do; empty: nothing.", .column = true},
    {.name = "since", .type = FieldType::timestamp, .help = "When the first sign of it was seen.", .column = true},
    {.name = "evidence",
     .type = FieldType::objects,
     .help = "What it is concluded from.",
     .column = true,
     .fields = kEvidenceFields},
};

inline constexpr Field kResultFields[] = {
    {.name = "result", .help = "HRESULT.", .column = true},
    {.name = "meaning", .help = "What it means; empty: it is not known.", .column = true},
    {.name = "requests", .type = FieldType::integer, .help = "Requests that got it.", .column = true},
    {.name = "first", .type = FieldType::timestamp, .help = "When it was first seen."},
    {.name = "last", .type = FieldType::timestamp, .help = "When it was seen last.", .column = true},
};

inline constexpr Field kEpidFields[] = {
    {.name = "epid", .help = "The ePID.", .column = true},
    {.name = "readsAs", .help = "How it reads; a label, no proof.", .column = true},
    {.name = "since", .type = FieldType::timestamp, .help = "When it was first seen.", .column = true},
    {.name = "last", .type = FieldType::timestamp, .help = "When it was seen last.", .column = true},
    {.name = "answers", .type = FieldType::integer, .help = "Answers that carried it.", .column = true},
    {.name = "returns", .type = FieldType::integer, .help = "How often it came back after another one."},
};

inline constexpr Field kIntervalFields[] = {
    {.name = "activation",
     .type = FieldType::integer,
     .help = "Minutes after which a client that is not activated asks again.",
     .column = true},
    {.name = "renewal",
     .type = FieldType::integer,
     .help = "Minutes after which an activated client asks again.",
     .column = true},
    {.name = "since", .type = FieldType::timestamp, .help = "When they were first seen.", .column = true},
    {.name = "last", .type = FieldType::timestamp, .help = "When they were seen last."},
};

inline constexpr Field kCountFields[] = {
    {.name = "application", .help = "What is counted: its name, or its identifier.", .column = true},
    {.name = "count", .type = FieldType::integer, .help = "The count in the latest answer.", .column = true},
    {.name = "time", .type = FieldType::timestamp, .help = "When that was.", .column = true},
    {.name = "needed", .type = FieldType::integer, .help = "The largest N-policy that was answered.", .column = true},
    {.name = "most",
     .type = FieldType::integer,
     .help = "The host never shows a higher count: twice that N-policy.",
     .column = true},
    {.name = "physical",
     .type = FieldType::integer,
     .help = "Physical machines answered in 30 days, by CMID.",
     .column = true},
    {.name = "virtual",
     .type = FieldType::integer,
     .help = "Virtual machines answered in 30 days, by CMID.",
     .column = true},
    {.name = "atLeast",
     .type = FieldType::boolean,
     .help = "Whether there were more than are remembered: then the last two are lower bounds.",
     .column = true},
    {.name = "newVirtual",
     .type = FieldType::integer,
     .help = "Virtual machines that came anew since the count last began, and were held against it."},
    {.name = "newVirtualRaised", .type = FieldType::integer, .help = "How many of those raised the count."},
    {.name = "newPhysical", .type = FieldType::integer, .help = "Physical machines likewise."},
    {.name = "newPhysicalRaised", .type = FieldType::integer, .help = "How many of those raised the count."},
};

inline constexpr Field kCountSampleFields[] = {
    {.name = "application", .help = "What is counted: its name, or its identifier.", .column = true},
    {.name = "start",
     .type = FieldType::timestamp,
     .help = "When this hour, or these five minutes, began.",
     .column = true},
    {.name = "least", .type = FieldType::integer, .help = "The lowest count in that time.", .column = true},
    {.name = "most", .type = FieldType::integer, .help = "The highest.", .column = true},
    {.name = "last", .type = FieldType::integer, .help = "The last one.", .column = true},
};

inline constexpr Field kLearnedProductFields[] = {
    {.name = "product", .help = "The product group; of sealed requests the protocol version.", .column = true},
    {.name = "countedId", .type = FieldType::guid, .help = "Its counted ID; absent: the requests are sealed."},
    {.name = "family", .help = "The loaded family that knows it; empty: none."},
    {.name = "version", .type = FieldType::integer, .help = "Protocol version of its requests."},
    {.name = "needed", .type = FieldType::integer, .help = "N-policy of its latest request; absent: sealed."},
    {.name = "answered", .type = FieldType::integer, .help = "Requests answered.", .column = true},
    {.name = "refused", .type = FieldType::integer, .help = "Requests refused.", .column = true},
    {.name = "lastAnswer", .type = FieldType::timestamp, .help = "When one was last answered.", .column = true},
    {.name = "refusedSince",
     .type = FieldType::timestamp,
     .help = "Since when it got refusals alone; absent: it is answered.",
     .column = true},
    {.name = "results",
     .type = FieldType::objects,
     .help = "What it was refused with.",
     .column = true,
     .fields = kResultFields},
    {.name = "examples",
     .type = FieldType::objects,
     .help = "The latest requests, each of another client.",
     .fields = kEvidenceFields},
};

inline constexpr Field kLearnedFields[] = {
    {.name = "since", .type = FieldType::timestamp, .help = "When the first request was sent there.", .column = true},
    {.name = "lastAnswer", .type = FieldType::timestamp, .help = "When it last answered a client.", .column = true},
    {.name = "lastRefusal", .type = FieldType::timestamp, .help = "When it last refused one.", .column = true},
    {.name = "answered", .type = FieldType::integer, .help = "Requests answered with HRESULT 0.", .column = true},
    {.name = "refused", .type = FieldType::integer, .help = "Requests answered with another one.", .column = true},
    {.name = "faulted", .type = FieldType::integer, .help = "Requests that got an RPC fault."},
    {.name = "broken", .type = FieldType::integer, .help = "Answers that were none to their request."},
    {.name = "unreachable", .type = FieldType::integer, .help = "Attempts without a connection or an accepted bind."},
    {.name = "reset", .type = FieldType::integer, .help = "Connections that ended before the answer was whole."},
    {.name = "timedOut", .type = FieldType::integer, .help = "Attempts without a whole answer in time."},
    {.name = "medianMs",
     .type = FieldType::number,
     .help = "Median of the answer time in the last one to two days, milliseconds.",
     .column = true},
    {.name = "p99Ms", .type = FieldType::number, .help = "Its 99th percentile.", .column = true},
    {.name = "epids",
     .type = FieldType::objects,
     .help = "The ePIDs in its answers, the present one first.",
     .column = true,
     .fields = kEpidFields},
    {.name = "intervals",
     .type = FieldType::objects,
     .help = "The intervals that it sends, the present ones first.",
     .column = true,
     .fields = kIntervalFields},
    {.name = "counts",
     .type = FieldType::objects,
     .help = "What it counts, and who was answered.",
     .column = true,
     .fields = kCountFields},
    {.name = "sealedAddresses",
     .type = FieldType::integer,
     .help = "Addresses that were answered in 30 days in versions 5 and 6, which show no CMID.",
     .column = true},
    {.name = "sealedAtLeast", .type = FieldType::boolean, .help = "Whether there were more than are remembered."},
    {.name = "products",
     .type = FieldType::objects,
     .help = "What became of the requests for each product group.",
     .column = true,
     .fields = kLearnedProductFields},
    {.name = "results", .type = FieldType::objects, .help = "What it refused with, over all.", .fields = kResultFields},
};

}  // namespace muster::relay
