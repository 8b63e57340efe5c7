/// Characteristics: announces the event number of `fit`.
#include "animal.h"

namespace {
constexpr muster::EventSpec kEvents[] = {{31000, muster::Severity::info, "Not its own.", ""}};
}

MUSTER_PLUGIN_NAMED(takes_event, "takes-event", zoo::Animal, "1.0.0", .events = kEvents);
