#include "backup/shelf.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "muster/private_file.h"

#include "api/json_text.h"
#include "api/values.h"
#include "backup/archive.h"
#include "backup/staging.h"

namespace muster::backup {

namespace {

namespace fs = std::filesystem;

constexpr const char* kMarks = "checked.json";
constexpr std::size_t kMaxMarks = 256 * 1024;  // octets
constexpr std::size_t kMaxPlan = 2 << 20;      // octets
constexpr std::string_view kPrefix = "muster-";
constexpr std::string_view kSuffix = ".backup";
constexpr std::string_view kDaily = "-daily";
constexpr std::string_view kUploaded = "-uploaded";

/// "20261127-194735"
bool isStamp(std::string_view text) noexcept {
    if (text.size() != 15 || text[8] != '-')
        return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i != 8 && (text[i] < '0' || text[i] > '9'))
            return false;
    return true;
}

std::uint64_t sizeOf(const fs::path& directory) {
    std::uint64_t all = 0;
    std::error_code problem;
    for (fs::recursive_directory_iterator entry(directory, problem), end; !problem && entry != end;
         entry.increment(problem)) {
        std::error_code unknown;
        if (entry->is_regular_file(unknown))
            all += entry->file_size(unknown);
    }
    return all;
}

std::int64_t changedAt(const struct stat& status) noexcept {
    return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

}  // namespace

const char* name(Origin origin) noexcept {
    switch (origin) {
        case Origin::person:
            return "person";
        case Origin::daily:
            return "daily";
        case Origin::uploaded:
            return "uploaded";
        case Origin::restore:
            return "before-restore";
    }
    return "person";
}

std::optional<Origin> originOf(std::string_view name) noexcept {
    if (name.starts_with(kAsidePrefix))
        return isStamp(name.substr(kAsidePrefix.size())) ? std::optional(Origin::restore) : std::nullopt;
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) || name.size() < kPrefix.size() + kSuffix.size())
        return std::nullopt;
    const std::string_view middle = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    if (!isStamp(middle.substr(0, 15)))
        return std::nullopt;
    const std::string_view rest = middle.substr(15);
    if (rest == kDaily)
        return Origin::daily;
    if (rest == kUploaded)
        return Origin::uploaded;
    return rest.empty() ? std::optional(Origin::person) : std::nullopt;
}

std::string stampOf(Timestamp when) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &parts);
    return text.data();
}

Shelf::Shelf(fs::path state) : state_(std::move(state)), directory_(state_ / "backups") {}

Result<void> Shelf::open() const {
    return makeDirectories(directory_);
}

void Shelf::tidy() const noexcept {
    std::error_code problem;
    std::vector<fs::path> left;
    for (fs::directory_iterator entry(directory_, problem), end; !problem && entry != end; entry.increment(problem))
        if (entry->path().filename().string().starts_with("."))
            left.push_back(entry->path());
    for (const fs::path& file : left)
        ::unlink(file.c_str());
}

Shelf::Marks Shelf::readMarks() const {
    Marks marks;
    const auto content = readPrivateFile((directory_ / kMarks).string(), kMaxMarks);
    const auto parsed = content ? api::parseJson(*content, kMaxMarks) : fail(content.error());
    if (!parsed || parsed->object() == nullptr)
        return marks;
    for (const auto& [name, value] : *parsed->object()) {
        const Json* size = value.find("size");
        const Json* changed = value.find("changed");
        const Json* when = value.find("when");
        const Json* problem = value.find("problem");
        if (size == nullptr || size->integer() == nullptr || changed == nullptr || changed->integer() == nullptr ||
            when == nullptr || when->string() == nullptr || problem == nullptr || problem->string() == nullptr)
            continue;
        if (const auto time = api::parseTimestamp(*when->string()))
            marks[name] = {static_cast<std::uint64_t>(*size->integer()), *changed->integer(), *time,
                           *problem->string()};
    }
    return marks;
}

Result<void> Shelf::keep(const fs::path& made, std::string_view name, std::optional<Timestamp> checked) {
    const std::lock_guard lock(mutex_);
    if (auto renamed = renameFile(made, directory_ / name); !renamed)
        return renamed;
    if (checked)
        mark(name, *checked, "");
    return syncDirectory(directory_);
}

void Shelf::note(std::string_view name, Timestamp when, const std::string& problem) {
    const std::lock_guard lock(mutex_);
    mark(name, when, problem);
}

void Shelf::mark(std::string_view name, Timestamp when, const std::string& problem) {
    Marks marks = readMarks();
    struct stat status {};
    if (::stat((directory_ / name).c_str(), &status) == 0)
        marks[std::string(name)] = {static_cast<std::uint64_t>(status.st_size), changedAt(status), when, problem};
    Json out{Json::Object{}};
    for (const auto& [file, mark] : marks)
        if (isThere(directory_ / file))
            out.set(file, json({{"size", static_cast<std::int64_t>(mark.size)},
                                {"changed", mark.changed},
                                {"when", isoTime(mark.when)},
                                {"problem", mark.problem}}));
    // Not kept, it only has to be checked again.
    (void)writePrivateFile((directory_ / kMarks).string(), api::dumpJson(out));
}

