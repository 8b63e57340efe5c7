#include "users.h"

#include <algorithm>

#include "muster/private_file.h"

#include "secrets.h"
#include "totp.h"

namespace muster::webui {

namespace {

constexpr std::size_t kIdOctets = 8;

std::vector<User>::iterator findIn(std::vector<User>& users, std::string_view name) {
    return std::find_if(users.begin(), users.end(),
                        [lowered = lowerAscii(name)](const User& user) { return lowerAscii(user.name) == lowered; });
}

bool hasAdministrator(const std::vector<User>& users) {
    return std::any_of(users.begin(), users.end(),
                       [](const User& user) { return user.role == Role::admin && !user.disabled; });
}

tl::unexpected<Error> unknown(std::string_view name) {
    return fail(Code::missing, "user " + std::string(name.substr(0, kMaxUserName)), "there is no such user");
}

}  // namespace

Users::Users(std::string path, PasswordHasher& hasher, Clocks clocks, std::vector<User> users)
    : path_(std::move(path)), hasher_(hasher), clocks_(std::move(clocks)), users_(std::move(users)) {}

Result<std::unique_ptr<Users>> Users::open(std::string path, PasswordHasher& hasher, Clocks clocks) {
    std::vector<User> users;
    if (const auto text = readPrivateFile(path, kMaxUserFile)) {
        auto parsed = parseUsers(*text);
        if (!parsed)
            return fail(parsed.error().code, path,
                        "the users cannot be read: " + parsed.error().detail +
                            "; restore the file from a backup, or move it away and begin with a new setup code");
        users = std::move(*parsed);
        if (!users.empty() && !hasAdministrator(users))
            return fail(Code::malformed, path,
                        "has no enabled administrator; restore the file from a backup, or move it away and begin with "
                        "a new setup code");
    } else if (text.error().code != Code::missing) {
        return fail(text.error());
    }
    return std::unique_ptr<Users>(new Users(std::move(path), hasher, std::move(clocks), std::move(users)));
}

bool Users::empty() const {
    const std::lock_guard lock(mutex_);
    return users_.empty();
}

std::vector<Account> Users::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<Account> accounts;
    for (const User& user : users_)
        accounts.push_back(user.account());
    return accounts;
}

std::optional<User> Users::get(std::string_view name) const {
    const std::string lowered = lowerAscii(name.substr(0, kMaxUserName + 1));
    const std::lock_guard lock(mutex_);
    for (const User& user : users_)
        if (lowerAscii(user.name) == lowered)
            return user;
    return std::nullopt;
}

std::optional<Account> Users::find(std::string_view name) const {
    const auto user = get(name);
    return user ? std::optional(user->account()) : std::nullopt;
}

std::optional<Account> Users::byId(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    for (const User& user : users_)
        if (user.id == id)
            return user.account();
    return std::nullopt;
}

bool Users::knows(std::string_view name, std::string_view source) const {
    const auto user = get(name);
    return user && std::find(user->sources.begin(), user->sources.end(), source) != user->sources.end();
}

Result<void> Users::change(const std::function<Result<void>(std::vector<User>&)>& edit) {
    const std::lock_guard writing(writing_);
    std::vector<User> changed;
    {
        const std::lock_guard lock(mutex_);
        changed = users_;
    }
    const bool had = hasAdministrator(changed);
    if (auto edited = edit(changed); !edited)
        return edited;
    if (had && !hasAdministrator(changed))
        return fail(Code::conflict, "users", "this is the last enabled administrator; make another one first");
    if (auto written = writePrivateFile(path_, writeUsers(changed)); !written)
        return written;
    const std::lock_guard lock(mutex_);
    users_ = std::move(changed);
    return {};
}

Result<void> Users::changeOne(std::string_view name, const std::function<Result<void>(User&)>& edit) {
    return change([&](std::vector<User>& users) -> Result<void> {
        const auto user = findIn(users, name);
        return user == users.end() ? unknown(name) : edit(*user);
    });
}

Result<Account> Users::addUser(std::string_view name, Role role, std::string_view password, bool first) {
    if (!isUserName(name))
        return fail(Code::malformed, "name",
                    "1 to " + std::to_string(kMaxUserName) +
                        " letters, digits and . _ - @, of which the first is a letter or digit");
    if (auto judged = judgePassword(password, name); !judged)
        return fail(judged.error());
    auto hash = hasher_.hash(password);
    if (!hash)
        return fail(hash.error());
    User user;
    user.id = hex(randomOctets(kIdOctets));
    user.name = name;
    user.role = role;
    user.passwordHash = std::move(*hash);
    user.created = clocks_.wall();
    auto changed = change([&](std::vector<User>& users) -> Result<void> {
        if (first && !users.empty())
            return fail(Code::conflict, "users", "the first administrator is there already; log in");
        if (findIn(users, name) != users.end())
            return fail(Code::duplicate, "user " + user.name, "there is a user of that name");
        if (users.size() >= kMaxUsers)
            return fail(Code::busy, "users", std::to_string(kMaxUsers) + " there are, and no more can be");
        users.push_back(user);
        return {};
    });
    if (!changed)
        return fail(changed.error());
    return user.account();
}

Result<Account> Users::add(std::string_view name, Role role, std::string_view password) {
    return addUser(name, role, password, false);
}

Result<Account> Users::addFirst(std::string_view name, std::string_view password) {
    if (!empty())  // before anything dear
        return fail(Code::conflict, "users", "the first administrator is there already; log in");
    return addUser(name, Role::admin, password, true);
}

