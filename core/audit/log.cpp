#include "audit/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "api/json_text.h"
#include "audit/lines.h"

namespace muster::audit {

namespace {

constexpr std::array<const char*, 2> kNames = {"audit-1.jsonl", "audit-2.jsonl"};
constexpr std::size_t kAtOnce = 64;  // entries in one write
constexpr std::size_t kMaxNotes = 8;

/// A descriptor that closes itself.
class File {
public:
    explicit File(int fd = -1) noexcept : fd_(fd) {}
    ~File() { reset(); }
    File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    File& operator=(File&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const noexcept { return fd_; }
    bool open() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

std::string words(const std::string& path, const char* what, int error) {
    return path + ": " + what + ": " + std::generic_category().message(error);
}

Timestamp wallNow() noexcept {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// 0, or errno.
int writeAt(int fd, std::string_view text, std::int64_t offset) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::pwrite(fd, text.data(), text.size(), offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        text.remove_prefix(static_cast<std::size_t>(written));
        offset += written;
    }
    return ::fdatasync(fd) == 0 ? 0 : errno;
}

/// What is in a file, as far as is needed to go on with it.
struct Content {
    std::uint64_t first = 0;  ///< number of its first entry; 0: it has none
    std::uint64_t last = 0;
    std::size_t entries = 0;
    std::string lastLine;
    std::int64_t tornAt = -1;  ///< where a torn last line begins
    int error = 0;
};

Content contentOf(int fd, std::int64_t size) {
    Content content;
    LineReader reader(fd, size);
    while (const auto line = reader.next()) {
        content.tornAt = line->torn() ? line->begin : -1;
        const auto number = line->torn() ? std::nullopt : numberOf(line->text);
        if (!number)
            continue;
        if (content.first == 0)
            content.first = *number;
        content.last = *number;
        content.lastLine = line->text;
        ++content.entries;
    }
    content.error = reader.error();
    return content;
}

std::int64_t sizeOf(int fd) noexcept {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_size : 0;
}

bool isFile(int fd) noexcept {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/// Nothing and errno 0: there is none.
File openLog(const std::string& path, int flags) noexcept {
    File file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.open()) {
        if (errno == ENOENT)
            errno = 0;
        return file;
    }
    if (!isFile(file.fd())) {
        file.reset();
        errno = EINVAL;
    }
    return file;
}

bool matches(const Chained& entry, const ListQuery& query) {
    return (!query.since || entry.time >= *query.since) && (query.who.empty() || entry.who == query.who) &&
           entry.action.find(query.action) != std::string::npos;
}

}  // namespace

/// Both files as they were at one moment: what is written meanwhile is not seen.
struct Log::Snapshot {
    struct Part {
        File file;
        std::int64_t size = 0;
        std::string path;
    };
    std::vector<Part> parts;  ///< the older one first
    bool known = false;
    std::uint64_t last = 0;
    std::string hash;
    std::string problem;  ///< why there is less
};

Log::Log(LogOptions options) : options_(std::move(options)), hash_(origin()) {
    const std::lock_guard lock(mutex_);
    if (!attach())
        say(problem_);
    flush();
}

Log::~Log() {
    const std::lock_guard lock(mutex_);
    flush();
    detach();
}

void Log::onTrouble(std::function<void(const std::string&)> told) {
    const std::lock_guard lock(mutex_);
    told_ = std::move(told);
    if (told_ && !problem_.empty())
        told_(problem_);
}

std::string Log::path(std::size_t slot) const {
    return options_.directory + "/" + kNames[slot];
}

void Log::append(Entry entry) noexcept try {
    if (entry.time == Timestamp{})
        entry.time = wallNow();
    entry = bounded(std::move(entry));
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < options_.waiting)
        waiting_.push_back(std::move(entry));
    else
        ++lost_;
    flush();
} catch (const std::exception&) {  // no memory
    const std::lock_guard lock(mutex_);
    ++lost_;
}

void Log::retry() noexcept try {
    const std::lock_guard lock(mutex_);
    if (!problem_.empty() || !waiting_.empty() || lost_ != 0)
        flush();
} catch (const std::exception&) {  // no memory: the next time
}

std::string Log::trouble() const {
    const std::lock_guard lock(mutex_);
    if (problem_.empty())
        return {};
    std::string text = "the audit log cannot be written, changes are made all the same: " + problem_;
    if (!waiting_.empty())
        text += "; " + std::to_string(waiting_.size()) + " entries wait in memory";
    if (lost_ != 0)
        text += ", " + std::to_string(lost_) + " more were lost";
    return text;
}

std::size_t Log::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

void Log::say(std::string problem) {
    const bool news = problem.empty() != problem_.empty();
    problem_ = std::move(problem);
    if (news && told_)
        told_(problem_);
}

void Log::note(std::string action, std::string detail) {
    if (notes_.size() >= kMaxNotes)
        return;
    Entry entry;
    entry.time = wallNow();
    entry.who = "muster";
    entry.front = "core";
    entry.action = std::move(action);
    entry.detail = std::move(detail);
    notes_.push_back(bounded(std::move(entry)));
}

void Log::detach() noexcept {
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
    attached_ = false;
}

/// Finds the end of the log on the disk and what is to be said of it. False: `problem_` has why not.
bool Log::attach() {
    const auto refuse = [&](std::string problem) {
        say(std::move(problem));
        return false;
    };
    detach();
    if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST)
        return refuse(words(options_.directory, "cannot be made", errno));
    std::array<File, 2> files;
    std::array<Content, 2> contents;
    for (std::size_t slot = 0; slot < files.size(); ++slot) {
        files[slot] = openLog(path(slot), O_RDWR);
        if (!files[slot].open()) {
            if (errno != 0)
                return refuse(words(path(slot), "cannot be opened", errno));
            continue;
        }
        struct stat status {};
        ::fstat(files[slot].fd(), &status);
        if (unsure_.size >= 0 && status.st_dev == unsure_.device && status.st_ino == unsure_.inode &&
            status.st_size > unsure_.size && ::ftruncate(files[slot].fd(), unsure_.size) != 0)
            return refuse(words(path(slot), "cannot be cut to what is on the disk", errno));
        contents[slot] = contentOf(files[slot].fd(), sizeOf(files[slot].fd()));
        if (contents[slot].error != 0)
            return refuse(words(path(slot), "cannot be read", contents[slot].error));
    }
    unsure_.size = -1;
    const std::size_t newer = contents[1].last > contents[0].last ? 1 : 0;
    const Content& content = contents[newer];
    if (content.tornAt >= 0) {
        const std::int64_t octets = sizeOf(files[newer].fd()) - content.tornAt;
        if (::ftruncate(files[newer].fd(), content.tornAt) != 0 || ::fdatasync(files[newer].fd()) != 0)
            return refuse(words(path(newer), "cannot be cut to its last whole entry", errno));
        note("audit: cut", "after entry " + std::to_string(content.last) + " the log ended in half an entry of " +
                               std::to_string(octets) + " octets, as a power cut leaves it; that was cut off");
    }
    std::string hash(origin());
    if (content.entries != 0) {
        const auto last = readLine(content.lastLine);
        if (last)
            hash = last->hash;
        else
            note("audit: damage", "entry " + std::to_string(content.last) +
                                      ", the last one of the log, does not fit; the chain begins anew after it");
    }
    if (known_ && last_ != 0 && (content.last != last_ || hash != hash_))
        note("audit: changed",
             "the log on the disk " +
                 (content.last == 0 ? std::string("is gone") : "ends with entry " + std::to_string(content.last)) +
                 "; entry " + std::to_string(last_) + " with hash " + hash_ + " was the last one that was written");
    if (!known_ || content.last != 0) {
        last_ = content.last;
        hash_ = std::move(hash);
    }
    known_ = true;
    slot_ = newer;
    held_ = content.entries;
    size_ = files[newer].open() ? sizeOf(files[newer].fd()) : 0;
    fd_ = files[newer].release();
    attached_ = true;
    return true;
}

/// Whether the file that is held is still the one of that name, as it was left.
bool Log::inPlace() const noexcept {
    if (fd_ < 0)
        return true;
    struct stat there {};
    struct stat held {};
    return ::fstat(fd_, &held) == 0 && ::lstat(path(slot_).c_str(), &there) == 0 && there.st_dev == held.st_dev &&
           there.st_ino == held.st_ino && held.st_size == size_;
}

void Log::flush() {
    if (notes_.empty() && waiting_.empty() && lost_ == 0 && problem_.empty())
        return;
    if ((!attached_ || !inPlace()) && !attach())
        return;
    while (!notes_.empty() || !waiting_.empty())
        if (!writeSome())
            return;
    if (lost_ != 0) {
        note("audit: lost",
             std::to_string(lost_) + " entries were lost: the disk did not take them, and memory had no room");
        if (!writeSome())
            return;
        lost_ = 0;
    }
    say({});
}

/// Writes what comes next, one sync for all of it.
bool Log::writeSome() {
    const bool turns = fd_ < 0 || held_ >= options_.kept;
    const std::size_t room = std::min(kAtOnce, turns ? options_.kept : options_.kept - held_);
    const std::size_t ofNotes = std::min(room, notes_.size());
    const std::size_t ofWaiting = std::min(room - ofNotes, waiting_.size());
    std::string text;
    std::string hash = hash_;
    std::uint64_t number = last_;
    const auto add = [&](const Entry& entry) {
        const std::string previous = hash;
        text += writeLine(entry, ++number, previous, hash) + '\n';
    };
    std::for_each_n(notes_.begin(), ofNotes, add);
    std::for_each_n(waiting_.begin(), ofWaiting, add);
    if (std::string problem = turns ? startFile(fd_ < 0 ? slot_ : 1 - slot_, text) : appendTo(text); !problem.empty()) {
        if (!turns) {
            struct stat status {};
            if (::fstat(fd_, &status) == 0)
                unsure_ = {status.st_dev, status.st_ino, size_};
        }
        detach();
        say(std::move(problem));
        return false;
    }
    if (!turns)
        size_ += static_cast<std::int64_t>(text.size());
    held_ += ofNotes + ofWaiting;
    last_ = number;
    hash_ = std::move(hash);
    notes_.erase(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(ofNotes));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(ofWaiting));
    return true;
}

