#include "keys.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "muster/private_file.h"

#include "dns/message.h"

namespace muster::publisher {

namespace {

/// Text that is overwritten when it goes.
class Wiped {
public:
    explicit Wiped(std::string text) : text_(std::move(text)) {}
    ~Wiped() {
        volatile char* octets = text_.data();
        for (std::size_t i = 0; i < text_.size(); ++i)
            octets[i] = 0;
    }
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    std::string& operator*() noexcept { return text_; }

private:
    std::string text_;
};

std::string base64(Octets octets) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((octets.size() + 2) / 3 * 4);  // no copies left behind by growing
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, octets.size() - i);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (k < left ? static_cast<std::uint32_t>(octets[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= left ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

bool isSpace(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Words of a key statement: names, quoted texts, braces and semicolons.
class Words {
public:
    explicit Words(std::string_view text) : text_(text) {}

    /// Empty at the end, or where a quote is open.
    std::string_view next() {
        skip();
        if (text_.empty())
            return {};
        if (text_.front() == '"') {
            const std::size_t end = text_.find('"', 1);
            if (end == std::string_view::npos)
                return {};
            return take(end + 1).substr(1, end - 1);
        }
        if (text_.front() == '{' || text_.front() == '}' || text_.front() == ';')
            return take(1);
        std::size_t end = 0;
        while (end < text_.size() && !isSpace(text_[end]) &&
               std::string_view("{};\"").find(text_[end]) == std::string_view::npos)
            ++end;
        return take(end);
    }
    bool atEnd() {
        skip();
        return text_.empty();
    }

private:
    void skip() {
        while (!text_.empty() && (isSpace(text_.front()) || text_.front() == '#' || text_.substr(0, 2) == "//"))
            if (isSpace(text_.front()))
                text_.remove_prefix(1);
            else
                text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
    }
    std::string_view take(std::size_t size) {
        const std::string_view out = text_.substr(0, size);
        text_.remove_prefix(size);
        return out;
    }
    std::string_view text_;
};

tl::unexpected<Error> wrong(const std::string& name, std::string what) {
    return fail(Code::malformed, "key " + name, std::move(what));
}

struct Statement {
    std::string_view name;
    std::string_view algorithm;
    std::string_view secret;
};

/// key "name" { algorithm x; secret "y"; };
std::optional<Statement> readStatement(std::string_view text) {
    Words words(text);
    Statement out;
    if (words.next() != "key")
        return std::nullopt;
    out.name = words.next();
    if (out.name.empty() || words.next() != "{")
        return std::nullopt;
    for (std::string_view word = words.next(); word != "}"; word = words.next()) {
        const std::string_view value = words.next();
        if (word == "algorithm")
            out.algorithm = value;
        else if (word == "secret")
            out.secret = value;
        else
            return std::nullopt;
        if (words.next() != ";")
            return std::nullopt;
    }
    if (!words.atEnd() && (words.next() != ";" || !words.atEnd()))
        return std::nullopt;
    return out;
}

/// keymgr and nsupdate -y: "hmac-sha256:name:secret"
std::optional<Statement> readColons(std::string_view text) {
    while (!text.empty() && isSpace(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && isSpace(text.back()))
        text.remove_suffix(1);
    const std::size_t first = text.find(':');
    const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos)
        return std::nullopt;
    return Statement{text.substr(first + 1, second - first - 1), text.substr(0, first), text.substr(second + 1)};
}

}  // namespace

Result<dns::TsigKey> readKey(std::string_view text, const std::string& name, dns::Algorithm algorithm) {
    dns::TsigKey key;
    key.name = name;
    key.algorithm = algorithm;
    Statement found;
    found.secret = text;
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    const bool statement = text.find('{') != std::string_view::npos;
    if (statement) {
        const auto read = readStatement(text);
        if (!read)
            return wrong(name,
                         "the text begins as a key statement and is none; write key \"NAME\" { algorithm "
                         "hmac-sha256; secret \"…\"; }; or the secret alone");
        found = *read;
    } else if (start != std::string_view::npos && text.find(':') != std::string_view::npos) {
        const auto read = readColons(text);
        if (!read)
            return wrong(name, "the text is no ALGORITHM:NAME:SECRET; write so, or the secret alone");
        found = *read;
    }
    if (!found.name.empty()) {
        const auto plain = dns::plainName(found.name);
        if (!plain || *plain != name)
            return wrong(name,
                         "the text is of a key with another name; servers know keys by name, so that both must "
                         "be the same");
    }
    if (!found.algorithm.empty()) {
        const auto named = dns::algorithmFrom(found.algorithm);
        if (!named)
            return wrong(name,
                         "its algorithm is neither hmac-sha256 nor hmac-sha512; make a key of one of these on "
                         "the server");
        key.algorithm = *named;
    }
    auto secret = dns::Secret::fromBase64(found.secret);
    if (!secret)
        return wrong(name, secret.error().detail);
    key.secret = std::move(*secret);
    return key;
}

Result<void> Keys::makeDirectory() const {
    struct stat status {};
    if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(Code::storage, directory_, "cannot be made: " + std::generic_category().message(errno));
    if (lstat(directory_.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return fail(Code::storage, directory_, "is no directory; move it out of the way");
    return {};
}

Result<dns::TsigKey> Keys::find(const std::string& name) const {
    if (const auto plain = dns::plainName(name); !plain || *plain != name)
        return fail(Code::malformed, "key " + name, "is no name that a key can have");
    auto text = readPrivateFile(path(name), kMaxFile);
    if (!text) {
        if (text.error().code == Code::missing)
            return fail(
                Code::missing, "key " + name,
                "is not here; put it in with \"musterctl dns add-key " + name + " -\" (its secret on standard input)");
        return fail(text.error());
    }
    Wiped content(std::move(*text));
    return readKey(*content, name, dns::Algorithm::hmacSha256);
}

std::vector<Keys::Row> Keys::list() const {
    std::vector<Row> rows;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(directory_.c_str()), &closedir);
    if (!directory)
        return rows;
    while (const dirent* entry = readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe): a stream of its own
        const std::string name = entry->d_name;
        const auto plain = dns::plainName(name);
        if (!plain || *plain != name || rows.size() >= kMaxKeys)
            continue;  // ".", "..", and what writing left behind
        Row row;
        row.name = name;
        if (const auto key = find(name)) {
            row.algorithm = key->algorithm;
            row.bits = key->secret.octets().size() * 8;
        } else {
            row.problem = key.error().text();
        }
        rows.push_back(std::move(row));
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
    return rows;
}

Result<void> Keys::put(const dns::TsigKey& key) const {
    const std::string& name = key.name;
    if (auto made = makeDirectory(); !made)
        return made;
    const auto rows = list();
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
    if (!known && rows.size() >= kMaxKeys)
        return fail(Code::busy, "key " + name,
                    "there are " + std::to_string(kMaxKeys) + " keys already; remove one that no domain uses");
    std::string text;
    text.reserve(kMaxFile);
    Wiped secret(base64(key.secret.octets()));
    text.append("key \"").append(name).append("\" { algorithm ").append(dns::name(key.algorithm)).append("; secret \"");
    text.append(*secret).append("\"; };\n");
    Wiped content(std::move(text));
    return writePrivateFile(path(name), *content);
}

Result<void> Keys::remove(const std::string& name) const {
    if (const auto plain = dns::plainName(name); !plain || *plain != name)
        return fail(Code::malformed, "key " + name, "is no name that a key can have");
    if (unlink(path(name).c_str()) == 0)
        return {};
    if (errno == ENOENT)
        return fail(Code::missing, "key " + name, "is not here; \"musterctl dns list-keys\" shows those that are");
    return fail(Code::storage, path(name), std::generic_category().message(errno));
}

}  // namespace muster::publisher
