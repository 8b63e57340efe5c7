#include "connections.h"

#include <algorithm>
#include <new>

#include "front.h"

namespace muster::listener {

static_assert(sizeof(Connection) < 640, "an idle connection is to take less than 1 KiB of user space, all in all");

bool Waiting::append(Octets more) noexcept {
    const std::size_t wanted = std::size_t{size_} + more.size();
    if (begin_ + wanted > capacity_) {
        const std::size_t capacity = std::max<std::size_t>(wanted, 256);
        std::unique_ptr<std::byte[]> larger(new (std::nothrow) std::byte[capacity]);
        if (!larger)
            return false;
        std::copy_n(octets_.get() + begin_, size_, larger.get());
        octets_ = std::move(larger);
        begin_ = 0;
        capacity_ = static_cast<std::uint32_t>(capacity);
    }
    std::copy(more.begin(), more.end(), octets_.get() + begin_ + size_);
    size_ = static_cast<std::uint32_t>(wanted);
    return true;
}

void Waiting::consume(std::size_t size) noexcept {
    if (size >= size_) {
        clear();
        return;
    }
    begin_ += static_cast<std::uint32_t>(size);
    size_ -= static_cast<std::uint32_t>(size);
}

void Waiting::clear() noexcept {
    octets_.reset();
    begin_ = 0;
    size_ = 0;
    capacity_ = 0;
}

void Connection::ready(std::uint32_t events) noexcept {
    front->ready(*this, events);
}

void ConnectionList::append(Connection& connection) noexcept {
    Link& link = connection.*link_;
    link.previous = last_;
    link.next = nullptr;
    (last_ != nullptr ? (last_->*link_).next : first_) = &connection;
    last_ = &connection;
    ++size_;
}

void ConnectionList::remove(Connection& connection) noexcept {
    Link& link = connection.*link_;
    (link.previous != nullptr ? (link.previous->*link_).next : first_) = link.next;
    (link.next != nullptr ? (link.next->*link_).previous : last_) = link.previous;
    link = Link{};
    --size_;
}

Connection* ConnectionPlaces::take() noexcept {
    if (free_ == nullptr) {
        std::unique_ptr<Chunk> chunk(new (std::nothrow) Chunk);
        if (!chunk)
            return nullptr;
        try {
            chunks_.push_back(std::move(chunk));
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
        const std::size_t base = (chunks_.size() - 1) * kChunk;
        for (std::size_t i = kChunk; i-- > 0;) {
            Connection& place = chunks_.back()->places[i];
            place.index = static_cast<std::uint32_t>(base + i);
            place.byAge.next = free_;
            free_ = &place;
        }
    }
    Connection* connection = free_;
    free_ = connection->byAge.next;
    connection->byAge = Link{};
    return connection;
}

void ConnectionPlaces::giveBack(Connection& connection) noexcept {
    connection.association.reset();
    connection.input.clear();
    connection.output.clear();
    ++connection.generation;
    connection.state = Connection::State::free;
    connection.byAge = Link{nullptr, free_};
    free_ = &connection;
}

Connection* ConnectionPlaces::find(std::uint64_t token) const noexcept {
    const std::size_t index = token & 0xFFFFFFFFU;
    if (index >= chunks_.size() * kChunk)
        return nullptr;
    Connection& connection = chunks_[index / kChunk]->places[index % kChunk];
    const bool same = connection.generation == token >> 32U && connection.state != Connection::State::free;
    return same ? &connection : nullptr;
}

}  // namespace muster::listener
