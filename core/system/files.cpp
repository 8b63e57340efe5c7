#include "system/files.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "muster/private_file.h"

namespace muster::system {

namespace {

constexpr std::size_t kMaxFile = std::size_t{64} * 1024;

tl::unexpected<Error> trouble(const std::filesystem::path& path, const char* step, int error) {
    return fail(Code::storage, path.string(), std::string(step) + ": " + std::system_category().message(error));
}

Result<void> makeDirectories(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
        return trouble(directory, "cannot be made", error.value());
    return {};
}

Result<void> syncDirectory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return trouble(directory, "open", errno);
    const int done = ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (done != 0 && error != EINVAL)  // of a file system in memory
        return trouble(directory, "fsync", error);
    return {};
}

Result<void> moveInPlace(const std::filesystem::path& beside, const std::filesystem::path& path) {
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(beside.c_str());
        return trouble(path, "rename", error);
    }
    return syncDirectory(path.parent_path());
}

}  // namespace

Result<bool> putFile(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    if (const auto now = readPrivateFile(path.string(), kMaxFile); now && *now == content)
        return false;
    if (auto made = makeDirectories(path.parent_path()); !made)
        return fail(made.error());
    const std::filesystem::path beside = path.parent_path() / (".new-" + path.filename().string());
    ::unlink(beside.c_str());  // of a run that was cut short
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kPrivate);
    if (fd < 0)
        return trouble(beside, "open", errno);
    int error = 0;
    for (std::string_view rest = content; !rest.empty() && error == 0;) {
        const ssize_t wrote = ::write(fd, rest.data(), rest.size());
        if (wrote > 0)
            rest.remove_prefix(static_cast<std::size_t>(wrote));
        else if (wrote == 0 || errno != EINTR)
            error = wrote == 0 ? ENOSPC : errno;
    }
    if (error == 0 && (::fchmod(fd, mode) != 0 || ::fsync(fd) != 0))
        error = errno;
    ::close(fd);
    if (error != 0) {
        ::unlink(beside.c_str());
        return trouble(path, "cannot be written", error);
    }
    if (auto moved = moveInPlace(beside, path); !moved)
        return fail(moved.error());
    return true;
}

Result<bool> removeFile(const std::filesystem::path& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return false;
        return trouble(path, "cannot be removed", errno);
    }
    if (auto synced = syncDirectory(path.parent_path()); !synced)
        return fail(synced.error());
    return true;
}

Result<bool> putFiles(const std::filesystem::path& directory, const Texts& files, std::string_view prefix,
                      std::string_view suffix) {
    bool changed = false;
    for (const auto& [name, content] : files) {
        auto put = putFile(directory / name, content, kForAll);
        if (!put)
            return put;
        changed = changed || *put;
    }
    std::vector<std::filesystem::path> others;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(directory, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(prefix) && name.ends_with(suffix) && files.count(name) == 0)
            others.push_back(entry->path());
    }
    for (const auto& path : others) {
        auto removed = removeFile(path);
        if (!removed)
            return removed;
        changed = changed || *removed;
    }
    return changed;
}

Result<bool> putLink(const std::filesystem::path& path, const std::filesystem::path& target) {
    std::error_code error;
    if (std::filesystem::read_symlink(path, error) == target && !error)
        return false;
    if (auto made = makeDirectories(path.parent_path()); !made)
        return fail(made.error());
    const std::filesystem::path beside = path.parent_path() / (".new-" + path.filename().string());
    ::unlink(beside.c_str());
    if (::symlink(target.c_str(), beside.c_str()) != 0)
        return trouble(beside, "symlink", errno);
    if (auto moved = moveInPlace(beside, path); !moved)
        return fail(moved.error());
    return true;
}

}  // namespace muster::system
