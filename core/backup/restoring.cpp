/// Backups::restore(): what is chosen is checked and laid ready, and the daemon begins anew with it (staging.h).
#include <algorithm>

#include "muster/private_file.h"

#include "backup/backups.h"
#include "backup/database.h"
#include "backup/events.h"
#include "backup/wishes.h"

namespace muster::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSettings = 4 << 20;

}  // namespace

Result<void> Backups::judgeStaged(const fs::path& settings) const {
    const auto text = readPrivateFile(settings.string(), kMaxSettings);
    if (!text)
        return fail(text.error());
    auto judged = around_.judgeSettings(*text);
    if (!judged)
        judged.error().detail += "; restore the other parts by their names, without settings";
    return judged;
}

Result<void> Backups::layReady(std::string_view name, const Wish& wish, Staging& staging, Plan& plan) {
    const auto path = shelf_.pathOf(name);
    if (!path)
        return fail(path.error());
    auto file = DiskFile::open(*path);
    if (!file)
        return fail(file.error());
    const auto item = find(name);
    const bool own = wish.password.empty() && item && item->encrypted;
    auto reader = ArchiveReader::open(std::make_unique<FileSource>(std::move(*file)),
                                      own ? around_.policy().password : wish.password);
    if (!reader)
        return fail(reader.error());
    const Manifest& manifest = (*reader)->manifest();
    for (const std::string& part : manifest.about.parts)
        if (wish.parts.empty() ? part != "audit" : has(wish.parts, part))
            plan.parts.push_back(part);
    for (const std::string& part : wish.parts)
        if (!has(plan.parts, part))
            return fail(Code::missing, std::string(name),
                        "has no part " + part + "; it has " + joined(manifest.about.parts));
    std::uint64_t all = 0;
    for (const FileEntry& entry : manifest.files)
        all += entry.size;
    if (auto enough = haveRoom(all); !enough)
        return enough;

    /// A file that is laid ready; on the disk, and a database looked at, when it is finished.
    class Laid final : public ByteSink {
    public:
        Result<void> begin(const fs::path& path, FileKind kind, const std::atomic<bool>& stopping) {
            auto made = DiskFile::make(path);
            if (!made)
                return fail(made.error());
            file_ = std::move(*made);
            path_ = path;
            kind_ = kind;
            stopping_ = &stopping;
            return {};
        }
        Result<void> write(Octets octets) override { return file_.write(octets); }
        Result<void> finish() override {
            if (auto synced = file_.sync(); !synced)
                return synced;
            if (kind_ != FileKind::database)
                return {};
            const auto checked = checkDatabase(path_, *stopping_);
            return checked ? Result<void>() : fail(checked.error());
        }

    private:
        DiskFile file_;
        fs::path path_;
        FileKind kind_ = FileKind::plain;
        const std::atomic<bool>* stopping_ = nullptr;
    } laid;
    fs::path settings;
    auto read = (*reader)->read(
        [&](const FileEntry& entry) -> Result<ByteSink*> {
            const Place place = *placeOf(entry.path);
            if (!has(plan.parts, place.part->name))
                return nullptr;
            auto to = staging.place(entry.path);
            if (!to)
                return fail(to.error());
            if (entry.path == kSettingsPath)
                settings = *to;
            if (auto begun = laid.begin(*to, place.kind, stopping_); !begun)
                return fail(begun.error());
            return &laid;
        },
        stopping_);
    if (!read)
        return read;
    return settings.empty() ? Result<void>() : judgeStaged(settings);
}

Result<void> Backups::layAsideReady(std::string_view name, const Wish& wish, Staging& staging, Plan& plan) {
    const auto item = find(name);
    if (!item)
        return fail(item.error());
    if (!item->problem.empty())
        return fail(Code::malformed, std::string(name), item->problem);
    if (auto enough = haveRoom(item->size); !enough)
        return enough;
    const fs::path root = around_.directories.state / name;
    const Directories aside{root, root / kSettingsPath};
    fs::path settings;
    for (const std::string& part : item->about.parts) {
        if (!wish.parts.empty() && !has(wish.parts, part))
            continue;
        plan.parts.push_back(part);
        for (const Present& file : present(aside, *partOf(part))) {
            if (file.kind == FileKind::passing)
                continue;
            const auto to = staging.place(file.path);
            if (!to)
                return fail(to.error());
            if (file.path == kSettingsPath)
                settings = *to;
            auto copied =
                file.kind == FileKind::database ? copyDatabase(root / file.path, *to) : copyFile(root / file.path, *to);
            if (!copied)
                return copied;
            if (file.kind != FileKind::database)
                continue;
            if (auto checked = checkDatabase(*to, stopping_); !checked)
                return fail(checked.error());
            if (auto laid = DiskFile::open(*to))
                if (auto synced = laid->sync(); !synced)
                    return synced;
        }
    }
    for (const std::string& part : wish.parts)
        if (!has(plan.parts, part))
            return fail(Code::missing, std::string(name),
                        "has no part " + part + "; it has " + joined(item->about.parts));
    return settings.empty() ? Result<void>() : judgeStaged(settings);
}

Result<Plan> Backups::restore(std::string_view name, const Wish& wish) {
    if (auto judged = judgeParts(wish.parts); !judged)
        return fail(judged.error());
    const auto origin = originOf(name);
    if (const auto path = shelf_.pathOf(name); !path)
        return fail(path.error());
    const std::unique_lock work(work_, std::try_to_lock);
    if (!work.owns_lock())
        return fail(Code::busy, "backup", "another one is being made, checked or restored; try again");
    const auto items = list();
    if (!items)
        return fail(items.error());
    if (std::count_if(items->begin(), items->end(), [](const Item& item) { return item.origin == Origin::restore; }) >=
        static_cast<std::ptrdiff_t>(Shelf::kMostAside))
        return fail(Code::busy, "restore",
                    "8 restores have put aside what was there; remove one of them (\"musterctl backup remove "
                    "before-restore-…\")");
    auto staging = Staging::begin(around_.directories);
    if (!staging)
        return fail(staging.error());
    Plan plan;
    plan.backup = name;
    plan.by = wish.by;
    plan.when = wallNow();
    plan.aside = shelf_.freeName(plan.when, Origin::restore);
    auto laid =
        *origin == Origin::restore ? layAsideReady(name, wish, *staging, plan) : layReady(name, wish, *staging, plan);
    if (laid && plan.parts.empty())
        laid =
            fail(Code::missing, std::string(name), "has nothing to restore but the audit log; name it to restore it");
    if (!laid) {
        if (laid.error().subject == "backup")
            laid.error().subject = name;
        return fail(laid.error());
    }
    if (auto ready = staging->ready(plan); !ready)
        return fail(ready.error());
    around_.event(kRestoreReady,
                  json({{"by", plan.by}, {"parts", joined(plan.parts)}, {"name", plan.backup}, {"aside", plan.aside}}));
    around_.beginAnew();
    return plan;
}

}  // namespace muster::backup
