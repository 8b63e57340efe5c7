#include "host/plugins/image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "mbedtls/md.h"

namespace muster::plugins {

namespace {

#if defined(__x86_64__)
constexpr unsigned kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kMachine = EM_AARCH64;
#elif defined(__arm__)
constexpr unsigned kMachine = EM_ARM;
#elif defined(__riscv)
constexpr unsigned kMachine = EM_RISCV;
#else
#    error "which ELF machine is this?"
#endif
constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char kOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
constexpr std::size_t kMaxHeaders = 128;
constexpr std::uint64_t kMaxInMemory = 1U << 30;  // octets of all segments together

std::string words(int problem) {
    return std::generic_category().message(problem);
}

/// Closes on the way out.
struct Descriptor {
    int fd;
    explicit Descriptor(int descriptor) : fd(descriptor) {}
    ~Descriptor() {
        if (fd >= 0)
            close(fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

/// The octets of the memfd, for reading.
struct Mapping {
    const unsigned char* octets = nullptr;
    std::size_t size;
    Mapping(int fd, std::size_t length) : size(length) {
        void* at = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at != MAP_FAILED)
            octets = static_cast<const unsigned char*>(at);
    }
    ~Mapping() {
        if (octets)
            munmap(const_cast<unsigned char*>(octets), size);
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    bool holds(std::uint64_t offset, std::uint64_t length) const noexcept {
        return offset <= size && length <= size - offset;
    }
    /// A copy: headers need not be aligned in a hostile file. Call after holds().
    template <class T>
    T at(std::uint64_t offset) const noexcept {
        T value{};
        std::memcpy(&value, octets + offset, sizeof value);
        return value;
    }
};

std::string digest(const Mapping& mapping) {
    std::array<unsigned char, 32> hash{};
    if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), mapping.octets, mapping.size, hash.data()) != 0)
        return {};
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const unsigned char octet : hash) {
        out.push_back(kHex[octet >> 4]);
        out.push_back(kHex[octet & 15]);
    }
    return out;
}

bool writeAll(int fd, const char* octets, std::size_t size) noexcept {
    while (size > 0) {
        const ssize_t written = write(fd, octets, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        octets += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

}  // namespace

Image::Image(Image&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      hash_(std::move(other.hash_)),
      segments_(std::move(other.segments_)) {}

Image& Image::operator=(Image&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0)
            close(fd_);
        fd_ = std::exchange(other.fd_, -1);
        size_ = other.size_;
        hash_ = std::move(other.hash_);
        segments_ = std::move(other.segments_);
    }
    return *this;
}

Image::~Image() {
    if (fd_ >= 0)
        close(fd_);
}

int Image::keep() noexcept {
    return std::exchange(fd_, -1);
}

Result<Image> Image::read(const std::string& path, std::size_t maxSize) {
    const Descriptor source(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (source.fd < 0) {
        const int problem = errno;
        if (problem == ELOOP)
            return fail(Code::denied, path, "is a symbolic link; put the file itself here");
        return fail(problem == ENOENT ? Code::missing : Code::denied, path, "cannot be opened: " + words(problem));
    }
    struct stat status {};
    if (fstat(source.fd, &status) != 0)
        return fail(Code::denied, path, "cannot be looked at: " + words(errno));
    if (!S_ISREG(status.st_mode))
        return fail(Code::denied, path, "is no regular file");
    if ((status.st_mode & S_IWOTH) != 0)
        return fail(Code::denied, path, "may be written by everybody; take that right away (chmod o-w)");
    if (status.st_size == 0)
        return fail(Code::malformed, path, "is empty");

    Image image;
    if (auto filled = image.fill(source.fd, path, maxSize); !filled)
        return fail(filled.error());
    if (auto judged = image.judge(path); !judged)
        return fail(judged.error());
    return image;
}

Result<void> Image::fill(int source, const std::string& path, std::size_t maxSize) {
    fd_ = memfd_create("muster-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd_ < 0)
        return fail(Code::internal, path, "no memory file for it: " + words(errno));
    std::vector<char> buffer(64U << 10);
    for (;;) {
        const ssize_t got = ::read(source, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(Code::storage, path, "cannot be read: " + words(errno));
        if (got == 0)
            break;
        size_ += static_cast<std::size_t>(got);
        if (size_ > maxSize)
            return fail(Code::malformed, path, "has more than " + std::to_string(maxSize) + " octets");
        if (!writeAll(fd_, buffer.data(), static_cast<std::size_t>(got)))
            return fail(Code::internal, path, "no memory for it: " + words(errno));
    }
    if (size_ == 0)
        return fail(Code::malformed, path, "is empty");
    if (fcntl(fd_, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return fail(Code::internal, path, "its copy cannot be sealed: " + words(errno));
    return {};
}

Result<void> Image::judge(const std::string& path) {
    const Mapping mapping(fd_, size_);
    if (!mapping.octets)
        return fail(Code::internal, path, "no memory for it: " + words(errno));
    hash_ = digest(mapping);
    if (hash_.empty())
        return fail(Code::internal, path, "cannot be hashed");

    const auto no = [&](std::string why) { return fail(Code::malformed, path, std::move(why)); };
    const std::string cut = "is cut short: " + std::to_string(size_) + " octets are not all of it; copy it again";
    if (!mapping.holds(0, SELFMAG) || std::memcmp(mapping.octets, ELFMAG, SELFMAG) != 0)
        return no("is no ELF library");
    if (!mapping.holds(0, sizeof(ElfW(Ehdr))))
        return no(cut);
    const auto header = mapping.at<ElfW(Ehdr)>(0);
    if (header.e_ident[EI_CLASS] != kClass || header.e_ident[EI_DATA] != kOrder || header.e_machine != kMachine)
        return no("is built for another machine: ELF machine " + std::to_string(header.e_machine) + ", this one is " +
                  std::to_string(kMachine));
    if (header.e_type != ET_DYN || header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum == 0 ||
        header.e_phnum > kMaxHeaders)
        return no("is no ELF library");
    if (!mapping.holds(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(ElfW(Phdr))))
        return no(cut);

    // The loader needs no section headers, but they come last: where they are missing, an end is.
    if (header.e_shoff != 0 && !mapping.holds(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize))
        return no(cut);

    bool dynamic = false;
    std::uint64_t inMemory = 0;
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        const auto part = mapping.at<ElfW(Phdr)>(header.e_phoff + i * sizeof(ElfW(Phdr)));
        if (part.p_type == PT_NULL)
            continue;
        if (!mapping.holds(part.p_offset, part.p_filesz))
            return no(cut);
        dynamic = dynamic || part.p_type == PT_DYNAMIC;
        if (part.p_type != PT_LOAD)
            continue;
        inMemory += std::min<std::uint64_t>(part.p_memsz, kMaxInMemory + 1);
        if (part.p_filesz > part.p_memsz || part.p_vaddr > kMaxInMemory || inMemory > kMaxInMemory)
            return no("has ELF segments that cannot be: its headers are damaged");
        segments_.push_back({part.p_vaddr, part.p_memsz, (part.p_flags & PF_R) != 0});
    }
    if (!dynamic || segments_.empty())
        return no("is no ELF library");
    return {};
}

}  // namespace muster::plugins