/// A file with `text` in the place of the older one: after a power cut the one or the other is there.
/// @return  what went wrong; empty: nothing, and it is the file that is written from now on
std::string Log::startFile(std::size_t slot, std::string_view text) {
    const std::string name = path(slot);
    const std::string temporary = name + ".new";
    File file(::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.open())
        return words(temporary, "cannot be made", errno);
    if (const int error = writeAt(file.fd(), text, 0); error != 0) {
        ::unlink(temporary.c_str());
        return words(temporary, "cannot be written", error);
    }
    if (std::rename(temporary.c_str(), name.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return words(name, "cannot be replaced", error);
    }
    const File directory(::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.open() || ::fsync(directory.fd()) != 0) {
        const int error = errno;
        struct stat status {};
        if (::fstat(file.fd(), &status) == 0)
            unsure_ = {status.st_dev, status.st_ino, 0};
        return words(options_.directory, "cannot be synced", error);
    }
    detach();
    fd_ = file.release();
    attached_ = true;
    slot_ = slot;
    size_ = static_cast<std::int64_t>(text.size());
    held_ = 0;
    return {};
}

std::string Log::appendTo(std::string_view text) const {
    const int error = writeAt(fd_, text, size_);
    return error == 0 ? std::string() : words(path(slot_), "cannot be written", error);
}

Log::Snapshot Log::snapshot() const {
    Snapshot out;
    const std::lock_guard lock(mutex_);
    out.known = known_;
    out.last = last_;
    out.hash = hash_;
    std::array<std::uint64_t, 2> firsts{};
    std::array<Snapshot::Part, 2> parts;
    for (std::size_t slot = 0; slot < parts.size(); ++slot) {
        parts[slot].path = path(slot);
        parts[slot].file = openLog(path(slot), O_RDONLY);
        if (!parts[slot].file.open()) {
            if (errno != 0)
                out.problem = words(path(slot), "cannot be opened", errno);
            continue;
        }
        const int fd = parts[slot].file.fd();
        parts[slot].size = sizeOf(fd);
        struct stat status {};
        if (unsure_.size >= 0 && ::fstat(fd, &status) == 0 && status.st_dev == unsure_.device &&
            status.st_ino == unsure_.inode)
            parts[slot].size = std::min(parts[slot].size, unsure_.size);
        LineReader reader(fd, parts[slot].size);
        while (firsts[slot] == 0) {
            const auto line = reader.next();
            if (!line)
                break;
            firsts[slot] = numberOf(line->text).value_or(0);
        }
    }
    const std::size_t older = firsts[0] > firsts[1] ? 1 : 0;
    for (const std::size_t slot : {older, 1 - older})
        if (parts[slot].file.open())
            out.parts.push_back(std::move(parts[slot]));
    return out;
}

Result<ListPage> Log::list(const ListQuery& query) const {
    const Snapshot now = snapshot();
    if (now.parts.empty() && !now.problem.empty())
        return fail(Code::storage, "audit log", now.problem);
    const bool filtered = query.since || !query.who.empty() || !query.action.empty();
    const std::string who = query.who.empty() ? std::string() : "\"who\":" + api::dumpJson(query.who);
    ListPage page;
    for (auto part = now.parts.rbegin(); part != now.parts.rend() && page.entries.size() <= query.limit; ++part) {
        const std::size_t wanted = query.limit + 1 - page.entries.size();
        std::deque<Chained> newest;
        std::deque<std::string> lines;  // without a filter only those are parsed that are given
        LineReader reader(part->file.fd(), part->size);
        while (const auto line = reader.next()) {
            const auto number = numberOf(line->text);
            if (!number || (query.before != 0 && *number >= query.before) ||
                (filtered && line->text.find(who) == std::string_view::npos))
                continue;
            if (!filtered) {
                lines.emplace_back(line->text);
                if (lines.size() > wanted)
                    lines.pop_front();
                continue;
            }
            auto entry = readLine(line->text);
            if (!entry || !matches(*entry, query))
                continue;
            newest.push_back(std::move(*entry));
            if (newest.size() > wanted)
                newest.pop_front();
        }
        if (reader.error() != 0)
            return fail(Code::storage, "audit log", words(part->path, "cannot be read", reader.error()));
        for (const std::string& line : lines)
            if (auto entry = readLine(line))
                newest.push_back(std::move(*entry));
        std::move(newest.rbegin(), newest.rend(), std::back_inserter(page.entries));
    }
    page.more = page.entries.size() > query.limit;
    if (page.more)
        page.entries.resize(query.limit);
    return page;
}

Verdict Log::check() const {
    const Snapshot now = snapshot();
    Verdict verdict;
    const auto bad = [&](std::string problem) {
        verdict.good = false;
        verdict.problem = std::move(problem);
        return verdict;
    };
    const auto entry = [](std::uint64_t number) { return "entry " + std::to_string(number); };
    if (!now.problem.empty())
        return bad(now.problem);
    for (const Snapshot::Part& part : now.parts) {
        LineReader reader(part.file.fd(), part.size);
        while (const auto line = reader.next()) {
            const auto found =
                line->torn() ? Result<Chained>(fail(Code::malformed, "entry", "is not whole")) : readLine(line->text);
            if (!found) {
                const auto number = numberOf(line->text);
                return bad(number ? entry(*number) + " " + found.error().detail
                                  : "the line after " + entry(verdict.last) + " " + found.error().detail);
            }
            if (verdict.entries == 0) {
                if (found->number == 1 && found->previous != origin())
                    return bad("entry 1 is not the first one that was written");
                verdict.first = found->number;
            } else if (found->number > verdict.last + 1) {
                return bad("after " + entry(verdict.last) + " comes " + entry(found->number) +
                           ": what was between them was removed");
            } else if (found->number != verdict.last + 1) {
                return bad(entry(found->number) + " stands after " + entry(verdict.last) + ": it was added or moved");
            } else if (found->previous != verdict.hash) {
                return bad(entry(found->number) + " does not follow " + entry(verdict.last) +
                           " as it is now: one of them was replaced");
            }
            verdict.last = found->number;
            verdict.hash = found->hash;
            ++verdict.entries;
        }
        if (reader.error() != 0)
            return bad(words(part.path, "cannot be read", reader.error()));
    }
    if (now.known && now.last > verdict.last)
        return bad("the log ends with " + entry(verdict.last) + "; " + entry(now.last) +
                   " was written, and was removed");
    if (now.known && (now.last < verdict.last || (verdict.last != 0 && now.hash != verdict.hash)))
        return bad("the log ends with " + entry(verdict.last) +
                   "; that one was added or replaced, the last one that was " + "written is " + entry(now.last));
    return verdict;
}

}  // namespace muster::audit
