/// Keeps what was learnt over restarts: read at the start, written by a thread of its own when there is news.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "muster/event.h"
#include "muster/types.h"

#include "learned.h"
#include "relay/stop_signal.h"

namespace muster::relay {

class LearnedKeeper {
public:
    /// What says something new (a verdict, an ePID, an interval) is written within a minute or two, mere numbers within
    /// ten: the state may be on flash.
    static constexpr std::chrono::minutes kNews{1};
    static constexpr std::chrono::minutes kNumbers{10};
    /// An upstream that has been silent for so long, and has no other use, is left out.
    static constexpr std::chrono::hours kSilence{90 * 24};

    using Log = std::function<void(Severity, std::string_view)>;
    /// @param path  of the file; `path`.damaged is where one goes that cannot be read
    LearnedKeeper(Learned& learned, std::string path, Log log);

    /// Before the first Learned::of(). A file that cannot be read is renamed and told in the log: then nothing is
    /// known.
    void load();
    /// Until `stopping` or stop(); then writes what is new. @thread its own
    void run(const std::atomic<bool>& stopping);
    void stop() noexcept { signal_.stop(); }
    /// Writes now if anything changed. False: it could not be written, which the log tells once. @thread one at a time
    bool save();

    /// Whether it is time to write. @param kept  the marks of what is in the file
    static bool due(const LearnedUpstream::Marks& kept, const LearnedUpstream::Marks& now,
                    std::chrono::steady_clock::duration since) noexcept;

private:
    Learned& learned_;
    std::string path_;
    Log log_;
    LearnedUpstream::Marks kept_;
    StopSignal signal_;
    std::string trouble_;  ///< what the log was told last
};

}  // namespace muster::relay
