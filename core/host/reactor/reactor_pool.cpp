#include "host/reactor/reactor_pool.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <pthread.h>
#include <string>
#include <system_error>

namespace muster::reactor {

ReactorPool::ReactorPool(unsigned count, const EpollReactor::OnFault& onFault) {
    count = std::max(count, 1U);
    members_.reserve(count);
    for (unsigned i = 0; i < count; ++i)
        members_.push_back(std::make_unique<Member>(i, onFault));
    try {
        for (const auto& member : members_)
            member->thread = std::thread([&reactor = member->reactor] {
                pthread_setname_np(pthread_self(), ("reactor-" + std::to_string(reactor.index())).c_str());
                reactor.run();
            });
    } catch (const std::system_error& error) {
        stop();
        throw Fault({Code::internal, "reactor", std::string("no thread: ") + error.what()});
    }
}

ReactorPool::~ReactorPool() {
    stop();
}

void ReactorPool::onReactors(const std::function<void(Reactor&)>& work) {
    if (stopped_)
        return;
    for (const auto& member : members_)
        if (member->reactor.here())
            throw Fault({Code::internal, "reactor", "onReactors() on a reactor's own thread would wait for itself"});
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t left = members_.size();
    std::exception_ptr first;
    for (const auto& member : members_)
        member->reactor.post([&, &reactor = member->reactor] {
            std::exception_ptr thrown;
            try {
                work(reactor);
            } catch (...) {
                thrown = std::current_exception();
            }
            const std::lock_guard lock(mutex);
            if (thrown && !first)
                first = thrown;
            if (--left == 0)
                changed.notify_one();
        });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return left == 0; });
    if (first)
        std::rethrow_exception(first);
}

bool ReactorPool::turning() {
    bool all = true;
    for (const auto& member : members_) {
        if (member->asked.exchange(true, std::memory_order_acq_rel)) {
            all = false;  // it still owes the answer to the last question
            continue;
        }
        member->reactor.post([&asked = member->asked] { asked.store(false, std::memory_order_release); });
    }
    return all;
}

void ReactorPool::stop() noexcept {
    if (stopped_)
        return;
    stopped_ = true;
    for (const auto& member : members_)
        member->reactor.stop();
    for (const auto& member : members_)
        if (member->thread.joinable())
            member->thread.join();
}

}  // namespace muster::reactor
