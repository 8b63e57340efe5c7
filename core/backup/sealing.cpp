#include "backup/sealing.h"

#include <algorithm>
#include <cstring>
#include <sodium.h>
#include <vector>

#include "api/json_text.h"

namespace muster::backup {

namespace {

constexpr std::size_t kPiece = 64 * 1024;    // octets of plain text
constexpr std::size_t kMaxHead = 16 * 1024;  // octets of JSON
constexpr std::uint64_t kOperations = 3;     // of argon2id
constexpr std::size_t kMemory = 64 * 1024 * 1024;
constexpr std::int64_t kMostOperations = 10;  // that a file may ask for
constexpr std::int64_t kMostMemory = 256 * 1024 * 1024;
constexpr std::size_t kProof = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kCheck = 16;  // octets that show a wrong password
constexpr char kContext[] = "mstrbkup";

static_assert(SealKey::kSize == crypto_secretstream_xchacha20poly1305_KEYBYTES);
static_assert(crypto_pwhash_SALTBYTES == 16 && crypto_kdf_CONTEXTBYTES == sizeof kContext - 1);

const unsigned char* raw(const void* octets) noexcept {
    return static_cast<const unsigned char*>(octets);
}

std::string hex(const unsigned char* octets, std::size_t size) {
    std::string text(size * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), octets, size);
    text.pop_back();
    return text;
}

bool isReady() noexcept {
    static const bool ready = sodium_init() >= 0;
    return ready;
}

tl::unexpected<Error> damaged(std::uint64_t at, const char* what) {
    return fail(Code::malformed, "backup",
                std::string("damaged: ") + what + " at octet " + std::to_string(at) + "; nothing of it is used");
}

std::string frame(const Json& head) {
    const std::string text = api::dumpJson(head);
    std::string out(kSealedMagic);
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>((text.size() >> shift) & 0xff));
    return out + text;
}

class Sealing final : public ByteSink {
public:
    Sealing(ByteSink& next, const SealKey& key, const Json& head) : next_(next), head_(frame(head)) {
        crypto_secretstream_xchacha20poly1305_init_push(&state_, header_.data(), key.octets().data());
        plain_.reserve(kPiece);
    }

    Result<void> write(Octets octets) override {
        while (!octets.empty()) {
            if (plain_.size() == kPiece)
                if (auto pushed = push(0); !pushed)
                    return pushed;
            const std::size_t now = std::min(octets.size(), kPiece - plain_.size());
            plain_.insert(plain_.end(), octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(now));
            octets = octets.subspan(now);
        }
        return {};
    }

    Result<void> finish() override {
        if (auto pushed = push(crypto_secretstream_xchacha20poly1305_TAG_FINAL); !pushed)
            return pushed;
        return next_.finish();
    }

private:
    Result<void> push(unsigned char tag) {
        if (!begun_) {
            begun_ = true;
            if (auto written = next_.write(std::as_bytes(std::span(head_))); !written)
                return written;
            if (auto written = next_.write(std::as_bytes(std::span(header_))); !written)
                return written;
        }
        sealed_.resize(plain_.size() + kProof);
        crypto_secretstream_xchacha20poly1305_push(&state_, sealed_.data(), nullptr, raw(plain_.data()), plain_.size(),
                                                   raw(head_.data()), head_.size(), tag);
        plain_.clear();
        return next_.write(std::as_bytes(std::span(sealed_)));
    }

    ByteSink& next_;
    const std::string head_;
    std::array<unsigned char, crypto_secretstream_xchacha20poly1305_HEADERBYTES> header_{};
    crypto_secretstream_xchacha20poly1305_state state_{};
    std::vector<std::byte> plain_;
    std::vector<unsigned char> sealed_;
    bool begun_ = false;
};

class Unsealing final : public ByteSource {
public:
    Unsealing(ByteSource& source, const SealKey& key, const SealedHead& head)
        : source_(source), key_(key.octets()), head_(head.raw), at_(head.raw.size()) {}
    ~Unsealing() override { sodium_memzero(key_.data(), key_.size()); }

    Result<std::size_t> read(Buffer buffer) override {
        while (from_ == plain_.size()) {
            if (ended_)
                return 0U;
            if (auto pulled = pull(); !pulled)
                return fail(pulled.error());
        }
        const std::size_t now = std::min(buffer.size(), plain_.size() - from_);
        std::memcpy(buffer.data(), plain_.data() + from_, now);
        from_ += now;
        return now;
    }

private:
    Result<void> pull() {
        if (!begun_) {
            std::array<std::byte, crypto_secretstream_xchacha20poly1305_HEADERBYTES> header{};
            const auto got = readWhole(source_, header);
            if (!got)
                return fail(got.error());
            if (*got != header.size() ||
                crypto_secretstream_xchacha20poly1305_init_pull(&state_, raw(header.data()), key_.data()) != 0)
                return damaged(at_, "it ends");
            at_ += header.size();
            begun_ = true;
        }
        sealed_.resize(kPiece + kProof);
        const auto got = readWhole(source_, sealed_);
        if (!got)
            return fail(got.error());
        if (*got < kProof)
            return damaged(at_ + *got, "it was cut off");
        plain_.resize(*got - kProof);
        from_ = 0;
        unsigned char tag = 0;
        if (crypto_secretstream_xchacha20poly1305_pull(&state_, plain_.data(), nullptr, &tag, raw(sealed_.data()), *got,
                                                       raw(head_.data()), head_.size()) != 0)
            return damaged(at_, "what stands there is not what was written,");
        at_ += *got;
        if (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
            ended_ = true;
            std::array<std::byte, 1> more{};
            const auto beyond = source_.read(more);
            if (!beyond)
                return fail(beyond.error());
            if (*beyond != 0)
                return damaged(at_, "something was added");
        } else if (*got != kPiece + kProof) {
            return damaged(at_, "it was cut off");
        }
        return {};
    }

