#include "backup/manifest.h"

#include <algorithm>
#include <set>

#include "api/values.h"
#include "backup/parts.h"
#include "pool/schema.h"

namespace muster::backup {

namespace {

constexpr std::size_t kMaxText = 320;  // octets: a path of the table fits
constexpr std::size_t kHexHash = 64;

tl::unexpected<Error> malformed(const std::string& what) {
    return fail(Code::malformed, "backup", "damaged, or made by somebody else: its manifest " + what);
}

Result<std::string> text(const Json& json, const char* name) {
    const Json* value = json.find(name);
    if (value == nullptr || value->string() == nullptr || value->string()->size() > kMaxText)
        return malformed(std::string("has no text \"") + name + "\" of at most 320 octets");
    return *value->string();
}

/// The format comes first: of another one nothing else can be relied on.
Result<void> judgeFormat(const Json& json) {
    const Json* format = json.find("format");
    if (format == nullptr || format->integer() == nullptr || *format->integer() < 1)
        return malformed("names no format");
    if (*format->integer() == kFormat)
        return {};
    const auto muster = text(json, "muster");
    return fail(Code::incompatible, "backup",
                "made by Muster " + (muster ? *muster : std::string("of an unknown version")) + " in format " +
                    std::to_string(*format->integer()) + ", and this one reads format " + std::to_string(kFormat) +
                    "; restore it with that Muster or a later one");
}

Result<FileEntry> readFile(const Json& json) {
    FileEntry entry;
    auto path = text(json, "path");
    if (!path)
        return fail(path.error());
    entry.path = std::move(*path);
    const auto place = placeOf(entry.path);
    if (!place || place->kind == FileKind::passing)
        return fail(Code::malformed, "backup",
                    "it holds a file that no backup of Muster holds (\"" + entry.path + "\"); nothing of it is used");
    const Json* size = json.find("size");
    if (size == nullptr || size->integer() == nullptr || *size->integer() < 0 ||
        static_cast<std::uint64_t>(*size->integer()) > kMaxFile)
        return malformed("has no size from 0 to 4 TiB for " + entry.path);
    entry.size = static_cast<std::uint64_t>(*size->integer());
    auto hash = text(json, "sha256");
    if (!hash || hash->size() != kHexHash || hash->find_first_not_of("0123456789abcdef") != std::string::npos)
        return malformed("has no hash of " + entry.path);
    entry.sha256 = std::move(*hash);
    return entry;
}

}  // namespace

Json write(const Summary& summary) {
    Json::Array parts(summary.parts.begin(), summary.parts.end());
    Json::Array leftOut;
    for (const LeftOut& part : summary.leftOut)
        leftOut.push_back(json({{"part", part.part}, {"why", part.why}}));
    return json({{"format", kFormat},
                 {"muster", summary.muster},
                 {"made", isoTime(summary.made)},
                 {"by", summary.by},
                 {"host", summary.host},
                 {"mode", summary.mode},
                 {"parts", std::move(parts)},
                 {"leftOut", std::move(leftOut)}});
}

Result<Summary> readSummary(const Json& json) {
    if (auto judged = judgeFormat(json); !judged)
        return fail(judged.error());
    Summary summary;
    std::string made;
    struct {
        const char* name;
        std::string& into;
    } const texts[] = {
        {"muster", summary.muster}, {"made", made}, {"by", summary.by}, {"host", summary.host}, {"mode", summary.mode}};
    for (const auto& member : texts) {
        auto value = text(json, member.name);
        if (!value)
            return fail(value.error());
        member.into = std::move(*value);
    }
    const auto when = api::parseTimestamp(made);
    if (!when)
        return malformed("does not say when it was made");
    summary.made = *when;
    const Json* named = json.find("parts");
    if (named == nullptr || named->array() == nullptr)
        return malformed("names no parts");
    for (const Json& part : *named->array()) {
        if (part.string() == nullptr || partOf(*part.string()) == nullptr ||
            std::find(summary.parts.begin(), summary.parts.end(), *part.string()) != summary.parts.end())
            return malformed("names a part that there is not, or one twice");
        summary.parts.push_back(*part.string());
    }
    const Json* leftOut = json.find("leftOut");
    if (leftOut == nullptr || leftOut->array() == nullptr || leftOut->array()->size() > parts().size())
        return malformed("does not say what was left out");
    for (const Json& part : *leftOut->array()) {
        auto name = text(part, "part");
        auto why = text(part, "why");
        if (!name || !why)
            return malformed("does not say what was left out");
        summary.leftOut.push_back({std::move(*name), std::move(*why)});
    }
    return summary;
}

Json write(const Manifest& manifest) {
    Json out = write(manifest.about);
    out.set("poolSchema", manifest.poolSchema);
    Json::Array files;
    for (const FileEntry& file : manifest.files)
        files.push_back(json({{"path", file.path}, {"size", file.size}, {"sha256", file.sha256}}));
    out.set("files", std::move(files));
    return out;
}

Result<Manifest> readManifest(const Json& json) {
    auto about = readSummary(json);
    if (!about)
        return fail(about.error());
    Manifest manifest;
    manifest.about = std::move(*about);
    const Json* schema = json.find("poolSchema");
    if (schema == nullptr || schema->integer() == nullptr || *schema->integer() < 0)
        return malformed("names no schema of the databases");
    manifest.poolSchema = *schema->integer();
    if (manifest.poolSchema > pool::kSchemaVersion)
        return fail(Code::incompatible, "backup",
                    "made by Muster " + manifest.about.muster + " with databases of schema " +
                        std::to_string(manifest.poolSchema) + ", and this one knows schemas up to " +
                        std::to_string(pool::kSchemaVersion) + "; restore it with that Muster or a later one");
    const Json* files = json.find("files");
    if (files == nullptr || files->array() == nullptr || files->array()->size() > kMaxFiles)
        return malformed("has no list of at most 4,096 files");
    std::set<std::string_view> paths;
    std::set<std::string_view> named(manifest.about.parts.begin(), manifest.about.parts.end());
    manifest.files.reserve(files->array()->size());
    for (const Json& file : *files->array()) {
        auto entry = readFile(file);
        if (!entry)
            return fail(entry.error());
        manifest.files.push_back(std::move(*entry));
        const std::string& path = manifest.files.back().path;
        if (!paths.insert(path).second)
            return malformed("names " + path + " twice");
        if (named.find(placeOf(path)->part->name) == named.end())
            return malformed("names " + path + ", and not the part that it is of");
    }
    return manifest;
}

}  // namespace muster::backup
