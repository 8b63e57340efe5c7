#include "backup/staging.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "muster/private_file.h"

#include "api/json_text.h"
#include "api/values.h"
#include "backup/manifest.h"

namespace muster::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPlan = 2 << 20;  // octets
constexpr mode_t kSettingsMode = 0640;     // as core/host/settings makes it

fs::path rootOf(const fs::path& state) {
    return state / "restore";
}
fs::path readyOf(const fs::path& state) {
    return rootOf(state) / "ready";
}
fs::path movedOf(const fs::path& state) {
    return rootOf(state) / "moved";
}
fs::path filesOf(const fs::path& state) {
    return rootOf(state) / "files";
}

Result<void> removeAll(const fs::path& path) {
    std::error_code problem;
    fs::remove_all(path, problem);
    return problem ? systemError(path, "cannot be removed", problem.value()) : Result<void>();
}

std::string text(const Json& json, const char* name) {
    const Json* value = json.find(name);
    return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
}

bool texts(const Json& json, const char* name, std::vector<std::string>& into) {
    const Json* value = json.find(name);
    if (value == nullptr || value->array() == nullptr)
        return false;
    for (const Json& item : *value->array()) {
        if (item.string() == nullptr)
            return false;
        into.push_back(*item.string());
    }
    return true;
}

/// One start's work.
class Work {
public:
    Work(const Directories& directories, const Plan& plan, const std::function<void()>& step)
        : directories_(directories), plan_(plan), step_(step), aside_(directories.state / plan.aside) {}

    Result<void> moveAside() {
        if (isThere(movedOf(directories_.state)))
            return {};
        for (const std::string& name : plan_.parts)
            for (const Present& file : present(directories_, *partOf(name)))
                if (auto moved = moveAside(file.path); !moved)
                    return moved;
        before();
        if (auto made = makeDirectories(aside_); !made)
            return made;
        touched_.insert(aside_);
        touched_.insert(directories_.state);
        if (auto synced = sync(); !synced)
            return synced;
        before();
        return writePrivateFile(movedOf(directories_.state).string(), "");
    }

    Result<void> bring() {
        for (const std::string& path : plan_.files)
            if (auto brought = bring(path); !brought)
                return brought;
        return sync();
    }

private:
    void before() const {
        if (step_)
            step_();
    }

    bool isElsewhere(std::string_view path) const {
        return path == kSettingsPath && directories_.settings.parent_path() != directories_.state;
    }

    /// A name that is taken is of what an earlier start has put there: nothing is written over.
    fs::path freeName(std::string_view path) const {
        fs::path name = aside_ / path;
        for (unsigned number = 2; isThere(name); ++number)
            name = aside_ / (std::string(path) + "." + std::to_string(number));
        return name;
    }

    Result<void> moveAside(const std::string& path) {
        const fs::path from = fileOf(directories_, path);
        before();
        if (auto made = makeDirectories((aside_ / path).parent_path()); !made)
            return made;
        before();
        if (isElsewhere(path))  // perhaps on another disk: it stays until the new one takes its name
            return copyFile(from, aside_ / path);
        const fs::path to = freeName(path);
        touched_.insert(from.parent_path());
        touched_.insert(to.parent_path());
        touched_.insert(aside_);
        return renameFile(from, to);
    }

    Result<void> bring(const std::string& path) {
        const fs::path staged = filesOf(directories_.state) / path;
        const fs::path to = fileOf(directories_, path);
        if (!isThere(staged))
            return {};  // an earlier start has done it
        before();
        if (isElsewhere(path)) {
            if (auto copied = copyFile(staged, to); !copied)
                return copied;
            ::chmod(to.c_str(), kSettingsMode);
            before();
            ::unlink(staged.c_str());
            return {};
        }
        if (path == kSettingsPath)
            ::chmod(staged.c_str(), kSettingsMode);
        if (isThere(to))  // a run between two attempts made it
            if (auto moved = moveAside(path); !moved)
                return moved;
        if (auto made = makeDirectories(to.parent_path()); !made)
            return made;
        before();
        touched_.insert(staged.parent_path());
        for (fs::path above = to.parent_path();; above = above.parent_path()) {
            touched_.insert(above);
            if (above == directories_.state || !above.has_relative_path())
                break;
        }
        return renameFile(staged, to);
    }

    Result<void> sync() {
        for (const fs::path& directory : std::exchange(touched_, {}))
            if (auto synced = syncDirectory(directory); !synced)
                return synced;
        return {};
    }

