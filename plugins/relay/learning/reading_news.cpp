#include "reading_news.h"

namespace muster::relay {

std::vector<ReadingNews::Item> ReadingNews::take(std::span<const Subject> subjects,
                                                 const std::vector<std::vector<Reading>>& readings, Timestamp now) {
    std::vector<Item> news;
    for (std::size_t i = 0; i < subjects.size() && i < readings.size(); ++i)
        for (const Reading& reading : readings[i]) {
            if (reading.severity < Severity::warning)
                continue;
            const auto [known, fresh] = last_.try_emplace({subjects[i].name, reading.code}, now);
            if (fresh)
                news.push_back({subjects[i].name, reading});
            known->second = now;
        }
    std::erase_if(last_, [&](const auto& known) { return now - known.second > kForgotten; });
    return news;
}

}  // namespace muster::relay
