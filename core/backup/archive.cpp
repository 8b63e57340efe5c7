#include "backup/archive.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <sodium.h>
#include <vector>
#include <zlib.h>

#include "api/json_text.h"
#include "backup/sealing.h"

namespace muster::backup {

namespace {

constexpr std::size_t kBlock = 512;         // of a tar
constexpr std::size_t kBuffer = 64 * 1024;  // octets
constexpr int kGzip = 16;                   // zlib's mark for "with gzip's head"
constexpr int kWindow = 15;
constexpr int kLevel = 3;                             // quick: a disk of a small box is no faster
constexpr std::uint64_t kFreeRatio = 64 << 20;        // octets that may come of nearly nothing
constexpr std::uint64_t kMostRatio = 200;             // and then so many of one: deflate itself reaches a thousand
constexpr std::uint64_t kLargestOctal = 0x1ffffffff;  // 11 octal digits
constexpr std::size_t kLongestName = 100;
constexpr std::string_view kManifestName = "manifest.json";

tl::unexpected<Error> damaged(const std::string& what) {
    return fail(Code::malformed, "backup", "damaged: " + what + "; nothing of it is used");
}

tl::unexpected<Error> notOurs() {
    return fail(Code::malformed, "backup", "this is no backup that Muster made");
}

tl::unexpected<Error> stopped() {
    return fail(Code::busy, "backup", "Muster stops or begins anew; try again");
}

Octets octetsOf(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}

/// SHA-256, piece by piece.
class Hash {
public:
    Hash() { crypto_hash_sha256_init(&state_); }
    void add(Octets octets) {
        crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(octets.data()), octets.size());
    }
    std::string hex() {
        std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
        crypto_hash_sha256_final(&state_, hash.data());
        std::array<char, crypto_hash_sha256_BYTES * 2 + 1> text{};
        sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
        return text.data();
    }

private:
    crypto_hash_sha256_state state_{};
};

// ---- tar

void putOctal(char* field, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = digits; i-- > 0; value >>= 3)
        field[i] = static_cast<char>('0' + (value & 7));
}

/// One block of POSIX ustar. @source POSIX.1-2017, pax, "ustar Interchange Format"
std::string block(std::string_view name, std::uint64_t size, std::uint64_t when, char type) {
    std::string out(kBlock, '\0');
    std::copy(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(std::min(name.size(), kLongestName)),
              out.begin());
    putOctal(&out[100], 7, 0600);
    putOctal(&out[108], 7, 0);
    putOctal(&out[116], 7, 0);
    putOctal(&out[124], 11, std::min(size, kLargestOctal));
    putOctal(&out[136], 11, when);
    out[156] = type;
    out.replace(257, 8, std::string_view("ustar\00000", 8));
    std::fill_n(&out[148], 8, ' ');
    unsigned sum = 0;
    for (const char c : out)
        sum += static_cast<unsigned char>(c);
    putOctal(&out[148], 6, sum);
    out[154] = '\0';
    return out;
}

std::size_t padding(std::uint64_t size) {
    return (kBlock - size % kBlock) % kBlock;
}

/// "27 path=…\n", whose number counts itself.
std::string record(std::string_view key, std::string_view value) {
    const std::string rest = " " + std::string(key) + "=" + std::string(value) + "\n";
    std::size_t length = rest.size();
    for (std::size_t before = 0; before != length;) {
        before = length;
        length = rest.size() + std::to_string(length).size();
    }
    return std::to_string(length) + rest;
}

/// All that stands before a file's octets. What ustar has no room for is in a header of pax.
std::string header(std::string_view name, std::uint64_t size, std::uint64_t when) {
    std::string extended;
    if (name.size() > kLongestName)
        extended += record("path", name);
    if (size > kLargestOctal)
        extended += record("size", std::to_string(size));
    std::string out;
    if (!extended.empty()) {
        out = block("pax", extended.size(), when, 'x') + extended;
        out.append(padding(extended.size()), '\0');
    }
    return out + block(name, size, when, '0');
}

std::uint64_t secondsOf(Timestamp when) {
    return static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count(), 0,
                                 static_cast<std::int64_t>(kLargestOctal)));
}

// ---- gzip

class Packing final : public ByteSink {
public:
    explicit Packing(ByteSink& next) : next_(next) {
        deflateInit2(&stream_, kLevel, Z_DEFLATED, kWindow + kGzip, 8, Z_DEFAULT_STRATEGY);
    }
    ~Packing() override { deflateEnd(&stream_); }
    Packing(const Packing&) = delete;
    Packing& operator=(const Packing&) = delete;

