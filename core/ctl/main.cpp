#include <cstdlib>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "ctl/exit_codes.h"
#include "ctl/run.h"

int main(int argc, char** argv) {
    try {
        muster::ctl::Surroundings around{std::cout, std::cerr};
        around.control = std::getenv("MUSTER_CONTROL");
        around.outIsTerminal = ::isatty(STDOUT_FILENO) == 1;
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
