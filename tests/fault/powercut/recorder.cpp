#include "recorder.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace muster::powercut {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::uint64_t kNone = UINT64_MAX;

enum class Act : std::uint8_t { write, truncate, sync, syncWrite, syncNames, create, rename, remove };

struct Operation {
    Act act = Act::write;
    std::uint64_t file = 0;    // a file keeps its number under every name
    std::uint64_t offset = 0;  // of a write; length of a truncation; how many operations a sync covers, or which one
    std::vector<char> data;
    std::string name;
    std::string to;
};

struct Recording {
    std::recursive_mutex mutex;
    bool on = false;
    std::string directory;
    std::vector<Operation> operations;
    std::map<std::string, std::uint64_t> names;          // below the directory
    std::unordered_map<int, std::uint64_t> descriptors;  // 0: the directory itself
    std::uint64_t nextFile = 1;
};

Recording& recording() {
    static auto* one = new Recording;  // never destroyed: SQLite closes files after main
    return *one;
}

template <class Function>
Function real(const char* symbol) {
    void* found = dlsym(RTLD_NEXT, symbol);
    if (!found)
        std::abort();
    Function function{};
    std::memcpy(&function, &found, sizeof function);
    return function;
}

/// The name below the watched directory; false: not there. An empty name is the directory itself.
bool watched(const char* path, std::string& name) {
    const Recording& r = recording();
    const std::string_view text(path);
    if (!r.on || !text.starts_with(r.directory))
        return false;
    std::string_view rest = text.substr(r.directory.size());
    if (!rest.empty() && rest.front() != '/')
        return false;
    while (!rest.empty() && rest.front() == '/')
        rest.remove_prefix(1);
    name = rest;
    // Shared memory of SQLite is made anew at each start; it is not kept by a disk in any sense.
    return !name.ends_with("-shm");
}

int noteOpen(const char* path, int flags, int fd) {
    if (fd < 0)
        return fd;
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    r.descriptors.erase(fd);
    std::string name;
    if (!watched(path, name))
        return fd;
    if (name.empty()) {
        r.descriptors[fd] = 0;
        return fd;
    }
    auto at = r.names.find(name);
    if (at == r.names.end()) {
        at = r.names.emplace(name, r.nextFile++).first;
        r.operations.push_back({.act = Act::create, .file = at->second, .data = {}, .name = name, .to = {}});
    } else if ((flags & O_TRUNC) != 0) {
        r.operations.push_back({.act = Act::truncate, .file = at->second, .data = {}, .name = {}, .to = {}});
    }
    r.descriptors[fd] = at->second;
    return fd;
}

/// The operation's number; kNone: not watched.
std::uint64_t noteWrite(int fd, const void* data, std::size_t size, std::uint64_t offset) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    const auto at = r.descriptors.find(fd);
    if (!r.on || at == r.descriptors.end() || at->second == 0)
        return kNone;
    const char* from = static_cast<const char*>(data);
    r.operations.push_back(
        {.act = Act::write, .file = at->second, .offset = offset, .data = {from, from + size}, .name = {}, .to = {}});
    return r.operations.size() - 1;
}

/// A write that synced itself (RWF_DSYNC) is on disk. It says nothing of any other write of that file.
void noteWriteSynced(std::uint64_t write) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    if (r.on && write != kNone)
        r.operations.push_back({.act = Act::syncWrite, .offset = write, .data = {}, .name = {}, .to = {}});
}

/// @param covered  operations noted when the sync began: what came meanwhile it need not have written
void noteSync(int fd, std::uint64_t covered) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    const auto at = r.descriptors.find(fd);
    if (!r.on || at == r.descriptors.end())
        return;
    r.operations.push_back({.act = at->second == 0 ? Act::syncNames : Act::sync,
                            .file = at->second,
                            .offset = covered,
                            .data = {},
                            .name = {},
                            .to = {}});
}

void noteTruncate(int fd, std::uint64_t size) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    const auto at = r.descriptors.find(fd);
    if (r.on && at != r.descriptors.end() && at->second != 0)
        r.operations.push_back(
            {.act = Act::truncate, .file = at->second, .offset = size, .data = {}, .name = {}, .to = {}});
}

void noteClose(int fd) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    r.descriptors.erase(fd);
}

void noteRename(const char* from, const char* to) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    std::string before;
    std::string after;
    if (!watched(from, before) || !watched(to, after))
        return;
    if (const auto at = r.names.find(before); at != r.names.end()) {
        r.names[after] = at->second;
        r.names.erase(before);
    }
    r.operations.push_back({.act = Act::rename, .data = {}, .name = before, .to = after});
}

