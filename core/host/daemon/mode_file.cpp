#include "host/daemon/mode_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace muster::daemon {

namespace {

tl::unexpected<Error> refused(const std::filesystem::path& path, const char* step, int error) {
    return fail(Code::storage, path.string(), std::string(step) + ": " + std::system_category().message(error));
}

}  // namespace

Result<Mode> readMode(const std::filesystem::path& state) {
    const std::filesystem::path path = state / "mode";
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        if (errno == ENOENT)
            return Mode::none;
        return refused(path, "cannot be opened", errno);
    }
    std::array<char, 16> octets{};
    const ssize_t size = ::read(fd, octets.data(), octets.size());
    const int error = errno;
    ::close(fd);
    if (size < 0)
        return refused(path, "cannot be read", error);
    std::string_view word(octets.data(), static_cast<std::size_t>(size));
    while (!word.empty() && (word.back() == '\n' || word.back() == ' '))
        word.remove_suffix(1);
    for (const Mode mode : {Mode::none, Mode::lab, Mode::relay})
        if (word == name(mode))
            return mode;
    return fail(Code::malformed, path.string(),
                "holds neither lab nor relay nor none; write one of these words into it, or remove it and choose again "
                "with \"musterctl mode set\"");
}

Result<void> writeMode(const std::filesystem::path& state, Mode mode) {
    const std::filesystem::path path = state / "mode";
    const std::filesystem::path fresh = state / "mode.new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refused(fresh, "cannot be made", errno);
    const std::string word = std::string(name(mode)) + "\n";
    const bool written = ::write(fd, word.data(), word.size()) == static_cast<ssize_t>(word.size()) && ::fsync(fd) == 0;
    const int error = errno;
    ::close(fd);
    if (!written)
        return refused(fresh, "cannot be written", error);
    if (::rename(fresh.c_str(), path.c_str()) != 0)
        return refused(path, "cannot be replaced", errno);
    const int directory = ::open(state.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || ::fsync(directory) != 0) {
        const int reason = errno;
        if (directory >= 0)
            ::close(directory);
        return refused(state, "cannot be synced", reason);
    }
    ::close(directory);
    return {};
}

std::filesystem::path modeDirectory(const std::filesystem::path& state, Mode mode) {
    return mode == Mode::lab ? state / "lab" : state;
}

}  // namespace muster::daemon
