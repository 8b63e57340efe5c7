/// What lies in the plugin directories, by name; nothing is opened here.
#pragma once

#include <string>
#include <vector>

namespace muster::plugins {

struct PluginDirectory {
    std::string path;
    bool firmware = true;  ///< part of the firmware: authorities are taken from such a directory alone
};

/// Where the running program's plugins are: plugins/ of the build tree that it was started from, else the installed
/// directory. Never a path from a setting, the command line or the environment.
std::vector<PluginDirectory> standardDirectories();

/// One file that ends in .so.
struct Candidate {
    std::string file;  ///< path
    std::string name;  ///< without .so: "listener", "family-win7-2008r2"
    bool firmware = true;
    std::string problem;  ///< why it is none, if its name says so already

    bool isFamily() const noexcept { return name.rfind("family-", 0) == 0; }
    std::string familyName() const { return name.substr(7); }
};

/// In the order of the directories, within one by name. A directory that is not there is empty; files whose name begins
/// with a dot (copies under way) are not looked at.
std::vector<Candidate> findCandidates(const std::vector<PluginDirectory>& directories);

}  // namespace muster::plugins
