#include "host/daemon/present_store.h"

#include <utility>

namespace muster::daemon {

std::string PresentStore::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

bool PresentStore::look() {
    if (!isWanted() || !open_)
        return false;
    auto opened = open_();
    const std::lock_guard lock(mutex_);
    if (!opened) {
        trouble_ = opened.error().text();
        return false;
    }
    store_ = std::move(*opened);
    trouble_.clear();
    there_.store(store_.get(), std::memory_order_release);
    return true;
}

void PresentStore::close() noexcept {
    there_.store(nullptr, std::memory_order_release);
    store_.reset();
}

}  // namespace muster::daemon
