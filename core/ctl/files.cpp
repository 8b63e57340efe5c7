#include "ctl/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace muster::ctl {

namespace {

std::string words(int error) {
    return std::generic_category().message(error);
}

bool writeAll(int fd, std::string_view octets) noexcept {
    while (!octets.empty()) {
        const ssize_t written = ::write(fd, octets.data(), octets.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

ssize_t readSome(int fd, char* into, std::size_t most) noexcept {
    ssize_t read = 0;
    do
        read = ::read(fd, into, most);
    while (read < 0 && errno == EINTR);
    return read;
}

}  // namespace

Result<NewFile> NewFile::make(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0)
        return fail(Code::duplicate, path, "is there already; choose another name, or remove it first");
    std::string aside = path + ".part-XXXXXX";
    const int fd = ::mkostemp(aside.data(), O_CLOEXEC);
    if (fd < 0)
        return fail(Code::storage, path, "cannot be written: " + words(errno) + "; choose another place");
    return NewFile(path, std::move(aside), fd);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), aside_(std::move(other.aside_)), fd_(other.fd_), error_(other.error_) {
    other.fd_ = -1;
}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
    if (this != &other) {
        drop();
        path_ = std::move(other.path_);
        aside_ = std::move(other.aside_);
        fd_ = other.fd_;
        error_ = other.error_;
        other.fd_ = -1;
    }
    return *this;
}

NewFile::~NewFile() {
    drop();
}

void NewFile::drop() noexcept {
    if (fd_ < 0)
        return;
    ::close(fd_);
    ::unlink(aside_.c_str());
    fd_ = -1;
}

bool NewFile::write(std::string_view octets) noexcept {
    if (error_ == 0 && !writeAll(fd_, octets))
        error_ = errno;
    return error_ == 0;
}

Result<void> NewFile::keep() {
    if (error_ == 0 && ::fsync(fd_) != 0)
        error_ = errno;
    if (error_ != 0)
        return fail(Code::storage, path_,
                    "cannot be written: " + words(error_) + "; make room, or choose another place");
    // Where somebody has made one of that name meanwhile, theirs stays.
    if (::link(aside_.c_str(), path_.c_str()) != 0 && (errno == EEXIST || ::rename(aside_.c_str(), path_.c_str()) != 0))
        return fail(errno == EEXIST ? Code::duplicate : Code::storage, path_, words(errno) + "; choose another name");
    drop();
    return {};
}

Result<SentFile> SentFile::open(const std::string& path) {
    if (path != "-") {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        struct stat info {};
        if (fd < 0 || ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
            const std::string why = fd < 0 ? words(errno) : "it is no ordinary file";
            if (fd >= 0)
                ::close(fd);
            return fail(Code::missing, path,
                        "cannot be read: " + why + "; give the path of a file, or - for standard input");
        }
        return SentFile(fd, info.st_size);
    }
    std::FILE* kept = std::tmpfile();
    if (kept == nullptr)
        return fail(Code::storage, "standard input", "cannot be kept: " + words(errno) + "; give the path of a file");
    SentFile file(::dup(::fileno(kept)), 0);
    std::fclose(kept);
    std::array<char, 65536> piece{};
    ssize_t read = 0;
    while ((read = readSome(STDIN_FILENO, piece.data(), piece.size())) > 0) {
        if (!writeAll(file.fd_, {piece.data(), static_cast<std::size_t>(read)}))
            return fail(Code::storage, "standard input",
                        "cannot be kept: " + words(errno) + "; give the path of a file");
        file.size_ += read;
    }
    if (read < 0)
        return fail(Code::missing, "standard input", "cannot be read: " + words(errno));
    ::lseek(file.fd_, 0, SEEK_SET);
    return file;
}

SentFile::~SentFile() {
    if (fd_ >= 0)
        ::close(fd_);
}

std::size_t SentFile::read(char* into, std::size_t most) noexcept {
    const ssize_t read = readSome(fd_, into, most);
    return read > 0 ? static_cast<std::size_t>(read) : 0;
}

}  // namespace muster::ctl
