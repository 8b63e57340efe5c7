#include "key_file.h"

#include <charconv>

#include "muster/private_file.h"

#include "kms/epid.h"

namespace muster::lab {

namespace {

constexpr std::string_view kFirstLine = "muster lab host keys, version 1";

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
    const auto content = readPrivateFile(path_, kMaxSize);
    if (!content) {
        if (content.error().code == Code::missing)
            return keys;
        return fail(content.error().code, path_, "the host keys cannot be read: " + content.error().detail);
    }
    std::string_view left = *content;
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
    return writePrivateFile(path_, content);
}

}  // namespace muster::lab
