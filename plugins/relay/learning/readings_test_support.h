/// Several upstreams with traffic of their own, and what is read from it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "learned_test_support.h"
#include "reading_kinds.h"
#include "readings.h"

namespace muster::relay::test {

/// What the manual says of a reading is what it is: checked of every reading that any test makes.
inline void keepsToItsKind(const Reading& reading) {
    const ReadingKind* const kind = findReadingKind(reading.code);
    CHECK_TEXT(kind != nullptr, reading.code.c_str());
    CHECK_TEXT(reading.certainty == kind->certainty[0] || reading.certainty == kind->certainty[1],
               reading.code.c_str());
    CHECK_TEXT(reading.severity == kind->severity[0] || reading.severity == kind->severity[1], reading.code.c_str());
    CHECK_TEXT(reading.remedy.empty() || !kind->remedy.empty(), reading.code.c_str());
    CHECK_TEXT(!reading.evidence.empty(), reading.code.c_str());
}

class Estate {
public:
    Traffic& add(std::string name, CountsVirtual countsVirtual = CountsVirtual::unknown) {
        names_.push_back(std::move(name));
        settings_.push_back(countsVirtual);
        return traffic_.emplace_back();
    }

    /// When the readings are made: right after the last exchange of all, unless set.
    Timestamp at{};
    std::vector<const muster_family*> families{&muster_family_vista_2008, &muster_family_win7_2008r2};

    std::vector<Reading> of(std::size_t index = 0) const {
        std::vector<Subject> subjects;
        Timestamp now = at;
        for (std::size_t i = 0; i < traffic_.size(); ++i) {
            subjects.push_back({names_[i], settings_[i], traffic_[i].knowledge()});
            if (at == Timestamp{})
                now = std::max(now, traffic_[i].now);
        }
        auto all = read(subjects, {now, families});
        for (const Reading& reading : all[index])
            keepsToItsKind(reading);
        return std::move(all[index]);
    }
    bool has(std::string_view code, std::size_t index = 0) const {
        const auto readings = of(index);
        return std::any_of(readings.begin(), readings.end(), [&](const Reading& each) { return each.code == code; });
    }
    /// @error  an empty reading where there is none: the test's next check fails
    Reading get(std::string_view code, std::size_t index = 0) const {
        for (Reading& reading : of(index))
            if (reading.code == code)
                return std::move(reading);
        return {};
    }

private:
    std::deque<Traffic> traffic_;
    std::vector<std::string> names_;
    std::vector<CountsVirtual> settings_;
};

inline bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}
inline bool evidenceHas(const Reading& reading, std::string_view part) {
    return std::any_of(reading.evidence.begin(), reading.evidence.end(),
                       [&](const Evidence& each) { return contains(each.text, part); });
}

}  // namespace muster::relay::test
