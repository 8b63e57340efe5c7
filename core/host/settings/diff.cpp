#include "host/settings/diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace muster::settings {

namespace {

constexpr std::size_t kContext = 3;
constexpr std::size_t kMaxCells = 4'000'000;  // of the table of common subsequences: 16 MB

std::vector<std::string_view> lines(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1);
        out.push_back(text.substr(0, end + 1));
        text.remove_prefix(end + 1);
    }
    return out;
}

struct Line {
    char mark;  // ' ', '-', '+'
    std::string_view text;
};

using Lines = std::vector<std::string_view>;

/// The part between common beginning and common end, by longest common subsequence.
void compare(const Lines& a, const Lines& b, std::size_t first, std::size_t aEnd, std::size_t bEnd,
             std::vector<Line>& out) {
    const std::size_t rows = aEnd - first;
    const std::size_t columns = bEnd - first;
    if (rows != 0 && columns != 0 && rows + 1 <= kMaxCells / (columns + 1)) {
        const std::size_t width = columns + 1;
        std::vector<std::uint32_t> common((rows + 1) * width);
        for (std::size_t i = rows; i-- > 0;)
            for (std::size_t k = columns; k-- > 0;)
                common[i * width + k] = a[first + i] == b[first + k]
                                            ? common[(i + 1) * width + k + 1] + 1
                                            : std::max(common[(i + 1) * width + k], common[i * width + k + 1]);
        std::size_t i = 0;
        std::size_t k = 0;
        while (i < rows || k < columns) {
            if (i < rows && k < columns && a[first + i] == b[first + k]) {
                out.push_back({' ', a[first + i]});
                ++i;
                ++k;
            } else if (i < rows && (k == columns || common[(i + 1) * width + k] >= common[i * width + k + 1])) {
                out.push_back({'-', a[first + i++]});
            } else {
                out.push_back({'+', b[first + k++]});
            }
        }
        return;
    }
    for (std::size_t i = first; i < aEnd; ++i)
        out.push_back({'-', a[i]});
    for (std::size_t k = first; k < bEnd; ++k)
        out.push_back({'+', b[k]});
}

std::string span(std::size_t first, std::size_t count) {
    // An empty side names the line before it.
    return std::to_string(count == 0 ? first : first + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::string unifiedDiff(std::string_view from, std::string_view to, std::string_view fromName,
                        std::string_view toName) {
    if (from == to)
        return {};
    const Lines a = lines(from);
    const Lines b = lines(to);
    std::size_t head = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head])
        ++head;
    std::size_t tail = 0;
    while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
        ++tail;
    std::vector<Line> all;
    for (std::size_t i = 0; i < head; ++i)
        all.push_back({' ', a[i]});
    compare(a, b, head, a.size() - tail, b.size() - tail, all);
    for (std::size_t i = a.size() - tail; i < a.size(); ++i)
        all.push_back({' ', a[i]});

    std::string out = "--- " + std::string(fromName) + "\n+++ " + std::string(toName) + "\n";
    std::size_t oldLine = 0;
    std::size_t newLine = 0;
    for (std::size_t at = 0; at < all.size();) {
        // The next hunk: from kContext lines before a change until more than twice kContext lines are equal.
        std::size_t change = at;
        while (change < all.size() && all[change].mark == ' ')
            ++change;
        if (change == all.size())
            break;
        const std::size_t begin = std::max(at, change - std::min(change, kContext));
        std::size_t end = change;
        for (std::size_t i = change; i < all.size() && i <= end + 2 * kContext; ++i)
            if (all[i].mark != ' ')
                end = i;
        end = std::min(end + 1 + kContext, all.size());
        oldLine += begin - at;
        newLine += begin - at;
        std::string body;
        std::size_t oldCount = 0;
        std::size_t newCount = 0;
        for (std::size_t i = begin; i < end; ++i) {
            oldCount += all[i].mark != '+' ? 1 : 0;
            newCount += all[i].mark != '-' ? 1 : 0;
            body += all[i].mark;
            body += all[i].text;
            if (all[i].text.back() != '\n')
                body += "\n\\ No newline at end of file\n";
        }
        out += "@@ -" + span(oldLine, oldCount) + " +" + span(newLine, newCount) + " @@\n" + body;
        oldLine += oldCount;
        newLine += newCount;
        at = end;
    }
    return out;
}

}  // namespace muster::settings
