#include "found_file.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "system_names.h"

namespace muster::relay {

namespace {

constexpr std::string_view kFirstLine = "muster relay, upstreams found, version 1";
constexpr std::string_view kLastLine = "end";
constexpr mode_t kMode = 0600;
constexpr std::int64_t kLatest = std::int64_t{253402300799} * 1000;  // the year 9999, milliseconds

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
    return fail(Code::storage, path, std::string(what) + ": " + std::generic_category().message(error));
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

template <class Number>
bool takeNumber(std::string_view& line, Number& number) noexcept {
    const std::string_view word = takeUntil(line, ' ');
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size();
}

/// A name exactly as plainName() writes it. @param dot  one more at its end is let pass
bool takeName(std::string_view& line, std::string& name, bool dot = false) {
    const std::string_view word = takeUntil(line, ' ');
    const auto plain = dns::plainName(word);
    if (!plain || !word.starts_with(*plain) || (word.size() > plain->size() && !dot))
        return false;
    name = word;
    return true;
}

bool takeTime(std::string_view& line, Timestamp& time) noexcept {
    std::int64_t milliseconds = 0;
    if (!takeNumber(line, milliseconds) || milliseconds < 0 || milliseconds > kLatest)
        return false;
    time = Timestamp(std::chrono::milliseconds(milliseconds));
    return true;
}

bool takeLine(std::string_view line, Remembered& to) {
    const std::string_view kind = takeUntil(line, ' ');
    if (kind == "domain") {
        Remembered::Domain domain;
        if (to.domains.size() == FoundFile::kMaxDomains || !takeName(line, domain.name) ||
            !takeTime(line, domain.answered))
            return false;
        to.domains.push_back(std::move(domain));
    } else if (kind == "service") {
        dns::Service service;
        if (to.domains.empty() || to.domains.back().services.size() == dns::kMaxServices ||
            !takeNumber(line, service.priority) || !takeNumber(line, service.weight) ||
            !takeNumber(line, service.port) || service.port == 0 || !takeName(line, service.target))
            return false;
        to.domains.back().services.push_back(std::move(service));
    } else if (kind == "host") {
        Remembered::Host host;
        if (to.hosts.size() == FoundFile::kMaxHosts || !takeName(line, host.name, true) ||
            !takeTime(line, host.answered))
            return false;
        to.hosts.push_back(std::move(host));
    } else if (kind == "address") {
        const auto address = numericAddress(takeUntil(line, ' '));
        if (!address || to.hosts.empty() || to.hosts.back().addresses.size() == dns::kMaxAddresses)
            return false;
        to.hosts.back().addresses.push_back(*address);
    } else {
        return false;
    }
    return line.empty();
}

std::string number(Timestamp time) {
    return std::to_string(time.time_since_epoch().count());
}

}  // namespace

std::string FoundFile::text(const Remembered& remembered) {
    std::string content = std::string(kFirstLine) + "\n";
    for (const auto& domain : remembered.domains) {
        content += "domain " + domain.name + " " + number(domain.answered) + "\n";
        for (const auto& service : domain.services)
            content += "service " + std::to_string(service.priority) + " " + std::to_string(service.weight) + " " +
                       std::to_string(service.port) + " " + service.target + "\n";
    }
    for (const auto& host : remembered.hosts) {
        content += "host " + host.name + " " + number(host.answered) + "\n";
        for (const Address& address : host.addresses)
            content += "address " + address.host() + "\n";
    }
    content += std::string(kLastLine) + "\n";
    return content;
}

Result<Remembered> FoundFile::parse(std::string_view content) {
    const auto bad = [](std::size_t line, const char* why) {
        return fail(Code::malformed, "line " + std::to_string(line), why);
    };
    Remembered remembered;
    if (content.size() > kMaxSize)
        return bad(1, "the file is longer than 1 MiB");
    if (takeUntil(content, '\n') != kFirstLine)
        return bad(1, "is not what such a file begins with");
    for (std::size_t line = 2; !content.empty(); ++line) {
        const std::string_view text = takeUntil(content, '\n');
        if (text == kLastLine && content.empty())
            return remembered;
        if (!takeLine(text, remembered))
            return bad(line, "is no domain, service, host or address as this file has them");
    }
    return bad(1, "the file has no end: it was cut off");
}

Result<Remembered> FoundFile::read() const {
    const File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT)
            return Remembered{};
        return storageError(path_, "the upstreams found last cannot be read", errno);
    }
    std::string content;
    std::array<char, 4096> piece{};
    while (content.size() <= kMaxSize) {
        const ssize_t got = ::read(file.fd(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return storageError(path_, "the upstreams found last cannot be read", errno);
        if (got == 0)
            break;
        content.append(piece.data(), static_cast<std::size_t>(got));
    }
    auto remembered = parse(content);
    if (!remembered)
        return fail(Code::malformed, path_, remembered.error().text());
    return remembered;
}

Result<void> FoundFile::write(const Remembered& remembered) const {
    constexpr const char* kWhat = "the upstreams found cannot be kept";
    const std::string temporary = path_ + ".new";
    {
        const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode));
        if (!file)
            return storageError(temporary, kWhat, errno);
        if (::fchmod(file.fd(), kMode) != 0 || !writeAll(file.fd(), text(remembered)) || ::fsync(file.fd()) != 0) {
            const int problem = errno;
            ::unlink(temporary.c_str());
            return storageError(temporary, kWhat, problem);
        }
    }
    if (std::rename(temporary.c_str(), path_.c_str()) != 0) {
        const int problem = errno;
        ::unlink(temporary.c_str());
        return storageError(path_, kWhat, problem);
    }
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.fd()) != 0)
        return storageError(folder, kWhat, errno);
    return {};
}

}  // namespace muster::relay
