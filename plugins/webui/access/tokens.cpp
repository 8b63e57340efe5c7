#include "tokens.h"

#include <algorithm>

#include "muster/private_file.h"

#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kStart = "mst_";
constexpr std::size_t kIdLength = 8;
constexpr std::size_t kSecretLength = 43;  // 62^43 > 2^256
constexpr std::size_t kLength = kStart.size() + kIdLength + 1 + kSecretLength;
constexpr std::size_t kLongestSource = 64;  // octets
constexpr std::string_view kConsole = "console";

bool works(const Token& token, Timestamp now) noexcept {
    return !token.revoked && now < token.expires;
}

/// Those that work no more go first; where all work, none does.
void makeRoom(std::vector<Token>& tokens, Timestamp now) {
    while (tokens.size() >= kMaxTokens) {
        const auto dead = std::find_if(tokens.begin(), tokens.end(), [&](const Token& t) { return !works(t, now); });
        if (dead == tokens.end())
            return;
        tokens.erase(dead);
    }
}

tl::unexpected<Error> refused(std::string_view id, std::string_view why) {
    return fail(Code::denied, id.empty() ? "token" : "token " + std::string(id), std::string(why));
}

}  // namespace

Tokens::Tokens(std::string path, LookUp lookUp, Clocks clocks, std::vector<Token> tokens)
    : path_(std::move(path)), lookUp_(std::move(lookUp)), clocks_(std::move(clocks)), tokens_(std::move(tokens)) {}

Tokens::~Tokens() {
    (void)flush();  // nobody is left to be told
}

Result<std::unique_ptr<Tokens>> Tokens::open(std::string path, LookUp lookUp, Clocks clocks) {
    std::vector<Token> tokens;
    if (const auto text = readPrivateFile(path, kMaxTokenFile)) {
        auto parsed = parseTokens(*text);
        if (!parsed)
            return fail(parsed.error().code, path,
                        "the tokens cannot be read: " + parsed.error().detail +
                            "; restore the file from a backup, or move it away and make new tokens");
        tokens = std::move(*parsed);
    } else if (text.error().code != Code::missing) {
        return fail(text.error());
    }
    return std::unique_ptr<Tokens>(
        new Tokens(std::move(path), std::move(lookUp), std::move(clocks), std::move(tokens)));
}

Result<Tokens::Made> Tokens::make(const Wanted& wanted, const std::optional<Account>& maker) {
    if (!isTokenName(wanted.name))
        return fail(Code::malformed, "name", "1 to " + std::to_string(kMaxTokenName) + " octets without line breaks");
    if (wanted.scope.rules.size() > kMaxRules)
        return fail(Code::malformed, "scope", "at most " + std::to_string(kMaxRules) + " rules, please");
    for (const Scope::Rule& rule : wanted.scope.rules)
        if (auto parsed = parseRule(ruleText(rule)); !parsed)
            return fail(parsed.error());
    if (wanted.life < std::chrono::seconds(1) || wanted.life > kLongestLife)
        return fail(Code::malformed, "expiry", "a token works for two years at most");
    if (maker && (maker->disabled || wanted.role > maker->role))
        return fail(Code::denied, "role", "no token can do more than its maker");
    Made made;
    Token& token = made.token;
    token.id = randomText(kBase62, kIdLength);
    token.name = wanted.name;
    made.text = std::string(kStart) + token.id + "_" + randomText(kBase62, kSecretLength);
    token.hash = sha256(made.text);
    token.role = wanted.role;
    token.scope = wanted.scope;
    token.maker = maker ? maker->id : "";
    token.madeBy = maker ? maker->name : kConsole;
    token.created = clocks_.wall();
    token.expires = token.created + wanted.life;

    const std::lock_guard writing(writing_);
    std::vector<Token> changed = list();
    makeRoom(changed, token.created);
    if (changed.size() >= kMaxTokens)
        return fail(Code::busy, "tokens", std::to_string(kMaxTokens) + " work, and no more can be; revoke some");
    for (const Token& other : changed) {
        if (other.name == token.name && works(other, token.created))
            return fail(Code::duplicate, "token " + other.id, "has that name and still works");
        if (other.id == token.id)
            return fail(Code::busy, "tokens", "two of one id by chance; try again");
    }
    changed.push_back(token);
    if (auto written = writePrivateFile(path_, writeTokens(changed)); !written)
        return fail(written.error());
    const std::lock_guard lock(mutex_);
    // Uses went on meanwhile, and those stay unwritten.
    for (Token& kept : changed)
        for (const Token& now : tokens_)
            if (now.id == kept.id)
                kept = now;
    tokens_ = std::move(changed);
    return made;
}

