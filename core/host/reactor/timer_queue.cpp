#include "host/reactor/timer_queue.h"

#include <algorithm>
#include <utility>

namespace muster::reactor {

TimerQueue::Id TimerQueue::add(Monotonic due, std::function<void()> task) {
    // All that may throw comes first, so that a failed add leaves nothing behind; cancel() must find room in free_.
    if (heap_.size() == heap_.capacity())
        heap_.reserve(std::max<std::size_t>(16, 2 * heap_.capacity()));
    if (free_.empty()) {
        slots_.emplace_back();
        free_.reserve(slots_.capacity());
        free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.due = due;
    slot.order = added_++;
    slot.task = std::move(task);
    heap_.push_back(index);
    place(heap_.size() - 1, index);
    rise(heap_.size() - 1);
    return (static_cast<Id>(slot.generation) << 32) | (index + 1U);
}

void TimerQueue::cancel(Id id) noexcept {
    const auto low = static_cast<std::uint32_t>(id);
    if (low == 0 || low > slots_.size())
        return;
    const Slot& slot = slots_[low - 1];
    if (slot.position != kFree && slot.generation == static_cast<std::uint32_t>(id >> 32))
        remove(slot.position);
}

std::optional<Monotonic> TimerQueue::next() const noexcept {
    if (heap_.empty())
        return std::nullopt;
    return slots_[heap_.front()].due;
}

std::function<void()> TimerQueue::takeDue(Monotonic now) noexcept {
    if (heap_.empty() || slots_[heap_.front()].due > now)
        return {};
    return remove(0);
}

bool TimerQueue::earlier(std::uint32_t a, std::uint32_t b) const noexcept {
    const Slot& x = slots_[a];
    const Slot& y = slots_[b];
    return x.due != y.due ? x.due < y.due : x.order < y.order;
}

void TimerQueue::place(std::size_t position, std::uint32_t slot) noexcept {
    heap_[position] = slot;
    slots_[slot].position = static_cast<std::uint32_t>(position);
}

void TimerQueue::rise(std::size_t position) noexcept {
    const std::uint32_t slot = heap_[position];
    while (position > 0) {
        const std::size_t parent = (position - 1) / 2;
        if (!earlier(slot, heap_[parent]))
            break;
        place(position, heap_[parent]);
        position = parent;
    }
    place(position, slot);
}

void TimerQueue::sink(std::size_t position) noexcept {
    const std::uint32_t slot = heap_[position];
    for (;;) {
        std::size_t child = 2 * position + 1;
        if (child >= heap_.size())
            break;
        if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child]))
            ++child;
        if (!earlier(heap_[child], slot))
            break;
        place(position, heap_[child]);
        position = child;
    }
    place(position, slot);
}

std::function<void()> TimerQueue::remove(std::size_t position) noexcept {
    const std::uint32_t index = heap_[position];
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (position < heap_.size()) {
        place(position, last);
        rise(position);
        sink(slots_[last].position);
    }
    Slot& slot = slots_[index];
    slot.position = kFree;
    ++slot.generation;
    free_.push_back(index);  // room was reserved by add()
    return std::exchange(slot.task, nullptr);
}

}  // namespace muster::reactor
