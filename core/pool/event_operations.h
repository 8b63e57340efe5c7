/// The journal's part of the pool's operations.
#pragma once

#include "pool/pool_operations.h"

namespace muster::pool {

/// One entry, as lists and the live stream give it.
inline constexpr Field kEventAnswer[] = {
    {.name = "seq", .type = FieldType::integer, .help = "Number; ascending, with gaps."},
    {.name = "time", .type = FieldType::timestamp, .help = "When.", .column = true},
    {.name = "id", .type = FieldType::integer, .help = "12288 to 12294 as Windows numbers them.", .column = true},
    {.name = "severity", .type = FieldType::text, .help = "How bad it is.", .column = true},
    {.name = "source", .type = FieldType::text, .help = "Who says so."},
    {.name = "message", .type = FieldType::text, .help = "What happened.", .column = true},
    {.name = "info", .type = FieldType::text, .help = "Windows' own fields in Windows' order (12290).", .column = true},
    {.name = "machine", .type = FieldType::text, .help = "Name of the machine it is about."},
    {.name = "cmid", .type = FieldType::guid, .help = "CMID of the client it is about."},
    {.name = "upstream",
     .type = FieldType::text,
     .help = "Upstream whose answer the client got; empty: none's.",
     .column = true},
    {.name = "attempts", .type = FieldType::integer, .help = "Upstreams that were asked."},
    {.name = "waited", .type = FieldType::integer, .help = "Microseconds that they took."},
    {.name = "fields", .type = FieldType::object, .help = "Everything else that is known."},
};

Json eventJson(const JournalEntry& entry);

/// GET /events, GET /events/watch.
void addEventOperations(const PoolContext& context, const AddOperation& add);

}  // namespace muster::pool
