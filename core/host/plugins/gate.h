/// Who is inside a plugin, and waiting until nobody is.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace muster::plugins {

/// Passing costs two atomic additions on a line that threads rarely share: every activation request passes one.
class Gate {
public:
    /// False: closed; the caller is not inside and stays out.
    bool enter() noexcept;
    /// On the thread that entered.
    void leave() noexcept;

    /// Nobody enters any more.
    void close() noexcept;
    bool closed() const noexcept { return closed_.load(std::memory_order_seq_cst); }
    /// After close(): waits until all have left. False: some are still inside after `limit`.
    bool drained(std::chrono::milliseconds limit);
    /// How many are inside.
    unsigned inside() const noexcept;

private:
    static constexpr std::size_t kShards = 16;
    struct alignas(64) Shard {
        std::atomic<unsigned> inside{0};
    };
    Shard& shard() noexcept;

    std::array<Shard, kShards> shards_;
    std::atomic<bool> closed_{false};
    std::mutex mutex_;
    std::condition_variable left_;
};

/// Inside for a scope, if the gate is open.
class Passage {
public:
    explicit Passage(Gate& gate) noexcept : gate_(gate), inside_(gate.enter()) {}
    ~Passage() {
        if (inside_)
            gate_.leave();
    }
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;
    explicit operator bool() const noexcept { return inside_; }

private:
    Gate& gate_;
    const bool inside_;
};

}  // namespace muster::plugins