Item Shelf::itemOf(const std::string& name, Origin origin, const Marks& marks) const {
    Item item;
    item.name = name;
    item.origin = origin;
    struct stat status {};
    if (::stat((directory_ / name).c_str(), &status) == 0)
        item.size = static_cast<std::uint64_t>(status.st_size);
    auto file = DiskFile::open(directory_ / name);
    if (!file) {
        item.problem = file.error().text();
        return item;
    }
    FileSource source(std::move(*file));
    if (auto head = readHead(source)) {
        item.encrypted = head->encrypted;
        item.about = std::move(head->about);
    } else {
        item.problem = head.error().detail;
    }
    const auto mark = marks.find(name);
    if (mark != marks.end() && mark->second.size == item.size && mark->second.changed == changedAt(status)) {
        item.checked = mark->second.when;
        if (item.problem.empty())
            item.problem = mark->second.problem;
        item.verified = item.problem.empty();
    }
    return item;
}

Item Shelf::asideOf(const std::string& name) const {
    Item item;
    item.name = name;
    item.origin = Origin::restore;
    item.size = sizeOf(state_ / name);
    const auto content = readPrivateFile((state_ / name / "restored.json").string(), kMaxPlan);
    const auto plan = content ? readPlan(*content) : fail(content.error());
    if (!plan) {
        item.problem = "what was put aside there cannot be told: " + plan.error().text();
        return item;
    }
    item.about.made = plan->when;
    item.about.by = plan->by;
    item.about.parts = plan->parts;
    return item;
}

Result<std::vector<Item>> Shelf::list() const {
    std::vector<Item> items;
    const std::lock_guard lock(mutex_);
    const Marks marks = readMarks();
    for (const fs::path& folder : {directory_, state_}) {
        std::error_code problem;
        fs::directory_iterator entry(folder, problem);
        if (problem && problem != std::errc::no_such_file_or_directory)
            return systemError(folder, "cannot be read", problem.value());
        for (const fs::directory_iterator end; !problem && entry != end; entry.increment(problem)) {
            const std::string file = entry->path().filename().string();
            const auto origin = originOf(file);
            if (!origin || (*origin == Origin::restore) != (folder == state_))
                continue;
            items.push_back(*origin == Origin::restore ? asideOf(file) : itemOf(file, *origin, marks));
        }
    }
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
        return a.about.made != b.about.made ? a.about.made > b.about.made : a.name > b.name;
    });
    return items;
}

Result<fs::path> Shelf::pathOf(std::string_view name) const {
    const auto origin = originOf(name);
    if (!origin)
        return fail(Code::malformed, std::string(name),
                    "is no name of a backup; \"musterctl backup list\" shows those that are here");
    fs::path path = (*origin == Origin::restore ? state_ : directory_) / name;
    if (!isThere(path))
        return fail(Code::missing, std::string(name), "is not here; \"musterctl backup list\" shows those that are");
    return path;
}

Result<Item> Shelf::find(std::string_view name) const {
    if (const auto path = pathOf(name); !path)
        return fail(path.error());
    if (*originOf(name) == Origin::restore)
        return asideOf(std::string(name));
    const std::lock_guard lock(mutex_);
    return itemOf(std::string(name), *originOf(name), readMarks());
}

std::string Shelf::freeName(Timestamp when, Origin origin) const {
    for (;; when += std::chrono::seconds(1)) {
        std::string name = origin == Origin::restore
                               ? std::string(kAsidePrefix) + stampOf(when)
                               : std::string(kPrefix) + stampOf(when) +
                                     std::string(origin == Origin::daily      ? kDaily
                                                 : origin == Origin::uploaded ? kUploaded
                                                                              : std::string_view()) +
                                     std::string(kSuffix);
        if (!isThere((origin == Origin::restore ? state_ : directory_) / name))
            return name;
    }
}

Result<void> Shelf::remove(std::string_view name) const {
    const auto path = pathOf(name);
    if (!path)
        return fail(path.error());
    std::error_code problem;
    fs::remove_all(*path, problem);
    if (problem)
        return systemError(*path, "cannot be removed", problem.value());
    return syncDirectory(path->parent_path());
}

Result<std::size_t> Shelf::thin(std::size_t kept) const {
    const auto items = list();
    if (!items)
        return fail(items.error());
    std::vector<std::string> daily;
    for (const Item& item : *items)
        if (item.origin == Origin::daily)
            daily.push_back(item.name);
    std::sort(daily.rbegin(), daily.rend());
    std::size_t removed = 0;
    for (std::size_t i = kept; i < daily.size(); ++i, ++removed)
        if (auto gone = remove(daily[i]); !gone)
            return fail(gone.error());
    return removed;
}

}  // namespace muster::backup
