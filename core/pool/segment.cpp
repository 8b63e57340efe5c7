#include "pool/segment.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <zlib.h>

#include "pool/record.h"

namespace muster::pool {

namespace {

constexpr char kMagic[8] = {'M', 'S', 'T', 'R', 'L', 'O', 'G', '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFrameHead = 24;  // length, crc, seq, distances to previous and synced
constexpr std::size_t kAlign = 8;
constexpr std::size_t kBuffer = std::size_t{256} << 10;  // of one write past the page cache
static_assert(kBuffer % kHeadSize == 0);

template <class T>
void put(std::byte* to, T value) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        to[i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
}

template <class T>
T get(const std::byte* from) noexcept {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value |= static_cast<T>(std::to_integer<T>(from[i]) << (8 * i));
    return value;
}

std::uint32_t crc(std::uint32_t salt, const std::byte* data, std::size_t size) noexcept {
    return static_cast<std::uint32_t>(crc32(salt, reinterpret_cast<const Bytef*>(data), static_cast<uInt>(size)));
}

std::size_t framedSize(std::size_t payload) noexcept {
    return (kFrameHead + payload + kAlign - 1) / kAlign * kAlign;
}

bool writeAll(int fd, Octets data, std::size_t offset) noexcept {
    while (!data.empty()) {
        const ssize_t written = pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (written == 0)
                errno = EIO;
            return false;
        }
        data = data.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::size_t>(written);
    }
    return true;
}

}  // namespace

Error systemError(const std::string& path, const char* what, int error) {
    std::string detail = std::string("cannot ") + what + ": " + std::generic_category().message(error) + "; ";
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            detail += "the disk is full: make room, Muster goes on by itself";
            break;
        case EROFS:
            detail +=
                "the file system is read-only: see the system's log for the reason and make it writable, "
                "Muster goes on by itself";
            break;
        case EACCES:
        case EPERM:
            detail += "file and directory must belong to Muster's user";
            break;
        case ENOENT:
        case ENOTDIR:
            detail += "check that the directory exists";
            break;
        default:
            detail += "check the medium and the system's log";
    }
    return {Code::storage, path, std::move(detail)};
}

void frame(std::uint32_t salt, const Place& place, Octets payload, std::vector<std::byte>& out) {
    const std::size_t start = out.size();
    out.resize(start + framedSize(payload.size()));
    std::byte* head = out.data() + start;
    put(head, static_cast<std::uint32_t>(payload.size()));
    put(head + 8, place.seq);
    put(head + 16, static_cast<std::uint32_t>(place.seq - place.previous));
    put(head + 20, static_cast<std::uint32_t>(place.seq - place.synced));
    std::memcpy(head + kFrameHead, payload.data(), payload.size());
    // The length is covered through how far the CRC reaches.
    put(head + 4, crc(salt, head + 8, kFrameHead - 8 + payload.size()));
}

std::vector<Found> scan(std::uint32_t salt, Octets image, std::uint64_t applied) {
    std::vector<Found> found;
    std::size_t at = 0;
    while (at + kFrameHead <= image.size()) {
        const std::byte* head = image.data() + at;
        const std::size_t length = get<std::uint32_t>(head);
        const bool plausible = length > 0 && length <= kMaxPayload && framedSize(length) <= image.size() - at;
        const auto seq = get<std::uint64_t>(head + 8);
        if (plausible && seq > applied &&
            get<std::uint32_t>(head + 4) == crc(salt, head + 8, kFrameHead - 8 + length)) {
            const std::uint64_t previous = seq - get<std::uint32_t>(head + 16);
            const std::uint64_t synced = seq - get<std::uint32_t>(head + 20);
            if (previous < seq && synced < seq)
                found.push_back({{seq, previous, synced}, image.subspan(at + kFrameHead, length)});
            at += framedSize(length);
        } else {
            at += kAlign;
        }
    }
    return found;
}

Result<std::optional<std::uint32_t>> readHead(Octets head) {
    if (head.size() < 20 || std::memcmp(head.data(), kMagic, sizeof kMagic) != 0 ||
        get<std::uint32_t>(head.data() + 16) != crc(0, head.data(), 16))
        return std::optional<std::uint32_t>();
    const auto version = get<std::uint32_t>(head.data() + 8);
    if (version > kVersion)
        return fail(Code::incompatible, "intake",
                    "version " + std::to_string(version) + ", this Muster knows up to " + std::to_string(kVersion) +
                        ": start the newer Muster again");
    return std::optional(get<std::uint32_t>(head.data() + 12));
}

std::vector<std::byte> makeHead(std::uint32_t salt) {
    std::vector<std::byte> head(kHeadSize);
    std::memcpy(head.data(), kMagic, sizeof kMagic);
    put(head.data() + 8, kVersion);
    put(head.data() + 12, salt);
    put(head.data() + 16, crc(0, head.data(), 16));
    return head;
}

