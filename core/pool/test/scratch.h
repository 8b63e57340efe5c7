/// Helpers of the pool's tests: a directory that goes with the test, records, a store that says when it is done.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "pool/archive.h"

namespace muster::pool::test {

/// A directory of its own below TMPDIR, removed at the end.
class Scratch {
public:
    Scratch() {
        const char* base = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nothing sets the environment
        path_ = std::string(base && *base ? base : "/tmp") + "/muster-pool-XXXXXX";
        if (!mkdtemp(path_.data()))
            std::abort();
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const std::string& path() const noexcept { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    /// Files whose name holds `part`.
    std::vector<std::string> holding(const std::string& part) const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            if (entry.path().filename().string().find(part) != std::string::npos)
                names.push_back(entry.path().string());
        return names;
    }

private:
    std::string path_;
};

inline const Guid kWindows = *Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059f");
inline const Guid kSeven = *Guid::parse("7fde5219-fbfa-484a-82c9-34d1ad53e856");
inline const Guid kSevenEnterprise = *Guid::parse("ae2ee509-1b34-41c0-acb7-6d4650168915");

inline Guid cmidOf(std::uint64_t number) {
    Guid guid;
    for (std::size_t i = 0; i < 8; ++i)
        guid.octets[15 - i] = static_cast<std::byte>((number >> (8 * i)) & 0xff);
    guid.octets[0] = std::byte{1};
    return guid;
}

constexpr Timestamp at(std::int64_t seconds) {
    return Timestamp(std::chrono::seconds(1'800'000'000 + seconds));
}

/// A well-formed request of machine `number`, counted, at at(number).
inline RequestRecord requestOf(std::uint64_t number) {
    RequestRecord record;
    record.received = at(static_cast<std::int64_t>(number));
    record.source = *Address::parse("10.0.0.7:49152");
    record.request.major = 4;
    record.request.licenseStatus = 2;
    record.request.minutesToExpiry = 43'200;
    record.request.application = kWindows;
    record.request.counted = kSeven;
    record.request.sku = kSevenEnterprise;
    record.request.cmid = cmidOf(number);
    record.request.requiredClients = 25;
    record.request.clientTime = FileTime::from(record.received);
    record.request.machine.assign("pc" + std::to_string(number) + ".example.org");
    record.counted = true;
    record.count = 1;
    return record;
}

/// Appends and waits until the store said how it ended.
inline Durability appendAndWait(Store& store, std::vector<RequestRecord> records) {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    Durability how = Durability::notDurable;
    store.append(std::move(records), [&](Durability durability) {
        const std::lock_guard lock(mutex);
        how = durability;
        ended = true;
        changed.notify_all();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended; });
    return how;
}

inline std::unique_ptr<Archive> openStore(StoreConfig config) {
    auto store = Archive::open(std::move(config));
    if (!store)
        throw Fault(store.error());
    return std::move(*store);
}

inline StoreConfig smallStore(const std::string& directory) {
    StoreConfig config;
    config.directory = directory;
    config.segmentOctets = std::size_t{256} * 1024;
    config.applyDelay = std::chrono::milliseconds(50);
    config.checkAfter = std::chrono::milliseconds(0);
    return config;
}

constexpr std::chrono::seconds kLong{30};  ///< limit of every wait: long enough for a machine under any load

/// Waits until `condition` holds. False: it did not in time.
template <class Condition>
bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kLong;
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        never.wait_for(lock, std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace muster::pool::test
