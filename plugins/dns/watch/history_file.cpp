#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>
#include <system_error>
#include <utility>

#include "muster/private_file.h"

#include "dns/message.h"
#include "history.h"

namespace muster::publisher {

namespace {

constexpr std::string_view kFirstLine = "muster dns, targets seen, version 1";
constexpr std::string_view kLastLine = "end";
constexpr std::int64_t kLatest = std::int64_t{253402300799} * 1000;  // the year 9999, milliseconds

std::string_view takeUntil(std::string_view& text, char separator) noexcept {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return taken;
}

template <class Number>
bool takeNumber(std::string_view& line, Number& number) noexcept {
    const std::string_view word = takeUntil(line, ' ');
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size();
}

bool takeName(std::string_view& line, std::string& name) {
    const std::string_view word = takeUntil(line, ' ');
    if (dns::plainName(word) != word)
        return false;
    name = word;
    return true;
}

bool takeTime(std::string_view& line, Timestamp& time) noexcept {
    std::int64_t milliseconds = 0;
    if (!takeNumber(line, milliseconds) || milliseconds < 0 || milliseconds > kLatest)
        return false;
    time = Timestamp(std::chrono::milliseconds(milliseconds));
    return true;
}

bool takeVerdict(std::string_view& line, Verdict& verdict) noexcept {
    const auto known = verdictOf(takeUntil(line, ' '));
    verdict = known.value_or(Verdict::unknown);
    return verdict != Verdict::unknown;
}

bool takeTarget(std::string_view& line, Sighting& sighting) {
    if (!takeName(line, sighting.domain))
        return false;
    const bool servers = line.starts_with(". ");
    if (servers)
        sighting.target = takeUntil(line, ' ');
    else if (!takeName(line, sighting.target))
        return false;
    return takeNumber(line, sighting.port) && (sighting.port != 0) != servers && takeNumber(line, sighting.priority) &&
           takeNumber(line, sighting.weight) && takeTime(line, sighting.first) && takeTime(line, sighting.last);
}

/// What stands below a target.
bool takeDetail(std::string_view kind, std::string_view& line, Sighting& to) {
    if (kind == "open") {
        Verdict verdict{};
        if (to.open || !takeVerdict(line, verdict) || !isTrouble(verdict))
            return false;
        to.open = verdict;
        return true;
    }
    Sighting::Change change;
    if (!takeTime(line, change.at) || !takeVerdict(line, change.verdict))
        return false;
    if (kind == "verdict") {
        to.changes.push_back(change);
        return to.changes.size() <= HistoryFile::kMaxChanges;
    }
    if (kind != "told" || !isTrouble(change.verdict) ||
        std::any_of(to.told.begin(), to.told.end(), [&](const auto& one) { return one.verdict == change.verdict; }))
        return false;
    to.told.push_back(change);
    return true;
}

std::string number(Timestamp time) {
    return std::to_string(time.time_since_epoch().count());
}

}  // namespace

std::string HistoryFile::text(const std::vector<Sighting>& sightings) {
    std::string content = std::string(kFirstLine) + "\n";
    for (const Sighting& one : sightings) {
        content += "target " + one.domain + " " + one.target + " " + std::to_string(one.port) + " " +
                   std::to_string(one.priority) + " " + std::to_string(one.weight) + " " + number(one.first) + " " +
                   number(one.last) + "\n";
        for (const auto& change : one.changes)
            content += "verdict " + number(change.at) + " " + name(change.verdict) + "\n";
        for (const auto& told : one.told)
            content += "told " + number(told.at) + " " + name(told.verdict) + "\n";
        if (one.open)
            content += std::string("open ") + name(*one.open) + "\n";
    }
    content += std::string(kLastLine) + "\n";
    return content;
}

Result<std::vector<Sighting>> HistoryFile::parse(std::string_view content) {
    const auto bad = [](std::size_t line, const char* why) {
        return fail(Code::malformed, "line " + std::to_string(line), why);
    };
    std::vector<Sighting> sightings;
    std::set<std::tuple<std::string, std::string, std::uint16_t>> keys;
    if (content.size() > kMaxSize)
        return bad(1, "the file is longer than 2 MiB");
    if (takeUntil(content, '\n') != kFirstLine)
        return bad(1, "is not what such a file begins with");
    for (std::size_t number = 2; !content.empty(); ++number) {
        std::string_view line = takeUntil(content, '\n');
        if (line == kLastLine && content.empty())
            return sightings;
        const std::string_view kind = takeUntil(line, ' ');
        bool good = false;
        if (kind == "target") {
            Sighting sighting;
            good = sightings.size() < kMaxSightings && takeTarget(line, sighting) &&
                   keys.emplace(sighting.domain, sighting.target, sighting.port).second;
            sightings.push_back(std::move(sighting));
        } else {
            good = !sightings.empty() && takeDetail(kind, line, sightings.back());
        }
        if (!good || !line.empty())
            return bad(number, "is no target, verdict, told or open as this file has them");
    }
    return bad(1, "the file has no end: it was cut off");
}

Result<std::vector<Sighting>> HistoryFile::read() const {
    const auto content = readPrivateFile(path_, kMaxSize);
    if (!content) {
        if (content.error().code == Code::missing)
            return std::vector<Sighting>{};
        return fail(content.error());
    }
    auto sightings = parse(*content);
    if (!sightings)
        return fail(Code::malformed, path_, sightings.error().text());
    return sightings;
}

Result<void> HistoryFile::write(const std::vector<Sighting>& sightings) const {
    return writePrivateFile(path_, text(sightings));
}

void HistoryFile::setAside() const noexcept {
    // Where even that fails the next write replaces the file.
    (void)std::rename(path_.c_str(), (path_ + ".bad").c_str());
}

}  // namespace muster::publisher
