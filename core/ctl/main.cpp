#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <termios.h>
#include <unistd.h>
#include <vector>

#include "ctl/exit_codes.h"
#include "ctl/run.h"

namespace {

/// A line of the terminal that it does not show. It shows again also when nothing came.
std::optional<std::string> askHidden(const std::string& prompt) {
    std::cerr << prompt << ": " << std::flush;
    termios before{};
    if (::tcgetattr(STDIN_FILENO, &before) != 0)
        return std::nullopt;
    termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::string line;
    const bool given = static_cast<bool>(std::getline(std::cin, line));
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
    return given ? std::optional(line) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        muster::ctl::Surroundings around{std::cout, std::cerr};
        around.control = std::getenv("MUSTER_CONTROL");  // NOLINT(concurrency-mt-unsafe): there is one thread
        around.outIsTerminal = ::isatty(STDOUT_FILENO) == 1;
        if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1)
            around.secret = [](const std::string& prompt) { return askHidden(prompt); };
        if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1)
            around.confirm = [](const std::string& question) {
                std::cerr << question << " [y/N] " << std::flush;
                std::string answer;
                return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
            };
        return muster::ctl::run({argv + 1, argv + argc}, around);
    } catch (const std::exception& error) {
        std::cerr << "musterctl: " << error.what() << "\n";
        return muster::ctl::kBroken;
    }
}
