/// Helpers of the backups' tests: a state directory of its own, files in it, archives made by hand.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "backup/archive.h"
#include "backup/parts.h"

namespace muster::backup::test {

class Scratch {
public:
    Scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-backup-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr)
            std::abort();
        path_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline void put(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::string get(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// All regular files below `path` with what they hold, by their paths from there, sorted.
inline std::vector<std::pair<std::string, std::string>> tree(const std::filesystem::path& path) {
    std::vector<std::pair<std::string, std::string>> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
        if (entry.is_regular_file())
            files.emplace_back(std::filesystem::relative(entry.path(), path).string(), get(entry.path()));
    std::sort(files.begin(), files.end());
    return files;
}

class StringSink final : public ByteSink {
public:
    Result<void> write(Octets octets) override {
        text.append(reinterpret_cast<const char*>(octets.data()), octets.size());
        return {};
    }
    Result<void> finish() override {
        finished = true;
        return {};
    }
    std::string text;
    bool finished = false;
};

class StringSource final : public ByteSource {
public:
    explicit StringSource(std::string text) : text_(std::move(text)) {}
    Result<std::size_t> read(Buffer buffer) override {
        const std::size_t now = std::min(buffer.size(), text_.size() - at_);
        std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), now, reinterpret_cast<char*>(buffer.data()));
        at_ += now;
        return now;
    }

private:
    std::string text_;
    std::size_t at_ = 0;
};

inline const std::atomic<bool> kGoOn{false};

}  // namespace muster::backup::test
