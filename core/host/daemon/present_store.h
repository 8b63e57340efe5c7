/// The store of one life. A relay goes on where there is none, and looks for one until it is there.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "muster/result.h"

#include "pool/archive.h"

namespace muster::daemon {

class PresentStore {
public:
    using Open = std::function<Result<std::unique_ptr<pool::Archive>>()>;

    /// @param store    nullptr: there is none yet, or the mode has none
    /// @param trouble  why there is none; empty: it is there, or the mode has none
    /// @param open     how look() opens it
    PresentStore(std::unique_ptr<pool::Archive> store, std::string trouble, Open open)
        : store_(std::move(store)), there_(store_.get()), trouble_(std::move(trouble)), open_(std::move(open)) {}

    /// nullptr: none. Once there it stays until close(). @thread any
    pool::Archive* get() const noexcept { return there_.load(std::memory_order_acquire); }
    /// Why there is none, with what to do; empty: it is there, or the mode has none. @thread any
    std::string trouble() const;
    /// Whether it is still to be looked for. @thread any
    bool isWanted() const { return get() == nullptr && !trouble().empty(); }

    /// Tries to open it; true: it is there from now on. Takes its time. @thread one at a time, ended before close()
    bool look();
    /// It calls back for every batch under way.
    void close() noexcept;

private:
    std::unique_ptr<pool::Archive> store_;
    std::atomic<pool::Archive*> there_;
    mutable std::mutex mutex_;
    std::string trouble_;
    Open open_;
};

}  // namespace muster::daemon