Result<std::unique_ptr<Segment>> Segment::create(const std::string& path, std::size_t size, Way way) {
    std::uint32_t salt = 0;
    if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return fail(systemError(path, "get random octets", errno));
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(systemError(path, "make the file", errno));
    std::unique_ptr<Segment> segment(new Segment(path, fd, size, salt));
    // Zeros are written, not only reserved: a reserved block becomes a written one by a change of metadata, which
    // each sync would then have to write as well. The head comes last: a file with a head is whole.
    const std::vector<std::byte> zeros(std::size_t{256} << 10);
    bool good = true;
    for (std::size_t at = 0; good && at < size; at += zeros.size())
        good = writeAll(fd, Octets(zeros).first(std::min(zeros.size(), size - at)), at);
    good = good && fdatasync(fd) == 0 && writeAll(fd, makeHead(salt), 0) && fsync(fd) == 0;
    if (!good) {
        Error error = systemError(path, "write the file", errno);
        unlink(path.c_str());  // ours, made a moment ago, and empty
        return fail(std::move(error));
    }
    if (way == Way::best)
        segment->goDirect();
    return segment;
}

Result<std::unique_ptr<Segment>> Segment::reuse(const std::string& path, std::uint32_t salt, Way way) {
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(systemError(path, "open the file", errno));
    struct stat status {};
    const bool known = fstat(fd, &status) == 0;
    const std::size_t size = known ? static_cast<std::size_t>(std::max<off_t>(status.st_size, kHeadSize)) : kHeadSize;
    std::unique_ptr<Segment> segment(new Segment(path, fd, size, salt));
    // What a killed process wrote may be in memory alone. If that cannot be synced, no later sync of it means anything.
    if (fdatasync(fd) != 0)
        return fail(systemError(path, "sync the file", errno));
    if (way == Way::best && known)
        segment->goDirect();
    return segment;
}

Segment::~Segment() {
    close(fd_);
}

void Segment::goDirect() noexcept {
    // What the kernel has in memory of the file would only be thrown away page by page.
    (void)posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
    const int flags = fcntl(fd_, F_GETFL);
    if (size_ % kHeadSize != 0 || flags < 0 || fcntl(fd_, F_SETFL, flags | O_DIRECT) != 0)
        return;
    buffer_.reset(static_cast<std::byte*>(std::aligned_alloc(kHeadSize, kBuffer)));
    // What the disk's block is, and whether the file system means it: read now, before a record depends on it.
    for (const std::size_t block : {std::size_t{512}, kHeadSize})
        if (buffer_ &&
            pread(fd_, buffer_.get(), block, static_cast<off_t>(kHeadSize - block)) == static_cast<ssize_t>(block)) {
            block_ = block;
            return;
        }
    buffer_.reset();
    (void)fcntl(fd_, F_SETFL, flags);
}

Result<void> Segment::appendDirect(Octets framed) {
    while (!framed.empty()) {
        const std::size_t size = std::min(framed.size(), kBuffer);
        iovec piece{buffer_.get(), taken(size)};
        std::memcpy(buffer_.get(), framed.data(), size);
        std::memset(buffer_.get() + size, 0, piece.iov_len - size);
        // Each piece is synced by its own write: RWF_DSYNC speaks of nothing that was written before.
        const ssize_t written = pwritev2(fd_, &piece, 1, static_cast<off_t>(tail_), RWF_DSYNC);
        if (written != static_cast<ssize_t>(piece.iov_len))
            return fail(systemError(path_, "write and sync", written < 0 ? errno : EIO));
        tail_ += piece.iov_len;
        framed = framed.subspan(size);
    }
    return {};
}

Result<void> Segment::append(Octets framed) {
    if (block_ > 1)
        return appendDirect(framed);
    if (!writeAll(fd_, framed, tail_))
        return fail(systemError(path_, "write", errno));
    if (fdatasync(fd_) != 0)
        return fail(systemError(path_, "sync", errno));
    tail_ += framed.size();
    return {};
}

bool Segment::inPlace() const noexcept {
    struct stat there {};
    struct stat ours {};
    return stat(path_.c_str(), &there) == 0 && fstat(fd_, &ours) == 0 && there.st_ino == ours.st_ino &&
           there.st_dev == ours.st_dev && static_cast<std::size_t>(there.st_size) >= size_;
}

Result<void> syncDirectory(const std::string& directory) {
    const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(systemError(directory, "open the directory", errno));
    const int code = fsync(fd);
    const int error = errno;
    close(fd);
    if (code != 0)
        return fail(systemError(directory, "sync the directory", error));
    return {};
}

}  // namespace muster::pool
