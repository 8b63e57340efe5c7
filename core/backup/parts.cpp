#include "backup/parts.h"

#include <algorithm>
#include <system_error>

#include "backup/files.h"

namespace muster::backup {

namespace {

constexpr std::size_t kLongestStar = 253;  // a DNS name: so are files with keys called

constexpr Pattern kSettings[] = {{kSettingsPath}, {"mode"}, {"revisions/*.toml"}};
constexpr Pattern kPool[] = {{"pool.db", FileKind::database},          {"intake-*.log", FileKind::attached},
                             {"pool.db-wal", FileKind::passing},       {"pool.db-shm", FileKind::passing},
                             {"pool.db.damaged-*", FileKind::passing}, {"pool.db.replaced-*", FileKind::passing},
                             {"pool.db.broken-*", FileKind::passing},  {"pool.db.put-back", FileKind::passing}};
constexpr Pattern kLab[] = {{"lab/pool.db", FileKind::database},          {"lab/intake-*.log", FileKind::attached},
                            {"lab/pool.db-wal", FileKind::passing},       {"lab/pool.db-shm", FileKind::passing},
                            {"lab/pool.db.damaged-*", FileKind::passing}, {"lab/pool.db.replaced-*", FileKind::passing},
                            {"lab/pool.db.broken-*", FileKind::passing},  {"lab/pool.db.put-back", FileKind::passing}};
constexpr Pattern kRelay[] = {{"relay/duties"}, {"relay/learned"}, {"relay/upstreams-found"}};
constexpr Pattern kDns[] = {{"dns/published"},     {"dns/withdrawn"},     {"dns/targets-seen"},
                            {"lab/dns/published"}, {"lab/dns/withdrawn"}, {"lab/dns/targets-seen"}};
constexpr Pattern kAudit[] = {{"audit/audit-1.jsonl"}, {"audit/audit-2.jsonl"}};
constexpr Pattern kAccounts[] = {{"webui/users.json"},
                                 {"webui/tokens.json"},
                                 {"webui/sessions.json", FileKind::passing},
                                 {"webui/setup-code", FileKind::passing}};
constexpr Pattern kKeys[] = {{"webui/certificate.pem"}, {"webui/certificate-before.pem"},
                             {"webui/request.pem"},     {"dns/keys/*"},
                             {"lab/dns/keys/*"},        {"secrets/*"},
                             {"lab/seal.key"},          {"lab/lab/host-keys"}};

constexpr Part kParts[] = {
    {"settings", "the settings, their revisions and the mode", false, kSettings},
    {"pool", "clients and journal of the relay", false, kPool},
    {"lab", "clients and journal of the lab", false, kLab},
    {"relay", "what the relay has learnt, and its duties", false, kRelay},
    {"dns", "what was published in DNS", false, kDns},
    {"audit", "the audit log", false, kAudit},
    {"accounts", "users and tokens of the page", true, kAccounts},
    {"keys", "the certificate with its key, TSIG keys, secret settings, seal and host keys of the lab", true, kKeys},
};

bool fits(std::string_view pattern, std::string_view path) noexcept {
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos)
        return pattern == path;
    const std::string_view before = pattern.substr(0, star);
    const std::string_view after = pattern.substr(star + 1);
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
        return false;
    const std::string_view middle = path.substr(before.size(), path.size() - before.size() - after.size());
    return middle.size() <= kLongestStar && middle.front() != '.' &&
           std::all_of(middle.begin(), middle.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-';
           });
}

}  // namespace

std::span<const Part> parts() noexcept {
    return kParts;
}

const Part* partOf(std::string_view name) noexcept {
    for (const Part& part : kParts)
        if (part.name == name)
            return &part;
    return nullptr;
}

std::optional<Place> placeOf(std::string_view path) noexcept {
    for (const Part& part : kParts)
        for (const Pattern& pattern : part.files)
            if (fits(pattern.path, path))
                return Place{&part, pattern.kind};
    return std::nullopt;
}

std::filesystem::path fileOf(const Directories& directories, std::string_view path) {
    return path == kSettingsPath ? directories.settings : directories.state / path;
}

std::vector<Present> present(const Directories& directories, const Part& part) {
    std::vector<Present> found;
    for (const Pattern& pattern : part.files) {
        if (pattern.path.find('*') == std::string_view::npos) {
            if (isThere(fileOf(directories, pattern.path)))
                found.push_back({std::string(pattern.path), pattern.kind});
            continue;
        }
        const std::size_t slash = pattern.path.rfind('/');
        const std::string folder(slash == std::string_view::npos ? "" : pattern.path.substr(0, slash + 1));
        std::error_code problem;
        for (std::filesystem::directory_iterator entry(directories.state / folder, problem), end;
             !problem && entry != end; entry.increment(problem)) {
            std::string path = folder + entry->path().filename().string();
            std::error_code unknown;
            if (fits(pattern.path, path) &&
                entry->symlink_status(unknown).type() == std::filesystem::file_type::regular)
                found.push_back({std::move(path), pattern.kind});
        }
    }
    std::sort(found.begin(), found.end(), [](const Present& a, const Present& b) { return a.path < b.path; });
    return found;
}

}  // namespace muster::backup
