/// The store's housekeeper: checkpoints off the path of an answer, a look at the files four times a second, their
/// repair when somebody removed, replaced or spoiled them, and one check of the database after the start.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "pool/applier.h"
#include "pool/files.h"
#include "pool/intake.h"
#include "pool/reader.h"

namespace muster::pool {

struct KeeperConfig {
    std::string directory;  ///< of the store
    /// From the start to the check of the database: the first minute belongs to those who ask.
    std::chrono::milliseconds checkAfter{60'000};
    std::function<void()> keepLock;  ///< called when the directory was made anew. @thread the keeper's
};

class Keeper {
public:
    Keeper(KeeperConfig config, DatabaseFiles& files, Applier& applier, Intake& intake, Reader& reader,
           std::function<void(EventRecord)> note);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void start();
    /// Looks at the files once more, and ends the thread.
    void stop() noexcept;

    /// Write-ahead log beyond which a checkpoint is made: 32 MiB.
    static constexpr int kCheckpointPages = 8'192;

private:
    void run();
    void lookAtFiles();
    void repair(const std::string& what);
    /// Reads what another program wrote into; a sentence when it is of no use any more.
    std::string judgeContent();
    void checkpoint();
    void checkDatabase();
    bool pause();

    const KeeperConfig config_;
    DatabaseFiles& files_;
    Applier& applier_;
    Intake& intake_;
    Reader& reader_;
    const std::function<void(EventRecord)> note_;
    std::unique_ptr<Connection> connection_;
    bool misplaced_ = false;
    std::chrono::steady_clock::time_point nextRepair_{};
    std::chrono::milliseconds repairPause_{};
    std::chrono::steady_clock::time_point lastCheckpoint_{};

    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace muster::pool