void noteRemove(const char* path) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    std::string name;
    if (!watched(path, name) || r.names.erase(name) == 0)
        return;
    r.operations.push_back({.act = Act::remove, .data = {}, .name = name, .to = {}});
}

/// One file as it may be found.
struct Image {
    std::vector<char> octets;

    void resize(std::uint64_t size) { octets.resize(size); }
    void write(std::uint64_t offset, const char* data, std::size_t size) {
        if (octets.size() < offset + size)
            octets.resize(offset + size);
        std::copy_n(data, size, octets.begin() + static_cast<std::ptrdiff_t>(offset));
    }
};

}  // namespace

void beginRecording(const std::string& directory) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    r.directory = directory;
    r.operations.clear();
    r.names.clear();
    r.on = true;
}

void endRecording() {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    r.on = false;
}

std::uint64_t operations() {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    return r.operations.size();
}

void makeImage(std::uint64_t cut, const std::string& target, std::mt19937_64& dice) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    cut = std::min<std::uint64_t>(cut, r.operations.size());
    const auto toss = [&dice] { return (dice() & 1) != 0; };
    // Some cuts lose nearly everything that was not synced, some nearly nothing, most something.
    const unsigned kept = static_cast<unsigned>(dice() % 5);  // quarters
    const auto keeps = [&] { return dice() % 4 < kept; };

    std::unordered_set<std::uint64_t> syncedAlone;
    std::unordered_map<std::uint64_t, std::uint64_t> syncedAt;
    std::uint64_t namesSafe = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> madeAt;
    for (std::uint64_t i = 0; i < cut; ++i) {
        const Operation& operation = r.operations[i];
        if (operation.act == Act::create)
            madeAt[operation.file] = i + 1;
        if (operation.act == Act::sync) {
            syncedAt[operation.file] = std::max(syncedAt[operation.file], operation.offset);
            // A file's first sync takes its name along (ext4, xfs, btrfs, f2fs all do).
            namesSafe = std::max(namesSafe, madeAt[operation.file]);
        }
        if (operation.act == Act::syncWrite)
            syncedAlone.insert(operation.offset);
        if (operation.act == Act::syncNames)
            namesSafe = std::max(namesSafe, operation.offset);
    }
    const std::uint64_t namesUntil = namesSafe + (cut > namesSafe ? dice() % (cut - namesSafe + 1) : 0);

    std::unordered_map<std::uint64_t, Image> files;
    std::map<std::string, std::uint64_t> names;
    for (std::uint64_t i = 0; i < cut; ++i) {
        const Operation& operation = r.operations[i];
        const bool safe = i < syncedAt[operation.file] || syncedAlone.contains(i);
        switch (operation.act) {
            case Act::write: {
                Image& file = files[operation.file];
                if (safe) {
                    file.write(operation.offset, operation.data.data(), operation.data.size());
                    break;
                }
                for (std::size_t at = 0; at < operation.data.size();) {
                    const std::size_t within = (operation.offset + at) % kSector;
                    const std::size_t size = std::min(kSector - within, operation.data.size() - at);
                    if (keeps())
                        file.write(operation.offset + at, operation.data.data() + at, size);
                    at += size;
                }
                break;
            }
            case Act::truncate:
                if (safe || toss())
                    files[operation.file].resize(operation.offset);
                break;
            case Act::create:
                if (i < namesUntil)
                    names[operation.name] = operation.file;
                break;
            case Act::rename:
                if (i < namesUntil && names.contains(operation.name)) {
                    names[operation.to] = names[operation.name];
                    names.erase(operation.name);
                }
                break;
            case Act::remove:
                if (i < namesUntil)
                    names.erase(operation.name);
                break;
            case Act::sync:
            case Act::syncWrite:
            case Act::syncNames:
                break;
        }
    }
    for (const auto& [name, file] : names) {
        std::ofstream out(std::filesystem::path(target) / name, std::ios::binary);
        const auto& octets = files[file].octets;
        out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    }
}

}  // namespace muster::powercut

// --- before the C library. Exported, so that a shared SQLite finds these first.
using namespace muster::powercut;  // NOLINT(google-build-using-namespace): end of a file of one purpose

#define MUSTER_BEFORE extern "C" __attribute__((visibility("default")))
// The C library declares some of these with attributes and without noexcept, others with: as it does.