Result<void> Users::remove(std::string_view name) {
    return change([&](std::vector<User>& users) -> Result<void> {
        const auto user = findIn(users, name);
        if (user == users.end())
            return unknown(name);
        users.erase(user);
        return {};
    });
}

Result<void> Users::setRole(std::string_view name, Role role) {
    return changeOne(name, [&](User& user) -> Result<void> {
        user.role = role;
        return {};
    });
}

Result<void> Users::setDisabled(std::string_view name, bool disabled) {
    return changeOne(name, [&](User& user) -> Result<void> {
        user.disabled = disabled;
        ++user.stamp;
        return {};
    });
}

Result<void> Users::setPassword(std::string_view name, std::string_view password) {
    if (!find(name))
        return unknown(name);
    if (auto judged = judgePassword(password, name); !judged)
        return judged;
    auto hash = hasher_.hash(password);
    if (!hash)
        return fail(hash.error());
    return changeOne(name, [&](User& user) -> Result<void> {
        user.passwordHash = std::move(*hash);
        ++user.stamp;
        return {};
    });
}

Result<void> Users::changePassword(std::string_view name, std::string_view old, std::string_view password) {
    const auto before = get(name);
    if (!before)
        return unknown(name);
    const auto matched = hasher_.matches(old, before->passwordHash);
    if (!matched)
        return fail(matched.error());
    if (!*matched)
        return fail(Code::denied, "password", "the present password is another one");
    if (auto judged = judgePassword(password, name); !judged)
        return judged;
    auto hash = hasher_.hash(password);
    if (!hash)
        return fail(hash.error());
    return changeOne(name, [&](User& user) -> Result<void> {
        if (user.id != before->id || user.passwordHash != before->passwordHash)
            return fail(Code::conflict, "password", "it was changed meanwhile; log in again");
        user.passwordHash = std::move(*hash);
        ++user.stamp;
        return {};
    });
}

Result<bool> Users::checkPassword(std::string_view name, std::string_view password) {
    const auto user = get(name);
    const bool may = user && !user->disabled;
    auto matched = may ? hasher_.matches(password, user->passwordHash) : hasher_.matchesNobody(password);
    if (!matched || !*matched || !hasher_.needsRehash(user->passwordHash))
        return matched;
    // The old hash is as good as before should this fail: there will be another log-in.
    if (auto hash = hasher_.hash(password))
        (void)changeOne(name, [&](User& now) -> Result<void> {
            if (now.passwordHash != user->passwordHash)
                return fail(Code::conflict, "password", "it was changed meanwhile");
            now.passwordHash = std::move(*hash);
            return {};
        });
    return true;
}

Result<Users::Enrolment> Users::beginTotp(std::string_view name, std::string_view issuer) {
    const auto user = get(name);
    if (!user)
        return unknown(name);
    const std::string secret = randomOctets(kTotpSecret);
    const std::lock_guard lock(mutex_);
    if (pending_.size() >= kMaxUsers)
        pending_.clear();  // begun by users who are gone
    pending_[user->id] = secret;
    return Enrolment{base32(secret), otpauthUri(issuer, user->name, secret)};
}

Result<void> Users::confirmTotp(std::string_view name, std::string_view code) {
    std::string id;
    auto changed = changeOne(name, [&](User& user) -> Result<void> {
        std::string secret;
        {
            const std::lock_guard lock(mutex_);
            const auto found = pending_.find(user.id);
            if (found == pending_.end())
                return fail(Code::conflict, "second factor", "nothing is to be confirmed; begin anew");
            secret = found->second;
        }
        const auto step = totpMatch(secret, code, clocks_.wall(), 0);
        if (!step)
            return fail(Code::denied, "second factor",
                        "the code is wrong; check the clocks of the telephone and of this appliance");
        user.totpSecret = secret;
        user.totpLast = *step;
        id = user.id;
        return {};
    });
    if (changed) {
        const std::lock_guard lock(mutex_);
        pending_.erase(id);
    }
    return changed;
}

Result<void> Users::removeTotp(std::string_view name) {
    return changeOne(name, [](User& user) -> Result<void> {
        user.totpSecret.clear();
        user.totpLast = 0;
        ++user.stamp;
        return {};
    });
}

bool Users::useTotp(std::string_view name, std::string_view code) {
    std::optional<std::uint64_t> step;
    std::string id;
    const auto changed = changeOne(name, [&](User& user) -> Result<void> {
        if (user.totpSecret.empty() || !(step = totpMatch(user.totpSecret, code, clocks_.wall(), user.totpLast)))
            return fail(Code::denied, "second factor", "the code is wrong");
        user.totpLast = *step;
        id = user.id;
        return {};
    });
    if (!step || changed)
        return step.has_value();
    // Right, and the disk failed. Between that and this another thread may have used the same code: one of them wins.
    const std::lock_guard lock(mutex_);
    for (User& user : users_)
        if (user.id == id && user.totpLast < *step) {
            user.totpLast = *step;
            return true;
        }
    return false;
}

Result<void> Users::recordLogin(std::string_view name, std::string_view source) {
    return changeOne(name, [&](User& user) -> Result<void> {
        user.lastLogin = clocks_.wall();
        std::erase(user.sources, source);
        user.sources.emplace_back(source);
        if (user.sources.size() > kMaxKnownSources)
            user.sources.erase(user.sources.begin());
        return {};
    });
}

}  // namespace muster::webui
