#include "pool/replay.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace muster::pool {

namespace {

constexpr std::size_t kMaxFile = std::size_t{256} << 20;  // a file that is larger is none of ours

Result<std::vector<std::byte>> readWhole(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(systemError(path, "open the file", errno));
    struct stat status {};
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > static_cast<off_t>(kMaxFile)) {
        close(fd);
        return fail(Code::storage, path, "no file of the intake (a regular one of at most 256 MiB); move it away");
    }
    std::vector<std::byte> image(static_cast<std::size_t>(status.st_size));
    std::size_t at = 0;
    while (at < image.size()) {
        const ssize_t got = pread(fd, image.data() + at, image.size() - at, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            Error error = systemError(path, "read", errno);
            close(fd);
            return fail(std::move(error));
        }
        if (got == 0)
            break;
        at += static_cast<std::size_t>(got);
    }
    close(fd);
    image.resize(at);
    return image;
}

std::string range(std::uint64_t first, std::uint64_t last) {
    return first == last ? "record " + std::to_string(first)
                         : "records " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

void judge(Replay& replay, const std::vector<std::vector<Found>>& found, std::uint64_t applied, bool fresh) {
    struct Placed {
        Found record;
        std::size_t file;
    };
    std::vector<Placed> all;
    std::uint64_t acknowledged = applied;
    replay.highest = applied;
    for (std::size_t file = 0; file < found.size(); ++file)
        for (const Found& record : found[file]) {
            all.push_back({record, file});
            acknowledged = std::max(acknowledged, record.synced);
            replay.highest = std::max(replay.highest, record.seq);
        }
    std::sort(all.begin(), all.end(), [](const Placed& a, const Placed& b) { return a.record.seq < b.record.seq; });

    std::uint64_t last = applied;
    std::size_t lastFile = found.size();
    for (const auto& [record, file] : all) {
        if (record.seq <= last)
            continue;  // a twin
        if (record.previous > last) {
            // A gap. Beyond what was acknowledged it is the torn end: nothing after it was promised to anybody.
            if (last >= acknowledged || record.previous > acknowledged)
                break;
            if (!fresh) {
                for (const std::size_t suspect : {file, lastFile})
                    if (suspect < replay.files.size())
                        replay.files[suspect].damaged = true;
                replay.alarms.push_back(range(last + 1, record.previous) +
                                        " of the intake cannot be read, and the database does not have them: a file "
                                        "was damaged, or the database is an older copy; the file is set aside");
            }
        }
        lastFile = file;
        replay.records.push_back(record);
        last = record.seq;
    }
    if (last < acknowledged && !fresh) {
        // The end was once on disk, says a record of another file, and is not there now.
        for (std::size_t file = 0; file < found.size() && file < replay.files.size(); ++file)
            if (!found[file].empty() && found[file].back().seq <= last)
                replay.files[file].damaged = true;
        replay.alarms.push_back(range(last + 1, acknowledged) + " in the intake cannot be read");
    }
}

Piece pieceOf(std::uint64_t seq, Record record) {
    Piece piece;
    piece.first = seq;
    if (auto* request = std::get_if<RequestRecord>(&record))
        piece.requests.push_back(*request);
    else if (auto* event = std::get_if<StoredEvent>(&record))
        piece.note = std::make_unique<Note>(std::move(*event));
    else if (const auto* removal = std::get_if<Removal>(&record))
        piece.note = std::make_unique<Note>(*removal);
    else
        piece.note = std::make_unique<Note>(std::get<OwnRequest>(record));
    return piece;
}

Result<Replay> readIntake(const std::string& directory, std::uint64_t applied, bool fresh) {
    Replay replay;
    std::vector<std::string> paths;
    std::error_code problem;
    for (auto entry = std::filesystem::directory_iterator(directory, problem);
         !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with("intake-") && name.ends_with(".log"))
            paths.push_back(entry->path().string());
    }
    if (problem)
        return fail(systemError(directory, "read the directory", problem.value()));
    std::sort(paths.begin(), paths.end());

    std::vector<std::vector<Found>> found;
    for (const std::string& path : paths) {
        auto image = readWhole(path);
        if (!image)
            return fail(image.error());
        auto salt = readHead(*image);
        if (!salt)
            return fail(salt.error().code, path, salt.error().detail);
        SegmentFile file{path, salt->value_or(0), image->size(), !salt->has_value()};
        replay.images.push_back(std::move(*image));
        if (file.damaged) {
            // Without a head and with nothing but zeros it was never finished: no record was ever in it.
            const auto& octets = replay.images.back();
            const bool empty =
                std::all_of(octets.begin(), octets.end(), [](std::byte octet) { return octet == std::byte{0}; });
            if (!empty)
                replay.alarms.push_back(
                    path + " has no readable head: its records cannot be told from chance; it is set aside");
            found.emplace_back();
        } else {
            const Octets body = Octets(replay.images.back()).subspan(std::min(kHeadSize, file.size));
            found.push_back(scan(file.salt, body, applied));
        }
        replay.files.push_back(std::move(file));
    }
    judge(replay, found, applied, fresh);
    return replay;
}

}  // namespace muster::pool