    ByteSource& source_;
    std::array<unsigned char, SealKey::kSize> key_;
    const std::string head_;
    crypto_secretstream_xchacha20poly1305_state state_{};
    std::vector<std::byte> sealed_;
    std::vector<unsigned char> plain_;
    std::size_t from_ = 0;
    std::uint64_t at_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

SealKey::~SealKey() {
    sodium_memzero(octets_.data(), octets_.size());
}

Result<void> SealKey::derive(std::string_view password, const std::array<unsigned char, 16>& salt,
                             std::uint64_t operations, std::size_t memory, std::string& check) {
    std::array<unsigned char, crypto_kdf_KEYBYTES> master{};
    if (crypto_pwhash(master.data(), master.size(), password.data(), password.size(), salt.data(), operations, memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return fail(Code::storage, "backup", "no memory to make a key from the password (64 MiB as a rule)");
    std::array<unsigned char, kCheck> shown{};
    crypto_kdf_derive_from_key(octets_.data(), octets_.size(), 1, kContext, master.data());
    crypto_kdf_derive_from_key(shown.data(), shown.size(), 2, kContext, master.data());
    sodium_memzero(master.data(), master.size());
    check = hex(shown.data(), shown.size());
    return {};
}

Result<void> SealKey::make(std::string_view password, Json& head) {
    if (!isReady())
        return fail(Code::internal, "backup", "libsodium cannot be used");
    std::array<unsigned char, 16> salt{};
    randombytes_buf(salt.data(), salt.size());
    std::string check;
    if (auto derived = derive(password, salt, kOperations, kMemory, check); !derived)
        return derived;
    head.set("operations", kOperations);
    head.set("memory", static_cast<std::uint64_t>(kMemory));
    head.set("salt", hex(salt.data(), salt.size()));
    head.set("check", std::move(check));
    return {};
}

Result<void> SealKey::makeAgain(std::string_view password, const Json& head) {
    if (!isReady())
        return fail(Code::internal, "backup", "libsodium cannot be used");
    const Json* operations = head.find("operations");
    const Json* memory = head.find("memory");
    const Json* salt = head.find("salt");
    const Json* check = head.find("check");
    std::array<unsigned char, 16> octets{};
    std::size_t size = 0;
    if (operations == nullptr || operations->integer() == nullptr || memory == nullptr ||
        memory->integer() == nullptr || salt == nullptr || salt->string() == nullptr || check == nullptr ||
        check->string() == nullptr ||
        sodium_hex2bin(octets.data(), octets.size(), salt->string()->data(), salt->string()->size(), nullptr, &size,
                       nullptr) != 0 ||
        size != octets.size() || salt->string()->size() != 2 * octets.size())
        return damaged(kSealedMagic.size(), "its head is not one of Muster's");
    if (*operations->integer() < 1 || *operations->integer() > kMostOperations || *memory->integer() < 8192 ||
        *memory->integer() > kMostMemory)
        return damaged(kSealedMagic.size(), "its head asks for more time or memory than Muster uses,");
    std::string derived;
    if (auto made = derive(password, octets, static_cast<std::uint64_t>(*operations->integer()),
                           static_cast<std::size_t>(*memory->integer()), derived);
        !made)
        return made;
    if (derived.size() != check->string()->size() ||
        sodium_memcmp(derived.data(), check->string()->data(), derived.size()) != 0)
        return fail(Code::denied, "backup", "the password is not the one that it was made with");
    return {};
}

std::unique_ptr<ByteSink> seal(ByteSink& next, const SealKey& key, const Json& head) {
    return std::make_unique<Sealing>(next, key, head);
}

Result<SealedHead> readSealedHead(ByteSource& source) {
    std::array<std::byte, 4> length{};
    const auto got = readWhole(source, length);
    if (!got)
        return fail(got.error());
    std::size_t size = 0;
    for (const std::byte octet : length)
        size = size << 8 | static_cast<std::size_t>(octet);
    if (*got != length.size() || size > kMaxHead)
        return damaged(kSealedMagic.size(), "its head is not one of Muster's");
    SealedHead head;
    head.raw = kSealedMagic;
    head.raw.append(reinterpret_cast<const char*>(length.data()), length.size());
    std::string text(size, '\0');
    const auto filled = readWhole(source, std::as_writable_bytes(std::span(text)));
    if (!filled)
        return fail(filled.error());
    auto parsed = api::parseJson(text, kMaxHead);
    if (*filled != size || !parsed || parsed->object() == nullptr)
        return damaged(head.raw.size(), "its head is not one of Muster's");
    head.raw += text;
    head.json = std::move(*parsed);
    return head;
}

std::unique_ptr<ByteSource> unseal(ByteSource& source, const SealKey& key, const SealedHead& head) {
    return std::make_unique<Unsealing>(source, key, head);
}

}  // namespace muster::backup
