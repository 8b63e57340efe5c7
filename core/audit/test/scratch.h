/// What the tests of this room share: a directory that goes with the test, a full disk, files read and spoiled.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/resource.h>

#include "audit/log.h"

namespace muster::audit::test {

class Scratch {
public:
    Scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-audit-XXXXXX").string();
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
    std::string directory() const { return (path_ / "audit").string(); }
    std::string file(int number) const { return directory() + "/audit-" + std::to_string(number) + ".jsonl"; }

private:
    std::filesystem::path path_;
};

/// While it lives no file of this process grows beyond its first octets, as on a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t octets = 512) {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{octets, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
};

inline std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void put(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

/// Puts `to` where `from` stands first, as whoever wants to hide something does. False: it stands nowhere.
inline bool replaceIn(const std::string& path, const std::string& from, const std::string& to) {
    std::string content = slurp(path);
    const std::size_t at = content.find(from);
    if (at == std::string::npos)
        return false;
    put(path, content.replace(at, from.size(), to));
    return true;
}

inline Entry entryOf(const std::string& action) {
    Entry entry;
    entry.who = "uid 0";
    entry.role = "admin";
    entry.front = "control";
    entry.action = action;
    return entry;
}

}  // namespace muster::audit::test
