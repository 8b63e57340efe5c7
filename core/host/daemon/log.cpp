#include "host/daemon/log.h"

#include <array>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <sys/stat.h>
#include <unistd.h>

#include "api/text.h"

namespace muster::daemon {

namespace {

const char* priority(Severity severity) noexcept {
    switch (severity) {
        case Severity::debug:
            return "<7>";
        case Severity::info:
            return "<6>";
        case Severity::warning:
            return "<4>";
        case Severity::error:
            return "<3>";
        case Severity::critical:
            return "<2>";
    }
    return "<3>";
}

std::string now() {
    std::timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    std::tm parts{};
    ::gmtime_r(&time.tv_sec, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::string result(text.data(), size);
    const std::string milliseconds = std::to_string(1000 + time.tv_nsec / 1'000'000);
    return result + '.' + milliseconds.substr(1) + 'Z';
}

/// The length of the UTF-8 character at the front of `text`; 0 if there is none. `text` is not empty.
std::size_t characterSize(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return size <= text.size() && api::isUtf8(text.substr(0, size)) ? size : 0;
}

}  // namespace

std::string escaped(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string result;
    result.reserve(text.size());
    const auto escape = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto octet = static_cast<unsigned char>(text[i]);
            result += "\\x";
            result += kDigits[octet >> 4U];
            result += kDigits[octet & 0xFU];
        }
    };
    while (!text.empty()) {
        const std::size_t size = characterSize(text);
        const auto lead = static_cast<unsigned char>(text[0]);
        const bool c1 = size == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
        if (size == 0 || lead < 0x20 || lead == 0x7F || c1)
            escape(size == 0 ? 1 : size);
        else
            result += text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return result;
}

bool Log::stderrIsJournal() noexcept {
    const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): before the first thread
    struct stat entry {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &entry) != 0)
        return false;
    try {
        return std::to_string(entry.st_dev) + ':' + std::to_string(entry.st_ino) == stream;
    } catch (const std::exception&) {
        return false;
    }
}

void Log::write(Severity severity, std::string_view channel, std::string_view text) const noexcept try {
    if (severity < least_.load(std::memory_order_relaxed))
        return;
    std::string line = journal_ ? priority(severity) : now() + ' ' + name(severity) + ' ';
    line += channel;
    line += ": ";
    line += escaped(text);
    line += '\n';
    [[maybe_unused]] const ssize_t written = ::write(fd_, line.data(), line.size());
} catch (const std::exception&) {
    // A message that cannot be written has nobody to complain to.
}

}  // namespace muster::daemon
