/// The people who may log in.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "account.h"
#include "clocks.h"
#include "password.h"
#include "user_file.h"

namespace muster::webui {

/// Kept in one private file, replaced whole after each change; what is answered is on the disk. There is always an
/// enabled administrator once there is a user at all. Names are looked up without regard to case. Somebody who lost
/// password or second factor is helped by another administrator, or by root at the console.
/// @thread any; changes and password checks block for the disk or the processor
class Users {
public:
    struct Enrolment {
        std::string secret;  ///< base32, for typing
        std::string uri;     ///< for a QR code
    };

    /// No file: no users yet.
    /// @param hasher     outlives this
    /// @error malformed, incompatible, storage  the file cannot be used, and why; it is left as it is, and nothing can
    ///                   be written over it, because there is no Users then
    static Result<std::unique_ptr<Users>> open(std::string path, PasswordHasher& hasher, Clocks clocks = {});

    bool empty() const;
    std::vector<Account> list() const;
    std::optional<Account> find(std::string_view name) const;
    std::optional<Account> byId(std::string_view id) const;
    /// Has `name` logged in from there before? False for an unknown name. @param source  as sourceOf() writes it
    bool knows(std::string_view name, std::string_view source) const;

    /// All that change: @error storage  not written; nothing has changed
    ///                  @error missing  no user of that name

    /// @error malformed  no name, or a password that judgePassword() refuses
    /// @error duplicate  the name is taken
    /// @error busy       kMaxUsers there are, or as PasswordHasher
    Result<Account> add(std::string_view name, Role role, std::string_view password);
    /// The administrator of the first run. @error conflict  there is a user already; else as add()
    Result<Account> addFirst(std::string_view name, std::string_view password);
    /// The last three: @error conflict  it is the last enabled administrator
    Result<void> remove(std::string_view name);
    Result<void> setRole(std::string_view name, Role role);
    Result<void> setDisabled(std::string_view name, bool disabled);

    /// By another administrator or at the console. Ends the user's sessions. @error malformed, busy  as add()
    Result<void> setPassword(std::string_view name, std::string_view password);
    /// By the user. Reserve a try of the throttle first: this is as good a place to guess as the log-in.
    /// @error denied    `old` is wrong
    /// @error conflict  changed meanwhile
    Result<void> changePassword(std::string_view name, std::string_view old, std::string_view password);
    /// Is it the password of an enabled user? Takes as long for one who does not exist. A hash of an older cost is made
    /// anew. @error busy  as PasswordHasher: nothing is known
    Result<bool> checkPassword(std::string_view name, std::string_view password);

    /// A new secret, in memory until it is confirmed; what the user has stays in force so long.
    /// @param issuer  as for otpauthUri()
    Result<Enrolment> beginTotp(std::string_view name, std::string_view issuer);
    /// @error denied    the code is wrong: the app's clock, or another secret
    /// @error conflict  nothing was begun
    Result<void> confirmTotp(std::string_view name, std::string_view code);
    /// Ends the user's sessions.
    Result<void> removeTotp(std::string_view name);
    /// Is it a code that this user may use now? Then nobody may use it again, also after a restart. Should the disk
    /// fail, only until then: the owner must get in to see why.
    bool useTotp(std::string_view name, std::string_view code);

    /// Time and source of a log-in. Every log-in writes the file once.
    Result<void> recordLogin(std::string_view name, std::string_view source);

private:
    Users(std::string path, PasswordHasher& hasher, Clocks clocks, std::vector<User> users);

    std::optional<User> get(std::string_view name) const;
    Result<Account> addUser(std::string_view name, Role role, std::string_view password, bool first);
    /// Lets `edit` change a copy, writes that, and only then takes it. One change at a time; readers go on meanwhile.
    Result<void> change(const std::function<Result<void>(std::vector<User>&)>& edit);
    Result<void> changeOne(std::string_view name, const std::function<Result<void>(User&)>& edit);

    const std::string path_;
    PasswordHasher& hasher_;
    const Clocks clocks_;
    std::mutex writing_;        ///< taken before mutex_
    mutable std::mutex mutex_;  ///< never held for the disk
    std::vector<User> users_;
    std::map<std::string, std::string> pending_;  ///< id to secret
};

}  // namespace muster::webui