    Result<void> write(Octets octets) override {
        while (!octets.empty()) {
            const std::size_t now = std::min(octets.size(), kBuffer);
            if (auto done = pack(octets.first(now), Z_NO_FLUSH); !done)
                return done;
            octets = octets.subspan(now);
        }
        return {};
    }
    Result<void> finish() override {
        if (auto done = pack({}, Z_FINISH); !done)
            return done;
        return next_.finish();
    }

private:
    Result<void> pack(Octets octets, int flush) {
        // zlib does not write through it, and says so only since 1.2.12 or with ZLIB_CONST.
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(octets.data()));
        stream_.avail_in = static_cast<uInt>(octets.size());
        int code = Z_OK;
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
            stream_.avail_out = static_cast<uInt>(buffer_.size());
            code = deflate(&stream_, flush);
            if (code == Z_STREAM_ERROR)
                return fail(Code::internal, "backup", "zlib cannot be used");
            if (auto written = next_.write(Octets(buffer_).first(buffer_.size() - stream_.avail_out)); !written)
                return written;
        } while (stream_.avail_out == 0 || (flush == Z_FINISH && code != Z_STREAM_END));
        return {};
    }

    ByteSink& next_;
    z_stream stream_{};
    std::array<std::byte, kBuffer> buffer_{};
};

class Unpacking final : public ByteSource {
public:
    /// @param begin  octets that were read of it already
    Unpacking(ByteSource& source, Octets begin) : source_(source) {
        std::copy(begin.begin(), begin.end(), buffer_.begin());
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_in = static_cast<uInt>(begin.size());
        inflateInit2(&stream_, kWindow + kGzip);
        in_ = begin.size();
    }
    ~Unpacking() override { inflateEnd(&stream_); }
    Unpacking(const Unpacking&) = delete;
    Unpacking& operator=(const Unpacking&) = delete;

    Result<std::size_t> read(Buffer buffer) override {
        if (ended_ || buffer.empty())
            return 0U;
        stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream_.avail_out = static_cast<uInt>(std::min(buffer.size(), kBuffer));
        const std::size_t wanted = stream_.avail_out;
        while (stream_.avail_out == wanted) {
            if (stream_.avail_in == 0) {
                auto got = source_.read(buffer_);
                if (!got)
                    return got;
                if (*got == 0)
                    return damaged("it was cut off at octet " + std::to_string(in_));
                in_ += *got;
                stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
                stream_.avail_in = static_cast<uInt>(*got);
            }
            const int code = inflate(&stream_, Z_NO_FLUSH);
            if (code == Z_STREAM_END) {
                ended_ = true;
                break;
            }
            if (code != Z_OK && code != Z_BUF_ERROR)
                return damaged("what stands near octet " + std::to_string(in_ - stream_.avail_in) +
                               " is not what was written");
        }
        const std::size_t out = wanted - stream_.avail_out;
        out_ += out;
        if (out_ > kFreeRatio + kMostRatio * in_)
            return fail(Code::malformed, "backup",
                        "it would unpack to more than " + std::to_string(kMostRatio) +
                            " times its size, which no backup of Muster does; nothing of it is used");
        if (ended_) {
            std::array<std::byte, 1> more{};
            auto beyond = stream_.avail_in != 0 ? Result<std::size_t>(1U) : source_.read(more);
            if (!beyond)
                return beyond;
            if (*beyond != 0)
                return damaged("something was added to it");
        }
        return out;
    }

private:
    ByteSource& source_;
    z_stream stream_{};
    std::array<std::byte, kBuffer> buffer_{};
    std::uint64_t in_ = 0;
    std::uint64_t out_ = 0;
    bool ended_ = false;
};

// ---- the whole

struct Begin {
    std::array<std::byte, kSealedMagic.size()> octets{};
    bool sealed = false;
};

Result<Begin> readBegin(ByteSource& source) {
    Begin begin;
    const auto got = readWhole(source, begin.octets);
    if (!got)
        return fail(got.error());
    begin.sealed = std::memcmp(begin.octets.data(), kSealedMagic.data(), kSealedMagic.size()) == 0;
    if (*got != begin.octets.size() ||
        (!begin.sealed && (begin.octets[0] != std::byte{0x1f} || begin.octets[1] != std::byte{0x8b})))
        return notOurs();
    return begin;
}

class Reading final : public ArchiveReader {
public:
    Reading(std::unique_ptr<ByteSource> source) : file_(std::move(source)) {}

