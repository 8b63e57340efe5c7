#include "host/daemon/worker.h"

#include <exception>
#include <pthread.h>
#include <utility>

namespace muster::daemon {

Worker::Worker(std::function<void(std::string_view)> onFault)
    : onFault_(std::move(onFault)), thread_([this] { run(); }) {}

Worker::~Worker() {
    stop();
}

void Worker::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        jobs_.clear();
    }
    changed_.notify_one();
    if (thread_.joinable())
        thread_.join();
}

void Worker::submit(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_)
            return;
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void Worker::submitIfIdle(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || busy_ || !jobs_.empty())
            return;
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void Worker::run() {
    pthread_setname_np(pthread_self(), "worker");
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
        if (stopping_)
            return;
        const std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        busy_ = true;
        lock.unlock();
        try {
            job();
        } catch (const std::exception& error) {
            onFault_(error.what());
        } catch (...) {
            onFault_("something that is no std::exception");
        }
        lock.lock();
        busy_ = false;
    }
}

}  // namespace muster::daemon
