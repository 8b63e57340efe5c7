#include "backup/archive.h"

#include <fcntl.h>
#include <map>
#include <memory>
#include <sodium.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "CppUTest/TestHarness.h"

#include "backup/sealing.h"
#include "pool/schema.h"
#include "support.h"

using namespace muster;
using namespace muster::backup;
using namespace muster::backup::test;

namespace {

constexpr const char* kPassword = "correct horse battery";

/// What tar(1) lists of a file, written to another; its status.
int listed(const std::filesystem::path& tar, const std::filesystem::path& into) {
    std::string from = tar.string();
    char* words[] = {const_cast<char*>("tar"), const_cast<char*>("-tf"), from.data(), nullptr};
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, into.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    pid_t child = 0;
    const int problem = posix_spawnp(&child, "tar", &actions, nullptr, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    return problem == 0 && ::waitpid(child, &status, 0) == child ? status : -1;
}

std::string unpacked(const std::string& packed, std::size_t most = std::size_t{1} << 24) {
    z_stream stream{};
    inflateInit2(&stream, 31);
    std::string out(most, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    LONGS_EQUAL(Z_STREAM_END, inflate(&stream, Z_FINISH));
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

std::string packed(const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    LONGS_EQUAL(Z_STREAM_END, deflate(&stream, Z_FINISH));
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// Replaces `from` by `to`, of the same length, and makes the sum of the tar header that it is in right again.
std::string changed(std::string tar, const std::string& from, const std::string& to, bool inHeader = false) {
    const std::size_t at = tar.find(from);
    CHECK_TRUE(at != std::string::npos && from.size() == to.size());
    tar.replace(at, from.size(), to);
    if (!inHeader)
        return tar;
    const std::size_t block = at / 512 * 512;
    tar.replace(block + 148, 8, "        ");
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i)
        sum += static_cast<unsigned char>(tar[block + i]);
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%06o", sum);
    tar.replace(block + 148, 8, std::string(digits.data(), 6) + std::string("\0 ", 2));
    return tar;
}

}  // namespace

TEST_GROUP(BackupArchive) {
    Scratch scratch;
    std::map<std::string, std::string> contents;
    Manifest manifest;
    std::map<std::string, std::string> found;
    bool encrypted = false;

    void setup() override {
        contents = {{"muster.toml", "[core]\nreactors = 2\n"},
                    {"revisions/000001.toml", std::string(70'000, 'r')},
                    {"mode", ""}};
        manifest.about.muster = "9.8.7";
        manifest.about.made = Timestamp(std::chrono::seconds(1'800'000'000));
        manifest.about.by = "alice";
        manifest.about.host = "box";
        manifest.about.mode = "relay";
        manifest.about.parts = {"settings"};
        manifest.about.leftOut = {{"keys", "it holds secrets, and no password was given"}};
        manifest.poolSchema = pool::kSchemaVersion;
    }
    std::string written(const std::string& password = "") {
        std::vector<Input> inputs;
        manifest.files.clear();
        for (const auto& [path, content] : contents) {
            put(scratch / path, content);
            auto file = DiskFile::open(scratch / path);
            CHECK_TRUE(file.has_value());
            auto hash = hashOf(*file, content.size());
            CHECK_TRUE(hash.has_value());
            manifest.files.push_back({path, content.size(), *hash});
            inputs.push_back({manifest.files.back(), std::move(*file)});
        }
        StringSink sink;
        const auto done = writeArchive(sink, manifest, inputs, password, kGoOn);
        CHECK_TEXT(done.has_value(), done ? "" : done.error().text().c_str());
        CHECK_TRUE(sink.finished);
        return sink.text;
    }
    Result<void> read(const std::string& text, const std::string& password = "") {
        found.clear();
        auto reader = ArchiveReader::open(std::make_unique<StringSource>(text), password);
        if (!reader)
            return fail(reader.error());
        encrypted = (*reader)->isEncrypted();
        std::map<std::string, StringSink> sinks;
        auto done =
            (*reader)->read([&](const FileEntry& entry) -> Result<ByteSink*> { return &sinks[entry.path]; }, kGoOn);
        for (const auto& [path, sink] : sinks)
            if (sink.finished)
                found[path] = sink.text;
        return done;
    }
    void refuses(const std::string& text, Code code, const char* words, const std::string& password = "") {
        const auto done = read(text, password);
        CHECK_FALSE_TEXT(done.has_value(), words);
        STRCMP_CONTAINS(words, done.error().text().c_str());
        LONGS_EQUAL(static_cast<int>(code), static_cast<int>(done.error().code));
    }
};

TEST(BackupArchive, givesBackWhatItWasGiven) {
    const std::string text = written();
    CHECK_TRUE(read(text).has_value());
    CHECK_TRUE(found == contents);
    CHECK_FALSE(encrypted);
    StringSource source(text);
    const auto head = readHead(source);
    CHECK_TRUE(head.has_value());
    CHECK_FALSE(head->encrypted);
    STRCMP_EQUAL("alice", head->about.by.c_str());
    STRCMP_EQUAL("9.8.7", head->about.muster.c_str());
    CHECK_TRUE(head->about.made == manifest.about.made);
    LONGS_EQUAL(1, head->about.leftOut.size());
}

TEST(BackupArchive, isATarThatOthersCanRead) {
    const std::string tar = unpacked(written());
    LONGS_EQUAL(0, tar.size() % 512);
    STRCMP_EQUAL("manifest.json", tar.c_str());
    STRCMP_EQUAL("ustar", tar.c_str() + 257);
    put(scratch / "x.tar", tar);
    LONGS_EQUAL(0, listed(scratch / "x.tar", scratch / "list"));
    STRCMP_EQUAL("manifest.json\nmode\nmuster.toml\nrevisions/000001.toml\n", get(scratch / "list").c_str());
}

TEST(BackupArchive, aNameThatTarHasNoRoomForIsWhole) {
    const std::string path = "dns/keys/" + std::string(253, 'k');
    contents = {{path, "secret"}};
    manifest.about.parts = {"keys"};
    const std::string text = written(kPassword);
    CHECK_TRUE(read(text, kPassword).has_value());
    STRCMP_EQUAL("secret", found[path].c_str());
    const std::string plain = written();
    put(scratch / "x.tar", unpacked(plain));
    LONGS_EQUAL(0, listed(scratch / "x.tar", scratch / "list"));
    STRCMP_CONTAINS(path.c_str(), get(scratch / "list").c_str());
}

TEST(BackupArchive, underAPasswordNothingOfItIsInClear) {
    const std::string text = written(kPassword);
    CHECK_TRUE(text.find("reactors") == std::string::npos && text.find("rrrrrrrr") == std::string::npos);
    CHECK_TRUE(read(text, kPassword).has_value());
    CHECK_TRUE(found == contents);
    CHECK_TRUE(encrypted);
    StringSource source(text);
    const auto head = readHead(source);
    CHECK_TRUE(head.has_value() && head->encrypted);
    STRCMP_EQUAL("alice", head->about.by.c_str());
    CHECK_TRUE(head->about.parts == manifest.about.parts);
}

TEST(BackupArchive, saysWhenThePasswordIsMissingOrAnother) {
    const std::string text = written(kPassword);
    refuses(text, Code::denied, "it is encrypted");
    refuses(text, Code::denied, "the password is not the one", "another horse battery");
}

TEST(BackupArchive, letsNothingThroughWhereAnOctetIsChanged) {
    const std::string text = written();
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (at == 3 || (at >= 4 && at <= 9))
            continue;  // gzip's own flags, time and system, which say nothing of what is in it
        std::string other = text;
        other[at] = static_cast<char>(other[at] ^ 0x10);
        // Deflate has a few bits that mean nothing: then what comes out is what was written.
        CHECK_TRUE_TEXT(!read(other).has_value() || found == contents, std::to_string(at).c_str());
    }
}

TEST(BackupArchive, refusesEachOctetThatIsChangedUnderAPasswordAndSaysWhere) {
    const std::string text = written(kPassword);
    // The head decides on the key: of it a few octets, for each costs as much as a key.
    for (const std::size_t at : {std::size_t{9}, std::size_t{14}, text.find("alice"), text.find("\"salt\"") + 9,
                                 text.find("\"check\"") + 12, text.find("\"memory\"") + 10}) {
        std::string other = text;
        other[at] = static_cast<char>(other[at] ^ 0x01);
        CHECK_FALSE_TEXT(read(other, kPassword).has_value(), std::to_string(at).c_str());
    }
    std::string other = text;
    other.back() = static_cast<char>(other.back() ^ 1);
    refuses(other, Code::malformed, "damaged: what stands there is not what was written, at octet", kPassword);
    other = text;
    other[text.size() - 40] = static_cast<char>(other[text.size() - 40] ^ 1);
    refuses(other, Code::malformed, "at octet", kPassword);
}

TEST(BackupArchive, refusesWhatWasCutAnywhere) {
    const std::string text = written();
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE_TEXT(read(text.substr(0, size)).has_value(), std::to_string(size).c_str());
    refuses(text.substr(0, text.size() - 1), Code::malformed, "cut off");
    const std::string sealed = written(kPassword);
    refuses(sealed.substr(0, sealed.size() - 1), Code::malformed, "damaged", kPassword);
    refuses(sealed.substr(0, 12), Code::malformed, "its head is not one of Muster's", kPassword);
}

TEST(BackupArchive, aPieceThatIsLeftOutUnderAPasswordIsMissed) {
    // Not to be packed to nothing: more than one piece.
    std::string noise(300'000, '\0');
    randombytes_buf(noise.data(), noise.size());
    contents = {{"revisions/000001.toml", noise}};
    const std::string text = written(kPassword);
    CHECK_TRUE(read(text, kPassword).has_value());
    constexpr std::size_t kPiece = 64 * 1024 + 17;
    std::string without = text;
    without.erase(text.size() - 2 * kPiece, kPiece);
    CHECK_FALSE(read(without, kPassword).has_value());
    // Cut between two pieces: all that is left is whole, but the last of it is not marked as the last.
    const std::size_t head =
        12 + static_cast<unsigned char>(text[10]) * 256U + static_cast<unsigned char>(text[11]) + 24;
    refuses(text.substr(0, head + 2 * kPiece), Code::malformed, "damaged", kPassword);
}

TEST(BackupArchive, refusesWhatWasAdded) {
    refuses(written() + "x", Code::malformed, "something was added");
    refuses(written(kPassword) + "x", Code::malformed, "damaged", kPassword);
    refuses(packed(unpacked(written()) + std::string(512, '\0')), Code::malformed, "its end");
}

TEST(BackupArchive, refusesWhatIsNoBackup) {
    refuses("", Code::malformed, "no backup that Muster made");
    refuses("MSTRBKP", Code::malformed, "no backup that Muster made");
    refuses("PK\x03\x04 and so on", Code::malformed, "no backup that Muster made");
    refuses(packed("hello"), Code::malformed, "no backup that Muster made");
    refuses(packed(std::string(4096, '\0')), Code::malformed, "no backup that Muster made");
}

TEST(BackupArchive, refusesWhatUnpacksWithoutEnd) {
    contents = {{"pool.db", "x"}};
    manifest.about.parts = {"pool"};
    std::string tar = unpacked(written());
    tar = changed(tar, "\"size\":1,", "\"size\":9,");
    CHECK_FALSE(read(packed(tar)).has_value());
    contents = {{"revisions/000001.toml", std::string(8 << 20, '\0')}};
    manifest.about.parts = {"settings"};
    CHECK_TRUE(read(written()).has_value());  // below what is free of the rule
    const std::uint64_t size = std::uint64_t{128} << 20;
    put(scratch / "large", "");
    std::filesystem::resize_file(scratch / "large", size);  // a hole: no octet of the disk
    auto file = DiskFile::open(scratch / "large");
    CHECK_TRUE(file.has_value());
    manifest.files = {{"revisions/000001.toml", size, *hashOf(*file, size)}};
    std::vector<Input> inputs;
    inputs.push_back({manifest.files[0], std::move(*file)});
    StringSink sink;
    CHECK_TRUE(writeArchive(sink, manifest, inputs, "", kGoOn).has_value());
    refuses(packed(unpacked(sink.text, size + (1 << 20))), Code::malformed, "times its size");
}

TEST(BackupArchive, usesNoNameNoTypeAndNoLinkOfTheTar) {
    const std::string tar = unpacked(written());
    CHECK_TRUE(read(packed(tar)).has_value());
    // In the header only: the manifest goes on naming muster.toml.
    std::string other = tar;
    const std::size_t at = other.rfind(std::string("muster.toml\0\0", 13));
    CHECK_TRUE(at != std::string::npos);
    for (const char* name : {"../../x.tom", "/etc/passwd", "pool.db\0\0\0\0"}) {
        other = tar;
        other.replace(at, 11, std::string(name, 11));
        CHECK_FALSE_TEXT(read(packed(other)).has_value(), name);
        other = changed(other, std::string(name, 11), std::string(name, 11), true);
        refuses(packed(other), Code::malformed, "the begin of muster.toml");
    }
    for (const char type : {'1', '2', '3', '5', '6', 'L', 'x', 'g'}) {
        other = tar;
        other[at + 156] = type;
        other = changed(other, other.substr(at, 40), other.substr(at, 40), true);
        refuses(packed(other), Code::malformed, "the begin of muster.toml");
    }
}

TEST(BackupArchive, refusesAPathThatIsNotOfTheTable) {
    const std::string tar = unpacked(written());
    for (const char* path : {"../muster.t", "/etc/passwd", "muster.tomm", "mode/../../"})
        refuses(packed(changed(tar, "\"path\":\"muster.toml\"", "\"path\":\"" + std::string(path) + "\"")),
                Code::malformed, "a file that no backup of Muster holds");
    contents = {{"revisions/000001.toml", "x"}, {"revisions/000002.toml", "x"}};
    refuses(packed(changed(unpacked(written()), "revisions/000002", "revisions/000001")), Code::malformed, "twice");
    contents = {{"mode", "x"}};
    refuses(packed(changed(unpacked(written()), "[\"settings\"]", "[\"accounts\"]")), Code::malformed,
            "not the part that it is of");
}

TEST(BackupArchive, refusesAnotherFormatAndANewerSchemaSayingWhoMadeIt) {
    const std::string tar = unpacked(written());
    refuses(packed(changed(tar, "\"format\":1", "\"format\":7")), Code::incompatible,
            "made by Muster 9.8.7 in format 7");
    refuses(packed(changed(tar, "\"poolSchema\":" + std::to_string(pool::kSchemaVersion), "\"poolSchema\":9")),
            Code::incompatible, "made by Muster 9.8.7 with databases of schema 9");
}

TEST(BackupArchive, aFileThatChangesWhileItIsReadIsNoBackup) {
    put(scratch / "mode", "relay\n");
    auto file = DiskFile::open(scratch / "mode");
    manifest.files = {{"mode", 6, *hashOf(*file, 6)}};
    std::vector<Input> inputs;
    inputs.push_back({manifest.files[0], std::move(*file)});
    std::ofstream(scratch / "mode", std::ios::in | std::ios::out) << "other";
    StringSink sink;
    const auto done = writeArchive(sink, manifest, inputs, "", kGoOn);
    CHECK_FALSE(done.has_value());
    CHECK_TRUE(done.error().code == Code::conflict);
}

TEST(BackupArchive, givesUpWhenItIsToldTo) {
    const std::string text = written();
    const std::atomic<bool> stop{true};
    auto reader = ArchiveReader::open(std::make_unique<StringSource>(text), "");
    CHECK_TRUE(reader.has_value());
    const auto done = (*reader)->read({}, stop);
    CHECK_FALSE(done.has_value());
    CHECK_TRUE(done.error().code == Code::busy);
}
