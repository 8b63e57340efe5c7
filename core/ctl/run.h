/// musterctl without its process: what the tests run.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace muster::ctl {

struct Surroundings {
    std::ostream& out;
    std::ostream& err;
    const char* control = nullptr;  ///< MUSTER_CONTROL
    bool outIsTerminal = false;
    /// Asks a person; empty: there is nobody to ask.
    std::function<bool(const std::string& question)> confirm = {};
    /// Asks a person for what is not shown; empty: there is nobody to ask.
    std::function<std::optional<std::string>(const std::string& prompt)> secret = {};
    std::istream* in = nullptr;  ///< nullptr: std::cin
};

/// @param words  without the program's name
/// @return       the exit code
int run(const std::vector<std::string>& words, const Surroundings& around);

}  // namespace muster::ctl