    Result<void> begin(const std::string& password) {
        const auto begin = readBegin(*file_);
        if (!begin)
            return fail(begin.error());
        ByteSource* packed = file_.get();
        Octets known = begin->octets;
        if (begin->sealed) {
            auto head = readSealedHead(*file_);
            if (!head)
                return fail(head.error());
            if (auto summary = readSummary(head->json); !summary)
                return fail(summary.error());
            if (password.empty())
                return fail(Code::denied, "backup", "it is encrypted; give the password that it was made with");
            SealKey key;
            if (auto made = key.makeAgain(password, head->json); !made)
                return made;
            unsealing_ = unseal(*file_, key, *head);
            packed = unsealing_.get();
            known = {};
            encrypted_ = true;
        }
        unpacking_ = std::make_unique<Unpacking>(*packed, known);
        return readFirst();
    }

    const Manifest& manifest() const noexcept override { return manifest_; }
    bool isEncrypted() const noexcept override { return encrypted_; }

    Result<void> read(const Taker& taker, const std::atomic<bool>& stopping) override {
        for (const FileEntry& entry : manifest_.files)
            if (auto done = readFile(entry, taker, stopping); !done)
                return done;
        return expect(std::string(2 * kBlock, '\0'), "its end", true);
    }

private:
    /// The header of the manifest says its size; all else in it must be as we write it.
    Result<void> readFirst() {
        std::string first(kBlock, '\0');
        auto got = readWhole(*unpacking_, std::as_writable_bytes(std::span(first)));
        if (!got)
            return fail(got.error());
        const auto octal = [&](std::size_t at) {
            std::uint64_t value = 0;
            for (std::size_t i = at; i < at + 11 && first[i] >= '0' && first[i] <= '7'; ++i)
                value = value << 3 | static_cast<std::uint64_t>(first[i] - '0');
            return value;
        };
        const std::uint64_t size = octal(124);
        when_ = octal(136);
        if (*got != kBlock || size > kMaxManifest || first != block(kManifestName, size, when_, '0'))
            return notOurs();
        std::string text(size + padding(size), '\0');
        got = readWhole(*unpacking_, std::as_writable_bytes(std::span(text)));
        if (!got)
            return fail(got.error());
        if (*got != text.size() || text.find_first_not_of('\0', size) != std::string::npos)
            return damaged("its manifest is not whole");
        text.resize(size);
        const auto parsed = api::parseJson(text, kMaxManifest);
        if (!parsed || parsed->object() == nullptr)
            return damaged("its manifest cannot be read");
        auto manifest = readManifest(*parsed);
        if (!manifest)
            return fail(manifest.error());
        manifest_ = std::move(*manifest);
        return {};
    }

    Result<void> readFile(const FileEntry& entry, const Taker& taker, const std::atomic<bool>& stopping) {
        if (auto there = expect(header(entry.path, entry.size, when_), "the begin of " + entry.path, false); !there)
            return there;
        auto sink = taker ? taker(entry) : Result<ByteSink*>(nullptr);
        if (!sink)
            return fail(sink.error());
        Hash hash;
        for (std::uint64_t left = entry.size; left > 0;) {
            if (stopping)
                return stopped();
            const auto got = unpacking_->read(Buffer(buffer_).first(std::min<std::uint64_t>(left, buffer_.size())));
            if (!got)
                return inside(entry, entry.size - left, got.error());
            if (*got == 0)
                return damaged(entry.path + " ends after " + std::to_string(entry.size - left) + " of " +
                               std::to_string(entry.size) + " octets");
            const Octets octets = Octets(buffer_).first(*got);
            hash.add(octets);
            if (*sink != nullptr)
                if (auto written = (*sink)->write(octets); !written)
                    return written;
            left -= *got;
        }
        if (auto padded = expect(std::string(padding(entry.size), '\0'), "the end of " + entry.path, false); !padded)
            return padded;
        if (hash.hex() != entry.sha256)
            return damaged(entry.path + " is not what was backed up (its hash is another)");
        return *sink != nullptr ? (*sink)->finish() : Result<void>();
    }

    static tl::unexpected<Error> inside(const FileEntry& entry, std::uint64_t at, Error error) {
        if (error.code == Code::malformed)
            error.detail += " (in " + entry.path + ", after " + std::to_string(at) + " octets of it)";
        return fail(std::move(error));
    }

    /// @param last  and nothing after it
    Result<void> expect(const std::string& wanted, const std::string& what, bool last) {
        std::string found(wanted.size() + (last ? 1 : 0), '\0');
        const auto got = readWhole(*unpacking_, std::as_writable_bytes(std::span(found)));
        if (!got)
            return fail(got.error());
        found.resize(*got);
        return found == wanted ? Result<void>() : damaged(what + " is not as Muster writes it");
    }

