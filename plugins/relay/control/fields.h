/// What the operations of the relay take and answer.
#pragma once

#include <algorithm>
#include <array>

#include "muster/schema.h"

#include "relay/learning/learned_json.h"

namespace muster::relay {

inline constexpr Field kName[] = {
    {.name = "name", .help = "The upstream's name.", .minimum = 1, .maximum = 64, .required = true},
};

template <std::size_t N, std::size_t M>
constexpr std::array<Field, N + M> followedBy(const std::array<Field, N>& first, const std::array<Field, M>& more) {
    std::array<Field, N + M> all{};
    std::copy(first.begin(), first.end(), all.begin());
    std::copy(more.begin(), more.end(), all.begin() + N);
    return all;
}

inline constexpr auto kChanges = std::to_array<Field>({
    {.name = "priority",
     .type = FieldType::integer,
     .help = "The smallest is asked first.",
     .minimum = 0,
     .maximum = 65535},
    {.name = "weight",
     .type = FieldType::integer,
     .help = "Its share of clients where they are spread.",
     .minimum = 0,
     .maximum = 65535},
    {.name = "families",
     .type = FieldType::texts,
     .help = "Product families that it may serve; empty: all.",
     .minimum = 0,
     .maximum = 32},
    {.name = "versions",
     .type = FieldType::integers,
     .help = "Protocol versions that it may serve: 4, 5, 6; empty: all.",
     .minimum = 0,
     .maximum = 8},
    {.name = "networks",
     .type = FieldType::networks,
     .help = "Networks whose clients it may serve; empty: all.",
     .minimum = 0,
     .maximum = 64},
    {.name = "countsVirtual",
     .type = FieldType::choice,
     .help = "Whether it adds virtual machines to its count.",
     .choices = "yes|no|unknown"},
    {.name = "state",
     .type = FieldType::choice,
     .help = "What it is to do, from now on: it ends what was said by drain, rest or activate.",
     .choices = "active|draining|maintenance"},
});
constexpr Field addressField(bool required) {
    return {.name = "address",
            .help = "Where it listens: HOST or HOST:PORT.",
            .minimum = 1,
            .maximum = 262,
            .required = required};
}
inline constexpr auto kAddBody = followedBy(
    std::to_array<Field>(
        {addressField(true),
         {.name = "name", .help = "What to call it; without it, its address.", .minimum = 1, .maximum = 64}}),
    kChanges);
inline constexpr auto kChangeBody = followedBy(
    std::to_array<Field>(
        {addressField(false), {.name = "rename", .help = "What to call it from now on.", .minimum = 1, .maximum = 64}}),
    kChanges);

inline constexpr Field kRemoveAnswer[] = {
    {.name = "removed", .help = "The upstream that was removed.", .column = true}};

inline constexpr Field kCountsQuery[] = {
    {.name = "step",
     .type = FieldType::choice,
     .help = "1h: 30 days by the hour; 5m: the last day by five minutes.",
     .fallback = "1h",
     .choices = "1h|5m"},
};

inline constexpr Field kRecordAnswer[] = {
    {.name = "target", .help = "The host that the record names."},
    {.name = "port", .type = FieldType::integer, .help = "Its port."},
    {.name = "priority", .type = FieldType::integer, .help = "The smallest is asked first."},
    {.name = "weight", .type = FieldType::integer, .help = "Share among those of equal priority."},
    {.name = "addresses", .type = FieldType::texts, .help = "What the target resolves to."},
    {.name = "upstream", .help = "The name under which it serves; empty: it was left out."},
    {.name = "remark", .help = "Why it was left out, or what is wrong with it."},
};

inline constexpr Field kDiscoverAnswer[] = {
    {.name = "domain", .help = "The domain whose _vlmcs._tcp record was asked for.", .column = true},
    {.name = "found", .type = FieldType::integer, .help = "Records it has.", .column = true},
    {.name = "ttl", .type = FieldType::integer, .help = "Seconds for which the answer holds.", .column = true},
    {.name = "resolver", .help = "Who answered.", .column = true},
    {.name = "answered", .type = FieldType::timestamp, .help = "When the records were last confirmed.", .column = true},
    {.name = "problem", .help = "What was wrong in this round; empty: nothing.", .column = true},
    {.name = "note", .help = "What was left out."},
    {.name = "records", .type = FieldType::objects, .help = "The records.", .fields = kRecordAnswer},
};

/// What list and show say of an upstream.
inline constexpr auto kListAnswer = std::to_array<Field>({
    {.name = "name", .help = "What it is called here.", .column = true},
    {.name = "address", .help = "Host and port as configured or discovered.", .column = true},
    {.name = "condition",
     .type = FieldType::choice,
     .help = "What probes and traffic show.",
     .choices = "untried|up|down",
     .column = true},
    {.name = "state",
     .type = FieldType::choice,
     .help = "What it is to do.",
     .choices = "active|draining|maintenance",
     .column = true},
    {.name = "stateFrom",
     .type = FieldType::choice,
     .help =
         "Who says so: the settings; a person by drain, rest or activate, until the settings give it another state; "
         "discovery: nobody, DNS names it.",
     .choices = "settings|person|discovery",
     .column = true},
    {.name = "priority", .type = FieldType::integer, .help = "The smallest is asked first.", .column = true},
    {.name = "count",
     .type = FieldType::integer,
     .help = "The count in its latest answer; absent: none was seen.",
     .column = true},
    {.name = "lastAnswer", .type = FieldType::timestamp, .help = "When it last answered a client.", .column = true},
    {.name = "why", .help = "Its condition in words, with the evidence.", .column = true},
    {.name = "stateBy", .help = "The person that said so; absent: none did."},
    {.name = "stateSince", .type = FieldType::timestamp, .help = "When that person said it."},
    {.name = "stateInSettings",
     .type = FieldType::choice,
     .help = "What the settings say; absent: they do not name it.",
     .choices = "active|draining|maintenance"},
    {.name = "addresses", .type = FieldType::texts, .help = "What its name resolves to."},
    {.name = "families", .type = FieldType::texts, .help = "Product families that it may serve; empty: all."},
    {.name = "versions", .type = FieldType::integers, .help = "Protocol versions that it may serve; empty: all."},
    {.name = "weight", .type = FieldType::integer, .help = "Its share of clients where they are spread."},
    {.name = "countsVirtual",
     .type = FieldType::choice,
     .help = "Whether it counts virtual machines, as the settings say.",
     .choices = "yes|no|unknown"},
    {.name = "discoveredIn", .help = "The domain whose record named it; empty: the settings did."},
    {.name = "asked", .type = FieldType::integer, .help = "Requests sent to it since the start."},
    {.name = "answers", .type = FieldType::integer, .help = "Of them answered, refusals included."},
    {.name = "failures", .type = FieldType::integer, .help = "Attempts that led to the next upstream."},
    {.name = "associations", .type = FieldType::integer, .help = "RPC associations open now."},
    {.name = "opened", .type = FieldType::integer, .help = "RPC associations opened since the start."},
    {.name = "reading", .help = "The weightiest of what its answers say about it; empty: nothing is the matter."},
});
inline constexpr auto kShowAnswer =
    followedBy(kListAnswer, std::to_array<Field>({
                                {.name = "readings",
                                 .type = FieldType::objects,
                                 .help = "What its answers say about it, with the evidence.",
                                 .column = true,
                                 .fields = kReadingFields},
                                {.name = "learned",
                                 .type = FieldType::object,
                                 .help = "What was learnt from its answers.",
                                 .column = true,
                                 .fields = kLearnedFields},
                            }));

}  // namespace muster::relay
