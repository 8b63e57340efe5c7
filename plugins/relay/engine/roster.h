/// Who there is to ask: an immutable list, replaced as a whole when settings, DNS or a person change it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "muster/types.h"

#include "health.h"
#include "relay/learning/learned.h"
#include "relay/upstream.h"

namespace muster::relay {

/// What is known of an upstream beyond one list: lives as long as anybody uses it. @thread any
struct Member {
    Member(const char* lastingLabel, std::shared_ptr<LearnedUpstream> record)
        : label(lastingLabel), learned(std::move(record)) {}

    const char* const label;  ///< its name, valid for ever: the journal's
    const std::shared_ptr<LearnedUpstream> learned;
    Health health;
    std::atomic<std::uint64_t> asked{0};         ///< requests sent to it, each attempt once
    std::atomic<std::uint64_t> answers{0};       ///< whole answers, refusals included
    std::atomic<std::uint64_t> failures{0};      ///< attempts that led to the next upstream
    std::atomic<std::uint32_t> associations{0};  ///< open now
    std::atomic<std::uint32_t> inFlight{0};      ///< requests that wait for it now
    std::atomic<std::uint64_t> opened{0};        ///< associations ever
    /// It said that it is not activated or not enabled: asked last until then (monotonic, since its epoch).
    std::atomic<Monotonic::rep> unfitUntil{0};
    /// It was away and fail-back is off: asked after those who never were, and those who came back earlier. The larger,
    /// the later it came back; 0: it does not stand back.
    std::atomic<std::uint64_t> standsBack{0};
    /// Whether a probe asks mgmt, too: until the host has shown that it does not answer there.
    std::atomic<bool> hasMgmt{true};
};

struct Entry {
    Upstream upstream;
    std::vector<Address> addresses;  ///< empty: its name could not be resolved yet
    std::string problem;             ///< why there is none, or why the list is old; empty: none
    std::shared_ptr<Member> member;
};

/// In the order of asking where nothing else decides: by priority, then as listed.
using Roster = std::vector<Entry>;
using RosterRef = std::shared_ptr<const Roster>;

constexpr std::size_t kMaxUpstreams = 64;

}  // namespace muster::relay
