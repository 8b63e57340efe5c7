#include "host/plugins/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace muster::plugins {

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxFiles = 1024;  // of one directory

bool isName(const std::string& name) noexcept {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= kMaxName && name.front() != '-' && name != "family-" &&
           std::all_of(name.begin(), name.end(), good);
}

}  // namespace

std::vector<PluginDirectory> standardDirectories() {
    namespace fs = std::filesystem;
    std::error_code problem;
    const fs::path program = fs::read_symlink("/proc/self/exe", problem);
    const fs::path tree = program.parent_path().parent_path();
    if (!problem && fs::is_regular_file(tree / "CMakeCache.txt", problem) &&
        fs::is_directory(tree / "plugins", problem))
        return {{(tree / "plugins").string(), true}};
    return {{MUSTER_INSTALLED_PLUGINS, true}};
}

std::vector<Candidate> findCandidates(const std::vector<PluginDirectory>& directories) {
    namespace fs = std::filesystem;
    std::vector<Candidate> out;
    for (const PluginDirectory& directory : directories) {
        std::vector<Candidate> here;
        std::error_code problem;
        fs::directory_iterator at(directory.path, problem);
        for (; !problem && at != fs::directory_iterator() && here.size() < kMaxFiles; at.increment(problem)) {
            const fs::path& path = at->path();
            const std::string base = path.filename().string();
            if (path.extension() != ".so" || base.front() == '.')
                continue;
            Candidate candidate{path.string(), path.stem().string(), directory.firmware, ""};
            if (!isName(candidate.name))
                candidate.problem = "has no plugin's name: a-z, 0-9 and dashes, at most " + std::to_string(kMaxName);
            here.push_back(std::move(candidate));
        }
        std::sort(here.begin(), here.end(), [](const Candidate& a, const Candidate& b) { return a.file < b.file; });
        std::move(here.begin(), here.end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace muster::plugins
