/// Which readings are news: each is told once when it appears, and again when it comes back after a day.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "readings.h"

namespace muster::relay {

/// @thread one at a time
class ReadingNews {
public:
    struct Item {
        std::string upstream;
        Reading reading;
    };
    /// Those of warning and above in `readings` (one list for each of `subjects`) that were not there before.
    std::vector<Item> take(std::span<const Subject> subjects, const std::vector<std::vector<Reading>>& readings,
                           Timestamp now);

    static constexpr std::chrono::hours kForgotten{24};

private:
    std::map<std::pair<std::string, std::string>, Timestamp> last_;  ///< upstream and code: when it was last there
};

}  // namespace muster::relay
