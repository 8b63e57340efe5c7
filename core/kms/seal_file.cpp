#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/random.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "mbedtls/platform_util.h"

#include "muster/private_file.h"

#include "kms/lab_seal.h"

namespace muster::kms {

namespace {

constexpr std::size_t kDigits = 2 * SealFileKey::kSize;
constexpr char kHexDigits[] = "0123456789abcdef";
constexpr mode_t kMode = 0600;
constexpr mode_t kAllModeBits = 07777;

/// A descriptor that closes itself. What is read through it is wiped, so that readPrivateFile() does not serve here.
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

std::string words(int error) {
    return std::error_code(error, std::generic_category()).message();
}

tl::unexpected<Error> storageError(const std::string& path, const char* what, int error) {
    return fail(Code::storage, path, std::string(what) + ": " + words(error));
}

int hexDigit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

std::string octal(mode_t mode) {
    std::string out = "0";
    for (int shift = 6; shift >= 0; shift -= 3)
        out.push_back(static_cast<char>('0' + ((mode >> shift) & 7U)));
    return out;
}

using Digits = std::array<char, kDigits + 1>;  // and a newline

/// False where the system gives no random numbers; errno says why.
bool fillRandomly(Digits& digits) noexcept {
    std::array<unsigned char, SealFileKey::kSize> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        return false;
    for (std::size_t i = 0; i < random.size(); ++i) {
        digits[2 * i] = kHexDigits[random[i] >> 4U];
        digits[2 * i + 1] = kHexDigits[random[i] & 15U];
    }
    digits.back() = '\n';
    mbedtls_platform_zeroize(random.data(), random.size());
    return true;
}

Result<void> makeSealFile(const std::string& path) {
    Digits digits{};
    if (!fillRandomly(digits))
        return storageError(path, "the system gives no random numbers", errno);
    auto made = makePrivateFile(path, {digits.data(), digits.size()});
    mbedtls_platform_zeroize(digits.data(), digits.size());
    if (!made && made.error().code != Code::duplicate)  // whoever was first made it as good
        return fail(made.error().code, path, "a new seal file cannot be made: " + made.error().detail);
    return {};
}

}  // namespace

SealFileKey::SealFileKey(std::span<const std::byte, kSize> octets) noexcept : octets_() {
    std::memcpy(octets_.data(), octets.data(), octets_.size());
}

SealFileKey::~SealFileKey() {
    mbedtls_platform_zeroize(octets_.data(), octets_.size());
}

std::optional<SealFileKey> SealFileKey::parse(std::string_view text) noexcept {
    if (!text.empty() && text.back() == '\n')
        text.remove_suffix(1);
    if (text.size() != kDigits)
        return std::nullopt;
    std::array<std::byte, kSize> octets{};
    for (std::size_t i = 0; i < kSize; ++i) {
        const int high = hexDigit(text[2 * i]);
        const int low = hexDigit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        octets[i] = static_cast<std::byte>(high * 16 + low);
    }
    SealFileKey key(octets);
    mbedtls_platform_zeroize(octets.data(), octets.size());
    return key;
}

std::string SealFileKey::text() const {
    std::string digits;
    digits.reserve(kDigits);
    for (const std::byte octet : octets_) {
        digits.push_back(kHexDigits[std::to_integer<unsigned>(octet) >> 4U]);
        digits.push_back(kHexDigits[std::to_integer<unsigned>(octet) & 15U]);
    }
    return digits;
}

Result<SealFileKey> readSealFile(const std::string& path) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file)
        switch (errno) {
            case ENOENT:
                return fail(Code::missing, path,
                            "there is no seal file; the daemon makes one when it starts in lab mode");
            case ELOOP:
                return fail(Code::denied, path, "a symbolic link is not followed here; name the seal file itself");
            default:
                return storageError(path, "the seal file cannot be opened", errno);
        }
    struct stat status {};
    if (::fstat(file.fd(), &status) != 0)
        return storageError(path, "the seal file cannot be looked at", errno);
    if (!S_ISREG(status.st_mode))
        return fail(Code::denied, path, "not a regular file; name the seal file itself");
    if ((status.st_mode & kAllModeBits) != kMode)
        return fail(Code::denied, path,
                    "mode " + octal(status.st_mode & kAllModeBits) +
                        ", must be 0600: others may have read it. chmod 600 if you trust it, else move it away and a "
                        "new one is made");
    std::array<char, kDigits + 2> content{};  // one more than it may hold
    std::size_t size = 0;
    while (size < content.size()) {
        const ssize_t got = ::read(file.fd(), content.data() + size, content.size() - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return storageError(path, "the seal file cannot be read", errno);
        if (got == 0)
            break;
        size += static_cast<std::size_t>(got);
    }
    auto key = SealFileKey::parse({content.data(), size});
    mbedtls_platform_zeroize(content.data(), content.size());
    if (!key)
        return fail(Code::malformed, path,
                    "not 32 hexadecimal digits; restore it, or move it away and a new one is made (clients then need "
                    "the new one)");
    return *key;
}

Result<SealFileKey> openSealFile(const std::string& path) {
    Result<SealFileKey> key = readSealFile(path);
    if (key || key.error().code != Code::missing)
        return key;
    if (auto made = makeSealFile(path); !made)
        return fail(made.error());
    return readSealFile(path);
}

}  // namespace muster::kms
