#include "host/supervise/signals.h"

#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace muster::supervise {

namespace {

sigset_t ours() noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

void blockSignals() {
    const sigset_t set = ours();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): it cannot fail for this signal
}

SignalWatch::SignalWatch(Reactor& reactor, Handlers handlers) : reactor_(reactor), handlers_(std::move(handlers)) {
    const sigset_t set = ours();
    fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd_ < 0)
        throw Fault({Code::internal, "signals", "signalfd: " + std::system_category().message(errno)});
    if (const auto watched = reactor_.watch(fd_, EPOLLIN, *this); !watched) {
        ::close(fd_);
        throw Fault(watched.error());
    }
}

SignalWatch::~SignalWatch() {
    reactor_.unwatch(fd_);
    ::close(fd_);
}

void SignalWatch::ready(std::uint32_t) noexcept {
    signalfd_siginfo info{};
    while (::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGHUP)
            handlers_.reload();
        else
            handlers_.stop(static_cast<int>(info.ssi_signo));
    }
}

}  // namespace muster::supervise