std::vector<Token> Tokens::list() const {
    const std::lock_guard lock(mutex_);
    return tokens_;
}

std::optional<Token> Tokens::byId(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    for (const Token& token : tokens_)
        if (token.id == id)
            return token;
    return std::nullopt;
}

Token* Tokens::match(std::string_view text) {
    return text.size() == kLength && text.starts_with(kStart) ? match(text, sha256(text)) : nullptr;
}

Token* Tokens::match(std::string_view text, std::string_view hash) {
    for (Token& token : tokens_)
        if (token.id == text.substr(kStart.size(), kIdLength))
            return sameSecret(token.hash, hash) ? &token : nullptr;
    return nullptr;
}

Result<Tokens::Access> Tokens::use(std::string_view text, std::string_view source) {
    const Timestamp now = clocks_.wall();
    Token token;
    {
        const std::lock_guard lock(mutex_);
        const Token* const found = match(text);
        if (found == nullptr)
            return refused("", "unknown");
        token = *found;
    }
    if (token.revoked)
        return refused(token.id, "was revoked: " + token.revokedBecause);
    if (now >= token.expires)
        return refused(token.id, "has expired");
    Access access{token.id, token.name, token.role, std::move(token.scope)};
    if (!token.maker.empty()) {
        const auto maker = lookUp_(token.maker);
        if (!maker || maker->disabled)
            return refused(token.id, "its maker, " + token.madeBy + ", is gone or disabled");
        access.role = std::min(access.role, maker->role);
    }
    const std::lock_guard lock(mutex_);
    Token* const found = match(text, token.hash);
    if (found == nullptr || found->revoked)
        return refused(token.id, "was revoked just now");
    found->lastUsed = now;
    found->lastSource = source.substr(0, kLongestSource);
    dirty_ = true;
    return access;
}

Result<void> Tokens::revoke(std::string_view id, std::string_view because) {
    const std::lock_guard writing(writing_);
    {
        const std::lock_guard lock(mutex_);
        const auto found =
            std::find_if(tokens_.begin(), tokens_.end(), [&](const Token& token) { return token.id == id; });
        if (found == tokens_.end())
            return fail(Code::missing, "token " + std::string(id.substr(0, kIdLength)), "there is no such token");
        if (found->revoked)
            return fail(Code::conflict, "token " + found->id, "was revoked before: " + found->revokedBecause);
        found->revoked = clocks_.wall();
        found->revokedBecause = because.substr(0, kMaxReason);
        dirty_ = true;
    }
    return write();
}

std::optional<std::string> Tokens::revokeSeen(std::string_view text, std::string_view because) {
    std::string id;
    {
        const std::lock_guard lock(mutex_);
        const Token* const found = match(text);
        if (found == nullptr || !works(*found, clocks_.wall()))
            return std::nullopt;
        id = found->id;
    }
    (void)revoke(id, because);  // in force in any case, and flush() writes what could not be written
    return id;
}

Result<void> Tokens::flush() {
    const std::lock_guard writing(writing_);
    return write();
}

Result<void> Tokens::write() {
    std::vector<Token> copy;
    {
        const std::lock_guard lock(mutex_);
        if (!dirty_)
            return {};
        dirty_ = false;
        copy = tokens_;
    }
    auto written = writePrivateFile(path_, writeTokens(copy));
    if (!written) {
        const std::lock_guard lock(mutex_);
        dirty_ = true;
    }
    return written;
}

}  // namespace muster::webui