namespace {

mode_t modeOf(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

}  // namespace

MUSTER_BEFORE int open(const char* path, int flags, ...) {
    static const auto next = real<int (*)(const char*, int, ...)>("open");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = modeOf(flags, arguments);
    va_end(arguments);
    return noteOpen(path, flags, next(path, flags, mode));
}

MUSTER_BEFORE int open64(const char* path, int flags, ...) {
    static const auto next = real<int (*)(const char*, int, ...)>("open64");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = modeOf(flags, arguments);
    va_end(arguments);
    return noteOpen(path, flags, next(path, flags, mode));
}

MUSTER_BEFORE int close(int fd) {
    static const auto next = real<int (*)(int)>("close");
    noteClose(fd);
    return next(fd);
}

// The lock is held over act and note: the notes are in the order of the acts.
MUSTER_BEFORE ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    static const auto next = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    const std::lock_guard lock(recording().mutex);
    const ssize_t written = next(fd, data, size, offset);
    if (written > 0)
        noteWrite(fd, data, static_cast<std::size_t>(written), static_cast<std::uint64_t>(offset));
    return written;
}

MUSTER_BEFORE ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
    static const auto next = real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    const std::lock_guard lock(recording().mutex);
    const ssize_t written = next(fd, data, size, offset);
    if (written > 0)
        noteWrite(fd, data, static_cast<std::size_t>(written), static_cast<std::uint64_t>(offset));
    return written;
}

MUSTER_BEFORE ssize_t write(int fd, const void* data, size_t size) {
    static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
    const std::lock_guard lock(recording().mutex);
    const off_t offset = recording().descriptors.contains(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    const ssize_t written = next(fd, data, size);
    if (written > 0)
        noteWrite(fd, data, static_cast<std::size_t>(written), static_cast<std::uint64_t>(offset));
    return written;
}

namespace {

/// The write is noted before it is done and without the lock: others' operations come in between, and a cut may fall
/// into the middle of it.
template <class Function>
ssize_t writePieces(Function next, int fd, const iovec* pieces, int count, off_t offset, int flags) {
    std::vector<char> data;
    for (int i = 0; i < count; ++i) {
        const char* from = static_cast<const char*>(pieces[i].iov_base);
        data.insert(data.end(), from, from + pieces[i].iov_len);
    }
    // Of the flags only this one is understood; another one might promise, or ask for, something else.
    if (recording().on && (flags & ~RWF_DSYNC) != 0)
        std::abort();
    const std::uint64_t write = noteWrite(fd, data.data(), data.size(), static_cast<std::uint64_t>(offset));
    const ssize_t written = next(fd, pieces, count, offset, flags);
    if ((flags & RWF_DSYNC) != 0 && written == static_cast<ssize_t>(data.size()))
        noteWriteSynced(write);
    return written;
}

}  // namespace

MUSTER_BEFORE ssize_t pwritev2(int fd, const iovec* pieces, int count, off_t offset, int flags) {
    static const auto next = real<ssize_t (*)(int, const iovec*, int, off_t, int)>("pwritev2");
    return writePieces(next, fd, pieces, count, offset, flags);
}

MUSTER_BEFORE ssize_t pwritev64v2(int fd, const iovec* pieces, int count, off64_t offset, int flags) {
    static const auto next = real<ssize_t (*)(int, const iovec*, int, off64_t, int)>("pwritev64v2");
    return writePieces(next, fd, pieces, count, offset, flags);
}

MUSTER_BEFORE int fsync(int fd) {
    static const auto next = real<int (*)(int)>("fsync");
    const std::uint64_t covered = operations();
    const int code = next(fd);
    if (code == 0)
        noteSync(fd, covered);
    return code;
}

MUSTER_BEFORE int fdatasync(int fd) {
    static const auto next = real<int (*)(int)>("fdatasync");
    const std::uint64_t covered = operations();
    const int code = next(fd);
    if (code == 0)
        noteSync(fd, covered);
    return code;
}

MUSTER_BEFORE int ftruncate(int fd, off_t size) noexcept {
    static const auto next = real<int (*)(int, off_t)>("ftruncate");
    const std::lock_guard lock(recording().mutex);
    const int code = next(fd, size);
    if (code == 0)
        noteTruncate(fd, static_cast<std::uint64_t>(size));
    return code;
}

MUSTER_BEFORE int ftruncate64(int fd, off64_t size) noexcept {
    static const auto next = real<int (*)(int, off64_t)>("ftruncate64");
    const std::lock_guard lock(recording().mutex);
    const int code = next(fd, size);
    if (code == 0)
        noteTruncate(fd, static_cast<std::uint64_t>(size));
    return code;
}

MUSTER_BEFORE int rename(const char* from, const char* to) noexcept {
    static const auto next = real<int (*)(const char*, const char*)>("rename");
    const std::lock_guard lock(recording().mutex);
    const int code = next(from, to);
    if (code == 0)
        noteRename(from, to);
    return code;
}

MUSTER_BEFORE int unlink(const char* path) noexcept {
    static const auto next = real<int (*)(const char*)>("unlink");
    const std::lock_guard lock(recording().mutex);
    const int code = next(path);
    if (code == 0)
        noteRemove(path);
    return code;
}
