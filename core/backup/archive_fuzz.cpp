/// Any octets as the file of a backup: whatever they are, they are read to an end or refused, and what is let through
/// has only names of the table, and the octets that its manifest says.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "backup/archive.h"
#include "backup/parts.h"
#include "backup/sealing.h"

using namespace muster;

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

class Memory final : public backup::ByteSource {
public:
    explicit Memory(Octets octets) : octets_(octets) {}
    Result<std::size_t> read(backup::Buffer buffer) override {
        const std::size_t now = std::min(buffer.size(), octets_.size());
        std::copy_n(octets_.begin(), now, buffer.begin());
        octets_ = octets_.subspan(now);
        return now;
    }

private:
    Octets octets_;
};

class Counted final : public backup::ByteSink {
public:
    Result<void> write(Octets octets) override {
        all += octets.size();
        return {};
    }
    Result<void> finish() override {
        whole = true;
        return {};
    }
    std::uint64_t all = 0;
    bool whole = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets octets = std::as_bytes(std::span(data, size));
    Memory first(octets);
    const auto head = backup::readHead(first);
    // Making a key takes a second: what is sealed is opened by nobody here.
    auto reader = backup::ArchiveReader::open(std::make_unique<Memory>(octets), "");
    if (!reader) {
        require(!head || head->encrypted);
        return 0;
    }
    require(head.has_value() && !head->encrypted && !(*reader)->isEncrypted());
    const std::atomic<bool> stopping{false};
    Counted sink;
    const backup::FileEntry* open = nullptr;
    const auto read = (*reader)->read(
        [&](const backup::FileEntry& entry) -> Result<backup::ByteSink*> {
            const auto place = backup::placeOf(entry.path);
            require(place && place->kind != backup::FileKind::passing);
            require(entry.path.find("..") != 0 && entry.path.front() != '/');
            require(open == nullptr || (sink.whole && sink.all == open->size));
            open = &entry;
            sink = {};
            return &sink;
        },
        stopping);
    if (read && open != nullptr)
        require(sink.whole && sink.all == open->size);
    return 0;
}
