/// A thread for work that may take its time: looking for plugins, reading settings again. The control loop never does.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>

namespace muster::daemon {

class Worker {
public:
    /// @param onFault  is told what came out of a job as an exception
    explicit Worker(std::function<void(std::string_view)> onFault);
    ~Worker();  ///< stop()
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Waits for the present job; those that wait, and those to come, are dropped. @thread not the worker's
    void stop() noexcept;

    /// One after the other. @thread any
    void submit(std::function<void()> job);
    /// The same, unless a job waits or runs already: for what comes again by itself.
    void submitIfIdle(std::function<void()> job);

private:
    void run();

    std::function<void(std::string_view)> onFault_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace muster::daemon
