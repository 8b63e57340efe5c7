/// What /readyz says: whether a client that came now would get an answer.
#pragma once

#include <mutex>
#include <string>

#include "muster/plugin.h"

namespace muster::webui {

/// Asks the table of operations, as anybody may who is logged in. What it says goes to whoever asks, logged in or not:
/// so it names no host, no path and no address. The relay whose disk fails is ready, for it serves; the lab, whose
/// counts are on that disk, is not.
/// @thread any but a reactor's
class Readiness {
public:
    explicit Readiness(Host& host) : host_(host) {}

    /// A sentence for a person; empty: ready. At most a second old, however many ask.
    std::string problem();

private:
    std::string find() const;

    Host& host_;
    std::mutex mutex_;
    Monotonic until_{};
    std::string problem_;
};

}  // namespace muster::webui
