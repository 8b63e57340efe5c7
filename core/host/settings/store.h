/// The one SettingsStore: what SettingsStore::open() gives. store.cpp reads, checks and puts in force,
/// store_changes.cpp writes. @thread any
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "host/settings/document.h"
#include "host/settings/revisions.h"
#include "host/settings/sections.h"
#include "host/settings/settings.h"

namespace muster::settings {

/// Who is said to have made a revision that nobody asked us for.
inline constexpr std::string_view kByHand = "edited by hand";

/// A mutex that can be waited for for a while. (std::timed_mutex is not known to every ThreadSanitizer.)
class Turn {
public:
    void lock() {
        std::unique_lock lock(mutex_);
        free_.wait(lock, [this] { return !taken_; });
        taken_ = true;
    }
    bool tryLockFor(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        if (!free_.wait_for(lock, limit, [this] { return !taken_; }))
            return false;
        taken_ = true;
        return true;
    }
    void unlock() {
        const std::lock_guard lock(mutex_);
        taken_ = false;
        free_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable free_;
    bool taken_ = false;
};

class Store final : public SettingsStore {
public:
    explicit Store(Options options)
        : options_(std::move(options)),
          sections_(options_.stateDirectory.empty() ? std::filesystem::path() : options_.stateDirectory / "secrets"),
          revisions_(options_.stateDirectory.empty() || options_.file.empty() ? std::filesystem::path()
                                                                              : options_.stateDirectory / "revisions") {
    }

    Result<void> load();

    Result<void> announce(std::string_view owner, std::string_view section, Fields fields) override;
    void withdraw(std::string_view section) override;

    Report begin() override;
    Report check() const override;
    Report check(std::string_view section) const override;
    Report checkFile() const override;
    Report checkText(std::string_view text, std::string_view name) const override;
    std::optional<SettingValue> value(std::string_view section, std::string_view key) const override;
    std::vector<Setting> all() const override;

    void subscribe(std::string_view section, Subscriber subscriber) override;
    void unsubscribe(std::string_view section) override;
    Result<std::uint32_t> change(const std::vector<Edit>& edits, std::string_view author, std::string_view comment,
                                 std::uint32_t expected, Report* report) override;
    Result<std::uint32_t> changeFromWithin(const std::vector<Edit>& edits, std::string_view author,
                                           std::string_view comment, const Later& later) override;
    std::string fixedBy(std::string_view section, std::string_view key) const override;
    Result<bool> reload() override;

    std::uint32_t revision() const override;
    std::vector<Revision> revisions() const override;
    Result<std::string> revisionText(std::uint32_t number) const override;
    Result<std::string> diff(std::uint32_t from, std::uint32_t to) const override;
    Result<std::uint32_t> rollBack(std::uint32_t number, std::string_view author, std::uint32_t expected,
                                   Report* report) override;
    const std::filesystem::path& file() const noexcept override { return options_.file; }

private:
    // These want changes_ held, and mutex_ not.
    Result<std::string> onDisk() const;
    Result<bool> adopt(const std::string& text, std::string_view comment, const Later& later = {});
    void keep(const std::string& text, std::string_view author, std::string_view comment);
    void putInForce(Document document, const Later& later = {});
    Result<std::uint32_t> makeChange(const std::vector<Edit>& edits, std::string_view author, std::string_view comment,
                                     std::uint32_t expected, Report* report, const Later& later);
    Result<void> prepareEdit(const Edit& edit, Document& document, std::vector<api::Finding>& findings,
                             std::map<std::string, std::optional<std::string>>& secrets) const;
    Result<void> writeSecret(const std::string& key, const std::optional<std::string>& value);
    void tell(Severity severity, std::string text) const {
        if (options_.notify)
            options_.notify(severity, std::move(text));
    }

    const Options options_;
    Turn changes_;  // one change at a time; held while subscribers are told
    mutable std::shared_mutex mutex_;
    Document document_;
    bool fileIsThere_ = false;
    Sections sections_;
    std::map<std::string, std::shared_ptr<const Subscriber>, std::less<>> subscribers_;
    Values values_;
    Revisions revisions_;
};

}  // namespace muster::settings
