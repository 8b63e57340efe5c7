/// The store's housekeeper: checkpoints off the path of an answer, a look at the files four times a second, and one
/// check of the database after the start.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "pool/applier.h"
#include "pool/intake.h"

namespace muster::pool {

class Keeper {
public:
    /// @param checkAfter  from the start to the check of the database: the first minute belongs to those who ask
    Keeper(std::string path, std::chrono::milliseconds checkAfter, Applier& applier, Intake& intake,
           std::function<void(EventRecord)> note);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void start();
    void stop() noexcept;

    /// Write-ahead log beyond which a checkpoint is made: 32 MiB.
    static constexpr int kCheckpointPages = 8'192;

private:
    void run();
    void lookAtFile();
    void checkpoint();
    void checkDatabase();
    bool pause();

    const std::string path_;
    const std::chrono::milliseconds checkAfter_;
    Applier& applier_;
    Intake& intake_;
    const std::function<void(EventRecord)> note_;
    std::unique_ptr<Connection> connection_;
    std::uint64_t inode_ = 0;
    std::uint64_t device_ = 0;
    bool misplaced_ = false;
    std::chrono::steady_clock::time_point lastCheckpoint_{};

    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace muster::pool
