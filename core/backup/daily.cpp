/// The thread of Backups that makes one a day.
#include <algorithm>
#include <sodium.h>

#include "muster/private_file.h"

#include "api/values.h"
#include "backup/backups.h"
#include "backup/events.h"

namespace muster::backup {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxDue = 64;
constexpr const char* kDue = "next-daily";
constexpr auto kDay = 24h;
constexpr auto kAgainAfter = 10min;
constexpr auto kLongestWait = 60s;

/// Minutes, at random: not all appliances of a site at the same time.
std::chrono::minutes jitter(std::uint32_t most) {
    return std::chrono::minutes(randombytes_uniform(most + 1));
}

}  // namespace

Timestamp Backups::readDue() const {
    const auto content = readPrivateFile((shelf_.directory() / kDue).string(), kMaxDue);
    const auto due = content ? api::parseTimestamp(*content) : std::nullopt;
    // A clock that was wrong must not put it off for years.
    if (due && *due <= wallNow() + kDay + 1h)
        return *due;
    return wallNow() + 10min + jitter(50);
}

void Backups::writeDue(Timestamp due) {
    // Not kept, the next start begins with a delay of its own.
    (void)writePrivateFile((shelf_.directory() / kDue).string(), isoTime(due));
}

void Backups::run() {
    writeDue(due_);
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        const Timestamp now = wallNow();
        if (due_ > now + kDay + 1h)  // the clock went back
            due_ = now + kDay;
        if (due_ <= now && around_.policy().daily)
            makeDaily();
        const auto wait = std::clamp<std::chrono::milliseconds>(due_ - wallNow(), 1s, kLongestWait);
        lock.lock();
        changed_.wait_for(lock, wait, [this] { return stopping_.load(); });
    }
}

void Backups::makeDaily() {
    const Policy policy = around_.policy();
    Wish wish;
    wish.password = policy.password;
    wish.by = "daily";
    Result<Item> made = fail(Code::internal, "backup", "");
    try {
        made = make(wish, Origin::daily);
    } catch (const std::exception& thrown) {
        made = fail(Code::internal, "backup", thrown.what());
    }
    if (!made && (stopping_ || made.error().code == Code::busy)) {
        due_ = wallNow() + kLongestWait;  // in memory alone: after a restart it is due at once
        return;
    }
    if (made) {
        due_ = wallNow() + kDay - 15min + jitter(30);
        writeDue(due_);
        if (auto thinned = shelf_.thin(policy.kept); !thinned)
            made = fail(thinned.error());
    } else {
        due_ = wallNow() + kAgainAfter;
    }
    std::string trouble = made ? std::string() : made.error().text();
    bool isNew = false;
    {
        const std::lock_guard lock(mutex_);
        isNew = !trouble.empty() && dailyTrouble_ != trouble;
        dailyTrouble_ = trouble;
    }
    if (isNew)  // once, and not at each attempt
        around_.event(kBackupFailed, json({{"trouble", std::move(trouble)}}));
}

}  // namespace muster::backup
