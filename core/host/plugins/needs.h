/// In which order plugins start: needs first, then by name.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace muster::plugins {

struct Needs {
    std::string name;
    std::vector<std::string> needs;  ///< names that are not in the list do not count here
};

struct StartOrder {
    std::vector<std::string> names;              ///< all but members of a circle
    std::map<std::string, std::string> circles;  ///< member: "a -> b -> a"
};

StartOrder orderByNeeds(std::vector<Needs> plugins);

}  // namespace muster::plugins
