/// The pool's sum for those who ask again and again: a large pool is not read once for each of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "pool/reader.h"

namespace muster::pool {

/// What is read within kQuick is read anew each time. Beyond it a thread reads while somebody asks and the pool
/// changes, at most one twentieth of the time, and askers get its latest; who comes after a pause waits for a new one.
/// @thread any but a reactor's
class Sums {
public:
    using Read = std::function<Result<PoolSum>()>;
    /// Changes with every request.
    using State = std::function<std::uint64_t()>;

    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    Sums(Read read, State state, Now now = Clock::now)
        : read_(std::move(read)), state_(std::move(state)), now_(std::move(now)) {}
    ~Sums() { stop(); }
    Sums(const Sums&) = delete;
    Sums& operator=(const Sums&) = delete;

    /// @error as Reader::sum()
    Result<PoolSum> get();
    /// No more reading by itself. get() still works, and reads.
    void stop() noexcept;

    static constexpr std::chrono::milliseconds kQuick{20};
    static constexpr int kShare = 20;  ///< of the time that the thread reads at most: one part
    static constexpr std::chrono::seconds kLeast{1};
    static constexpr std::chrono::seconds kInterest{10};  ///< after the last question
    static constexpr std::chrono::seconds kSettled{2};    ///< what changed is in the database by then
    static constexpr std::chrono::seconds kOldest{60};    ///< what depends on the time alone

private:
    /// Reads now; the lock is open meanwhile.
    Result<PoolSum> readAnew(std::unique_lock<std::mutex>& lock);
    void noteState();
    /// Whether nothing can have changed since it was begun.
    bool isCurrent() const;
    Clock::time_point due() const;
    void run();

    const Read read_;
    const State state_;
    const Now now_;
    std::mutex reading_;  // one at a time
    std::mutex mutex_;    // below
    std::condition_variable changed_;
    std::optional<PoolSum> latest_;
    Clock::time_point begun_;
    Clock::duration took_{};
    Clock::time_point asked_;
    std::uint64_t seen_ = 0;
    Clock::time_point seenAt_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace muster::pool
