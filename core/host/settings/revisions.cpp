#include "host/settings/revisions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <unistd.h>

#include "api/json_text.h"
#include "api/values.h"
#include "host/settings/document.h"
#include "host/settings/files.h"

namespace muster::settings {

namespace {

constexpr std::string_view kMark = "#muster-revision ";
constexpr std::size_t kMaxHead = 2048;  // octets of the line about a revision

std::string textOf(const Json& head, std::string_view name) {
    const Json* value = head.find(name);
    return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
}

}  // namespace

Revisions::Revisions(std::filesystem::path directory) : directory_(std::move(directory)) {}

std::filesystem::path Revisions::path(std::uint32_t number) const {
    std::array<char, 24> name{};
    std::snprintf(name.data(), name.size(), "%06u.toml", number);
    return directory_ / name.data();
}

void Revisions::read() {
    known_.clear();
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        std::uint32_t number = 0;
        const auto [stop, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (bad != std::errc() || number == 0 || std::string_view(stop) != ".toml" || entry->path() != path(number))
            continue;
        Revision revision;
        revision.number = number;
        if (const auto text = readFile(entry->path(), kMaxFile + kMaxHead); text && text->rfind(kMark, 0) == 0) {
            const auto head = api::parseJson(
                std::string_view(*text).substr(kMark.size(), std::min(text->find('\n'), kMaxHead) - kMark.size()));
            if (head) {
                revision.author = textOf(*head, "author");
                revision.comment = textOf(*head, "comment");
                revision.when = api::parseTimestamp(textOf(*head, "when")).value_or(Timestamp());
            }
        }
        known_.push_back(std::move(revision));
    }
    std::sort(known_.begin(), known_.end(), [](const Revision& a, const Revision& b) { return a.number < b.number; });
}

Result<std::string> Revisions::text(std::uint32_t number) const {
    const bool known =
        std::any_of(known_.begin(), known_.end(), [&](const Revision& one) { return one.number == number; });
    if (!known)
        return fail(Code::missing, "revision " + std::to_string(number),
                    known_.empty() ? "there are none yet"
                                   : "those kept are " + std::to_string(known_.front().number) + " to " +
                                         std::to_string(known_.back().number) + "; see revision list");
    auto text = readFile(path(number), kMaxFile + kMaxHead);
    if (text && text->rfind(kMark, 0) == 0)
        text->erase(0, std::min(text->find('\n'), text->size() - 1) + 1);
    return text;
}

Result<std::uint32_t> Revisions::add(std::string_view text, std::string_view author, std::string_view comment) {
    Revision revision;
    revision.number = newest() + 1;
    revision.when = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    revision.author = std::string(author.substr(0, 200));
    revision.comment = std::string(comment.substr(0, 500));
    if (!directory_.empty()) {
        if (auto made = makeDirectory(directory_); !made)
            return fail(std::move(made.error()));
        const Json head = json({{"number", revision.number},
                                {"when", isoTime(revision.when)},
                                {"author", revision.author},
                                {"comment", revision.comment}});
        auto written =
            writeFile(path(revision.number), std::string(kMark) + api::dumpJson(head) + "\n" + std::string(text), 0600);
        if (!written)
            return fail(std::move(written.error()));
    }
    known_.push_back(std::move(revision));
    if (known_.size() > kKept) {
        ::unlink(path(known_.front().number).c_str());
        known_.erase(known_.begin());
    }
    return newest();
}

}  // namespace muster::settings