    std::unique_ptr<ByteSource> file_;
    std::unique_ptr<ByteSource> unsealing_;
    std::unique_ptr<ByteSource> unpacking_;
    Manifest manifest_;
    std::uint64_t when_ = 0;
    bool encrypted_ = false;
    std::array<std::byte, kBuffer> buffer_{};
};

Result<void> writeFile(ByteSink& sink, const Input& input, std::uint64_t when, const std::atomic<bool>& stopping) {
    const FileEntry& entry = input.entry;
    if (auto written = sink.write(octetsOf(header(entry.path, entry.size, when))); !written)
        return written;
    std::vector<std::byte> buffer(kBuffer);
    Hash hash;
    for (std::uint64_t left = entry.size; left > 0;) {
        if (stopping)
            return stopped();
        const auto got = input.file.read(Buffer(buffer).first(std::min<std::uint64_t>(left, buffer.size())));
        if (!got)
            return fail(got.error());
        if (*got == 0)
            return fail(Code::conflict, entry.path, "it became shorter while it was read");
        const Octets octets = Octets(buffer).first(*got);
        hash.add(octets);
        if (auto written = sink.write(octets); !written)
            return written;
        left -= *got;
    }
    if (hash.hex() != entry.sha256)
        return fail(Code::conflict, entry.path, "it changed while it was read");
    return sink.write(octetsOf(std::string(padding(entry.size), '\0')));
}

}  // namespace

Result<std::string> hashOf(const DiskFile& file, std::uint64_t size) {
    std::vector<std::byte> buffer(kBuffer);
    Hash hash;
    for (std::uint64_t left = size; left > 0;) {
        const auto got = file.read(Buffer(buffer).first(std::min<std::uint64_t>(left, buffer.size())));
        if (!got)
            return fail(got.error());
        if (*got == 0)
            return fail(Code::conflict, "backup", "a file became shorter while it was read");
        hash.add(Octets(buffer).first(*got));
        left -= *got;
    }
    if (auto back = file.rewind(); !back)
        return fail(back.error());
    return hash.hex();
}

Result<void> writeArchive(ByteSink& sink, const Manifest& manifest, std::span<const Input> inputs,
                          const std::string& password, const std::atomic<bool>& stopping) {
    SealKey key;
    std::unique_ptr<ByteSink> sealing;
    if (!password.empty()) {
        Json head = write(manifest.about);
        if (auto made = key.make(password, head); !made)
            return made;
        sealing = seal(sink, key, head);
    }
    Packing packing(sealing ? *sealing : sink);
    const std::uint64_t when = secondsOf(manifest.about.made);
    const std::string text = api::dumpJson(write(manifest));
    if (text.size() > kMaxManifest)
        return fail(Code::internal, "backup", "its manifest is longer than 2 MiB");
    for (const std::string& piece :
         {header(kManifestName, text.size(), when), text, std::string(padding(text.size()), '\0')})
        if (auto written = packing.write(octetsOf(piece)); !written)
            return written;
    for (const Input& input : inputs)
        if (auto written = writeFile(packing, input, when, stopping); !written)
            return written;
    if (auto written = packing.write(octetsOf(std::string(2 * kBlock, '\0'))); !written)
        return written;
    return packing.finish();
}

Result<Head> readHead(ByteSource& source) {
    const auto begin = readBegin(source);
    if (!begin)
        return fail(begin.error());
    if (begin->sealed) {
        const auto head = readSealedHead(source);
        if (!head)
            return fail(head.error());
        auto about = readSummary(head->json);
        if (!about)
            return fail(about.error());
        return Head{true, std::move(*about)};
    }
    class Rest final : public ByteSource {
    public:
        Rest(Octets begin, ByteSource& source) : begin_(begin), source_(source) {}
        Result<std::size_t> read(Buffer buffer) override {
            if (begin_.empty())
                return source_.read(buffer);
            const std::size_t now = std::min(begin_.size(), buffer.size());
            std::copy_n(begin_.begin(), now, buffer.begin());
            begin_ = begin_.subspan(now);
            return now;
        }

    private:
        Octets begin_;
        ByteSource& source_;
    };
    auto reader = ArchiveReader::open(std::make_unique<Rest>(begin->octets, source), "");
    if (!reader)
        return fail(reader.error());
    return Head{false, (*reader)->manifest().about};
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::open(std::unique_ptr<ByteSource> source,
                                                           const std::string& password) {
    auto reading = std::make_unique<Reading>(std::move(source));
    if (auto begun = reading->begin(password); !begun)
        return fail(begun.error());
    return std::unique_ptr<ArchiveReader>(std::move(reading));
}

}  // namespace muster::backup
