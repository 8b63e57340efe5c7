/// What goes into the audit log, and how much of it: all that was done; of what was refused as much as does not push
/// out the rest.
///
/// An equal refusal (who, from where, front, action, result) is written once, then counted; the count is written when
/// its window ends: after a minute, then two, up to an hour while it goes on. One source has so many different ones at
/// a time, and all together so many an hour; what is beyond is counted in one entry an hour.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "muster/plugin.h"

#include "api/serve.h"
#include "audit/log.h"

namespace muster::audit {

/// @thread any
class Recorder {
public:
    using Clock = std::function<std::chrono::steady_clock::time_point()>;

    static constexpr std::chrono::seconds kWindow{60};
    static constexpr std::chrono::seconds kLongestWindow{3600};
    static constexpr std::size_t kOfOneSource = 8;
    static constexpr std::size_t kAtOnce = 256;
    static constexpr std::uint32_t kAtFirst = 100;  ///< entries of refusals before there is a bound
    static constexpr std::uint32_t kEachHour = 30;  ///< and from then on

    explicit Recorder(LogOptions options, Clock clock = {});
    ~Recorder();  ///< writes what was counted
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// What api::serve() tells.
    void observe(api::Observed observed) noexcept;
    /// What a plugin tells. @param front  the plugin's name
    void note(std::string_view front, AuditNote note) noexcept;
    void record(Entry entry) noexcept;
    /// Once a second or so: writes counts whose window is over, and what the disk did not take.
    void tick() noexcept;

    Log& log() noexcept { return log_; }
    const Log& log() const noexcept { return log_; }

private:
    using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;  // source is the first
    struct Window {
        Entry latest;
        std::uint64_t counted = 0;  // not written yet
        std::chrono::seconds length{0};
        std::chrono::steady_clock::time_point end{};
    };

    void refused(Entry entry);
    bool mayWrite(std::chrono::steady_clock::time_point now) noexcept;
    bool close(Window& window, std::chrono::steady_clock::time_point now, bool anyway);

    Log log_;
    const Clock clock_;
    std::mutex mutex_;  // all below
    std::map<Key, Window> windows_;
    Window others_;
    std::uint32_t budget_ = kAtFirst;
    std::chrono::steady_clock::time_point filled_{};
};

}  // namespace muster::audit
