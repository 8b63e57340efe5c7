#include "key_file.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "kms/epid.h"

namespace muster::lab {

namespace {

constexpr std::string_view kFirstLine = "muster lab host keys, version 1";
constexpr mode_t kMode = 0600;

class File {
public:
    explicit File(int fd) noexcept : fd_(fd) {}
    ~File() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_;
};

tl::unexpected<Error> storageError(const std::string& path, const char* what, int error) {
    return fail(Code::storage, path,
                std::string(what) + ": " + std::error_code(error, std::generic_category()).message());
}

bool writeAll(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string_view takeUntil(std::string_view& text, char separator) noexcept {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return taken;
}

std::optional<InstalledKey> parseLine(std::string_view line) {
    auto key = HostKey::parse(takeUntil(line, ' '));
    const std::string_view when = takeUntil(line, ' ');
    std::int64_t milliseconds = 0;
    const auto [end, problem] = std::from_chars(when.data(), when.data() + when.size(), milliseconds);
    if (!key || problem != std::errc() || end != when.data() + when.size() || !kms::parseEpid(line))
        return std::nullopt;
    return InstalledKey{std::move(*key), Timestamp(std::chrono::milliseconds(milliseconds)), std::string(line)};
}

}  // namespace

Result<std::vector<InstalledKey>> KeyFile::read() const {
    std::vector<InstalledKey> keys;
    const File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) {
        if (errno == ENOENT)
            return keys;
        return storageError(path_, "the host keys cannot be read", errno);
    }
    std::string content;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t got = ::read(file.fd(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return storageError(path_, "the host keys cannot be read", errno);
        if (got == 0)
            break;
        content.append(piece.data(), static_cast<std::size_t>(got));
        if (content.size() > kMaxSize)
            return fail(Code::malformed, path_, "longer than 64 KiB; move it away and add the host keys again");
    }
    std::string_view left = content;
    if (takeUntil(left, '\n') != kFirstLine)
        return fail(Code::malformed, path_,
                    "does not begin with \"" + std::string(kFirstLine) +
                        "\"; restore it, or move it away and add the host keys again");
    for (std::size_t line = 2; !left.empty(); ++line) {
        auto key = parseLine(takeUntil(left, '\n'));
        if (!key || keys.size() == kMaxKeys)
            return fail(
                Code::malformed, path_ + ":" + std::to_string(line),
                "not a host key with its time and ePID; restore the file, or move it away and add the keys again");
        keys.push_back(std::move(*key));
    }
    return keys;
}

Result<void> KeyFile::write(const std::vector<InstalledKey>& keys) const {
    std::string content = std::string(kFirstLine) + "\n";
    for (const InstalledKey& key : keys)
        content +=
            key.key.text() + " " + std::to_string(key.installed.time_since_epoch().count()) + " " + key.epid + "\n";
    const std::string temporary = path_ + ".new";
    {
        const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode));
        if (!file)
            return storageError(temporary, "the host keys cannot be written", errno);
        if (::fchmod(file.fd(), kMode) != 0 || !writeAll(file.fd(), content) || ::fsync(file.fd()) != 0) {
            const int problem = errno;
            ::unlink(temporary.c_str());
            return storageError(temporary, "the host keys cannot be written", problem);
        }
    }
    if (std::rename(temporary.c_str(), path_.c_str()) != 0) {
        const int problem = errno;
        ::unlink(temporary.c_str());
        return storageError(path_, "the host keys cannot be replaced", problem);
    }
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.fd()) != 0)
        return storageError(folder, "the host keys cannot be made to last", errno);
    return {};
}

}  // namespace muster::lab