    const Directories& directories_;
    const Plan& plan_;
    const std::function<void()>& step_;
    const fs::path aside_;
    std::set<fs::path> touched_;
};

}  // namespace

Json write(const Plan& plan) {
    return json({{"backup", plan.backup},
                 {"by", plan.by},
                 {"when", isoTime(plan.when)},
                 {"parts", Json::Array(plan.parts.begin(), plan.parts.end())},
                 {"files", Json::Array(plan.files.begin(), plan.files.end())},
                 {"aside", plan.aside}});
}

Result<Plan> readPlan(std::string_view content) {
    const auto wrong = [] { return fail(Code::malformed, "restore", "its mark cannot be read; remove STATE/restore"); };
    const auto parsed = api::parseJson(content, kMaxPlan);
    if (!parsed)
        return wrong();
    Plan plan;
    plan.backup = text(*parsed, "backup");
    plan.by = text(*parsed, "by");
    plan.aside = text(*parsed, "aside");
    const auto when = api::parseTimestamp(text(*parsed, "when"));
    if (!when || !texts(*parsed, "parts", plan.parts) || !texts(*parsed, "files", plan.files) ||
        !plan.aside.starts_with(kAsidePrefix) || plan.aside.find('/') != std::string::npos)
        return wrong();
    plan.when = *when;
    if (!std::all_of(plan.parts.begin(), plan.parts.end(),
                     [](const std::string& part) { return partOf(part) != nullptr; }) ||
        !std::all_of(plan.files.begin(), plan.files.end(),
                     [](const std::string& path) { return placeOf(path).has_value(); }))
        return wrong();
    return plan;
}

Result<Staging> Staging::begin(const Directories& directories) {
    if (isStaged(directories.state))
        return fail(Code::busy, "restore", "another one lies ready and is put in place at the next start");
    if (auto removed = removeAll(rootOf(directories.state)); !removed)
        return fail(removed.error());
    Staging staging(directories);
    if (auto made = makeDirectories(filesOf(directories.state)); !made)
        return fail(made.error());
    return staging;
}

Staging::~Staging() {
    if (active_.on && !kept_)
        (void)removeAll(rootOf(directories_.state));
}

Result<fs::path> Staging::place(std::string_view path) {
    fs::path file = filesOf(directories_.state) / path;
    if (auto made = makeDirectories(file.parent_path()); !made)
        return fail(made.error());
    files_.emplace_back(path);
    return file;
}

Result<void> Staging::ready(Plan plan) {
    plan.files = files_;
    std::set<fs::path> folders{filesOf(directories_.state), rootOf(directories_.state), directories_.state};
    for (const std::string& path : files_)
        for (fs::path folder = (filesOf(directories_.state) / path).parent_path(); folders.insert(folder).second;)
            folder = folder.parent_path();
    for (const fs::path& folder : folders)
        if (auto synced = syncDirectory(folder); !synced)
            return synced;
    if (auto written = writePrivateFile(readyOf(directories_.state).string(), api::dumpJson(write(plan))); !written)
        return written;
    kept_ = true;
    return {};
}

bool isStaged(const fs::path& state) noexcept {
    return isThere(readyOf(state));
}

Result<std::optional<Plan>> putInPlace(const Directories& directories, const std::function<void()>& step) {
    if (!isThere(rootOf(directories.state)))
        return std::nullopt;
    if (!isStaged(directories.state)) {
        if (step)
            step();
        if (auto removed = removeAll(rootOf(directories.state)); !removed)
            return fail(removed.error());
        return std::nullopt;
    }
    const auto content = readPrivateFile(readyOf(directories.state).string(), kMaxPlan);
    if (!content)
        return fail(content.error());
    auto plan = readPlan(*content);
    if (!plan)
        return fail(plan.error());
    Work work(directories, *plan, step);
    if (auto moved = work.moveAside(); !moved)
        return fail(moved.error());
    if (auto brought = work.bring(); !brought)
        return fail(brought.error());
    return std::move(*plan);
}

Result<void> forget(const Directories& directories, const Plan& plan, const std::function<void()>& step) {
    const fs::path aside = directories.state / plan.aside;
    if (step)
        step();
    if (auto renamed = renameFile(readyOf(directories.state), aside / "restored.json"); !renamed)
        return renamed;
    if (step)
        step();
    for (const fs::path& folder : {aside, rootOf(directories.state)})
        if (auto synced = syncDirectory(folder); !synced)
            return synced;
    if (step)
        step();
    return removeAll(rootOf(directories.state));
}

}  // namespace muster::backup
