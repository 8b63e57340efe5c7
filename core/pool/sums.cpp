#include "pool/sums.h"

#include <algorithm>

#include "pool/applier.h"

namespace muster::pool {

void Sums::noteState() {
    const std::uint64_t state = state_();
    if (state != seen_ || seenAt_ == Clock::time_point()) {
        seen_ = state;
        seenAt_ = now_();
    }
}

bool Sums::isCurrent() const {
    return latest_ && begun_ > seenAt_ + kSettled && now_() - begun_ < kOldest;
}

Sums::Clock::time_point Sums::due() const {
    return begun_ + std::max<Clock::duration>(kLeast, kShare * took_);
}

Result<PoolSum> Sums::readAnew(std::unique_lock<std::mutex>& lock) {
    const auto wanted = now_();
    lock.unlock();
    const std::lock_guard alone(reading_);
    lock.lock();
    if (latest_ && begun_ > wanted)
        return *latest_;  // who was before us began after we came
    const auto begun = now_();
    lock.unlock();
    auto sum = read_();
    lock.lock();
    begun_ = begun;
    took_ = now_() - begun;
    if (sum)
        latest_.emplace(*sum);
    else
        latest_.reset();
    return sum;
}

Result<PoolSum> Sums::get() {
    std::unique_lock lock(mutex_);
    noteState();
    asked_ = now_();
    if (took_ > kQuick && latest_) {
        if (!thread_.joinable() && !stopping_)
            thread_ = std::thread([this] { run(); });
        changed_.notify_one();
        // Twice what the thread takes for a turn: it is at work.
        if (isCurrent() || (!stopping_ && asked_ - begun_ < 2 * (due() - begun_)))
            return *latest_;
    }
    return readAnew(lock);
}

void Sums::run() {
    beBackground("pool-sum", 10);
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        noteState();
        const bool wanted = now_() - asked_ < kInterest && !isCurrent();
        if (!wanted)
            changed_.wait_for(lock, kInterest);
        else if (now_() < due())
            changed_.wait_for(lock, due() - now_());
        else
            (void)readAnew(lock);  // who asks next is told
    }
}

void Sums::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

}  // namespace muster::pool
