#include "host/plugins/socket_book.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace muster::plugins {

Result<int> SocketBook::open(const void* holder, const std::string& owner, bool forClients, const Address& address) {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
        if (!(entry.address == address))
            continue;
        if (entry.owner != owner)
            return fail(Code::duplicate, address.text(), "plugin " + entry.owner + " listens there already");
        for (const Holder& known : entry.holders)
            if (known.who == holder)
                return known.fd;
        const int fd = fcntl(entry.original, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return fail(Code::internal, address.text(), std::generic_category().message(errno));
        entry.holders.push_back({holder, fd, true});
        return fd;
    }
    auto opened = services_.listenSocket(address, forClients);
    if (opened)
        entries_.push_back({address, owner, *opened, {{holder, *opened, false}}});
    return opened;
}

void SocketBook::release(std::size_t index, const void* holder, bool keepOpen) noexcept {
    Entry& entry = entries_[index];
    const auto held = std::find_if(entry.holders.begin(), entry.holders.end(),
                                   [&](const Holder& candidate) { return candidate.who == holder; });
    if (held == entry.holders.end())
        return;
    if (held->duplicate)
        ::close(held->fd);
    entry.holders.erase(held);
    if (!entry.holders.empty())
        return;
    if (!keepOpen)
        services_.closeListenSocket(entry.address);
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
}

void SocketBook::close(const void* holder, const Address& address) noexcept {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (entries_[i].address == address) {
            release(i, holder, false);
            return;
        }
}

void SocketBook::closeAll(const void* holder, bool keepOpen) noexcept {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = entries_.size(); i-- > 0;)
        release(i, holder, keepOpen);
}

}  // namespace muster::plugins
