/// The border between the core and a C++ plugin: one const descriptor with a frozen prefix, and the two pure
/// interfaces Plugin and Host. Built together with the firmware: the build id says so.
///
/// A whole plugin:
///     class Heartbeat final : public muster::Plugin { … explicit Heartbeat(muster::Host& host); void start() override;
///     … }; MUSTER_PLUGIN(heartbeat, Heartbeat, "1.0.0", .settings = kSettings);
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "muster/event.h"
#include "muster/exchange.h"
#include "muster/family.h"
#include "muster/front.h"
#include "muster/json.h"
#include "muster/operation.h"
#include "muster/pool.h"
#include "muster/reactor.h"
#include "muster/result.h"
#include "muster/schema.h"
#include "muster/secure_update.h"
#include "muster/types.h"

namespace muster {

class Authority;  // muster/authority.h, of the firmware only

/// A number that only grows. Exported with the prefix muster_. @thread any
class Counter {
public:
    std::uint64_t operator++() noexcept { return value_.fetch_add(1, std::memory_order_relaxed) + 1; }
    std::uint64_t operator+=(std::uint64_t n) noexcept { return value_.fetch_add(n, std::memory_order_relaxed) + n; }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A number that goes up and down. @thread any
class Gauge {
public:
    void set(std::int64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    void add(std::int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> value_{0};
};

/// A setting's value as its field's type says: text, choice, address, network, guid as std::string; integer, duration
/// (milliseconds), size (octets) as std::int64_t; boolean as bool; lists as vectors. Of a list of objects each is a
/// Json object with the members of the schema in its order, checked as settings are: scalars in the forms above, lists
/// as arrays, defaults filled in; a member without value and default is absent.
using SettingValue = std::variant<std::string, std::int64_t, bool, std::vector<std::string>, std::vector<std::int64_t>,
                                  std::vector<Json>>;

/// One change to a setting of the plugin's own section.
struct SettingEdit {
    std::string key;  ///< without the section: "upstreams"
    /// As settingValue() gives it, or the text that `musterctl settings set` takes; nothing: back to the default.
    std::optional<SettingValue> value;
};

/// Something for the audit log that is no operation's result: a login, a failed one, a setup.
struct AuditNote {
    std::string who;              ///< as Caller::name; of a failed login what was tried, as it came
    std::string from;             ///< as Caller::source
    std::string action;           ///< "login", "logout", "setup"
    Json what = {};               ///< object; without secrets
    std::string result = "done";  ///< or the code of what it was refused with: "denied"
    std::string detail = {};      ///< a sentence
};

/// A loaded family, for those who need more than a Product.
class Families {
public:
    virtual ~Families() = default;
    /// @thread any; cheap enough for every request
    virtual Product find(const Guid& counted, const Guid& sku) const noexcept = 0;
    /// nullptr: not loaded. The table stays valid for ever. @thread any
    virtual const muster_family* byName(std::string_view name) const noexcept = 0;
    virtual std::vector<const muster_family*> all() const = 0;
};

/// What the host offers to one plugin. Everything that a plugin registers here goes into the host's ledger and is
/// taken back when the plugin stops or fails; a name that another plugin owns is refused with Fault{duplicate}.
class Host {
public:
    virtual ~Host() = default;

    // --- itself
    virtual std::string_view name() const noexcept = 0;  ///< of the plugin
    virtual Mode mode() const noexcept = 0;
    /// A directory of the plugin's own under the state of the present mode (lab: STATE/lab/NAME), 0700, made on first
    /// call.
    /// A relay that was started with --degraded gets the name of one that is not there, where none can be made: nothing
    /// is kept then, and clients are served.
    /// @error storage  it cannot be made
    virtual std::string stateDirectory() = 0;
    /// As stateDirectory(), but the same in every mode: STATE/NAME. For what belongs to the appliance and not to what
    /// it serves, as its users do.
    virtual std::string sharedDirectory() = 0;

    // --- settings: section [name] of the file, by the plugin's schema
    /// nullopt: the schema has no such key, or it has neither value nor default
    virtual std::optional<SettingValue> settingValue(std::string_view key) const = 0;

    /// Changes settings of the plugin's own section: all of them or none, checked as every change is, as one new
    /// revision of the settings file. They are in force when it returns; the plugin is told as of any change
    /// (settingsChanged(), or a restart), on another thread and after that: also an operation's handler may call it.
    /// @param author   for whom it is done: Caller::name
    /// @param comment  what it does, for the list of revisions: "upstream add kms-b"
    /// @return         the revision's number; the present one if nothing is different
    /// @error malformed              one line per finding in the detail
    /// @error denied                 the command line or the environment fixes it (settingFixed()), or there is no file
    /// @error busy                   another change is under way and does not end
    /// @error conflict, storage, incompatible  nothing was changed
    /// @thread any but a reactor's: it waits for the disk
    virtual Result<std::uint32_t> changeSettings(const std::vector<SettingEdit>& edits, std::string_view author,
                                                 std::string_view comment) = 0;
    /// Why that setting cannot be changed: "command line --relay", "environment variable …"; empty: it can.
    virtual std::string settingFixed(std::string_view key) const = 0;

    std::string setting(std::string_view key, const char* fallback) const { return get<std::string>(key, fallback); }
    std::string setting(std::string_view key, std::string fallback) const { return get(key, std::move(fallback)); }
    bool setting(std::string_view key, bool fallback) const { return get(key, fallback); }
    std::int64_t setting(std::string_view key, std::int64_t fallback) const { return get(key, fallback); }
    std::chrono::milliseconds setting(std::string_view key, std::chrono::milliseconds fallback) const {
        return std::chrono::milliseconds(get<std::int64_t>(key, fallback.count()));
    }
    std::vector<std::string> setting(std::string_view key, std::vector<std::string> fallback) const {
        return get(key, std::move(fallback));
    }
    std::vector<std::int64_t> setting(std::string_view key, std::vector<std::int64_t> fallback) const {
        return get(key, std::move(fallback));
    }
    std::vector<Json> setting(std::string_view key, std::vector<Json> fallback) const {
        return get(key, std::move(fallback));
    }

    // --- telling people. Texts from outside are escaped by the host.
    virtual void log(Severity severity, std::string_view text) = 0;
    /// Writes to the journal. @param id one of the plugin's EventSpecs  @thread any
    virtual void event(std::uint32_t id, Json fields) = 0;
    /// Writes to the audit log; what is not "done" is counted and joined where much of it comes. Operations that change
    /// something, and refusals of them, are there already. @thread any but a reactor's: it waits for the disk
    virtual void audit(AuditNote note) = 0;
    /// What is wrong with this plugin's work now, a clause each, as `musterctl status` shows it; none: nothing.
    /// Replaces what was said before; an authority has troubles() of its own. @thread any
    virtual void troubles(std::vector<std::string> lines) = 0;

    // --- numbers: snake_case, without the prefix muster_: "heartbeat_requests_total". @thread start() only
    virtual Counter& counter(std::string_view name, std::string_view help) = 0;
    virtual Gauge& gauge(std::string_view name, std::string_view help) = 0;

    // --- operations. The strings of `operation` live as long as the plugin. @thread start() only
    virtual void operation(const Operation& operation, Handler handler) = 0;

    // --- services
    virtual unsigned reactorCount() const noexcept = 0;
    virtual Reactor& reactor(unsigned index) noexcept = 0;
    virtual Dispatcher& dispatcher() noexcept = 0;
    virtual Families& families() noexcept = 0;
    virtual Pool& pool() noexcept = 0;
    /// Runs `work` on each reactor's thread and waits until all have done it. @thread not a reactor's
    virtual void onReactors(const std::function<void(Reactor&)>& work) = 0;
    /// A thread of the host's: named, its exceptions caught (they stop the plugin), joined after stop().
    /// @param work  returns soon after `stopping` is true
    virtual void thread(std::string_view name, std::function<void(const std::atomic<bool>& stopping)> work) = 0;
    /// A listening TCP socket, non-blocking, close-on-exec, owned by the host: opened now, or taken over from before a
    /// restart where address and port still match. With TCP_NODELAY and, for IPv6, V6ONLY.
    /// @error denied, missing, duplicate  with the system's words and what to do
    virtual Result<int> listenSocket(const Address& address) = 0;
    /// That address is no longer wanted: closed, also in systemd's file descriptor store.
    virtual void closeListenSocket(const Address& address) noexcept = 0;
    /// Where this appliance listens for clients now: the sockets of plugins of kind `listener`. @thread any
    virtual std::vector<Address> listening() const = 0;
    /// The licensed hosts that the authority asks now; the lab has none. @thread any
    virtual std::vector<LicensedHost> licensedHosts() const = 0;
    /// Has an update sent under GSS-TSIG and waits for its end, `update.limit` at most and a little more.
    /// @return         that it ran; what came of it is in the outcome, and in DNS
    /// @error missing  this host does not offer it: no nsupdate, or no helper to run it
    /// @error malformed, denied, busy  it was not begun
    /// @thread any but a reactor's
    virtual Result<SecureUpdateOutcome> secureUpdate(const SecureUpdate& update) = 0;
    /// Asks the table of operations for one that the front end has let in: for plugins of kind `service` alone.
    /// @error (in the answer, as a problem)  as each operation says; denied where the plugin is of another kind
    /// @thread any but a reactor's: a handler may wait
    virtual FrontAnswer serve(const FrontRequest& request) noexcept = 0;
    /// Registers the authority of its mode. Firmware only.
    virtual void authority(Authority& authority) = 0;

private:
    template <class T>
    T get(std::string_view key, T fallback) const {
        if (auto value = settingValue(key))
            if (T* typed = std::get_if<T>(&*value))
                return std::move(*typed);
        return fallback;
    }
};

class Plugin {
public:
    virtual ~Plugin() = default;
    /// Registers, opens, begins. May throw: then the host takes back what was registered and the plugin is `failed`.
    virtual void start() = 0;
    /// Ends all activity. Called after registrations are gone and calls inside have left; also after a start that
    /// threw.
    virtual void stop() noexcept = 0;
    /// Settings without `restart` have changed; read them again.
    virtual void settingsChanged() {}
};

#define MUSTER_PLUGIN_MAGIC UINT32_C(0x4d504c31) /* "MPL1" */
#define MUSTER_PLUGIN_MAJOR 1
#define MUSTER_PLUGIN_MINOR 0

enum class Kind : std::uint32_t {
    authority = 1,
    listener = 2,
    exporter = 3,
    notifier = 4,
    dnsProvider = 5,
    service = 6
};

/// What a plugin's library exports, under the name muster_plugin_<name> (dashes as underscores).
struct PluginDescriptor {
    // Frozen prefix, 12 octets: all that is trusted until it has passed.
    std::uint32_t magic = MUSTER_PLUGIN_MAGIC;
    std::uint16_t abiMajor = MUSTER_PLUGIN_MAJOR;
    std::uint16_t abiMinor = MUSTER_PLUGIN_MINOR;
    std::uint32_t size = 0;
    // Since 1.0
    std::uint32_t flags = 0;
    const char* buildId = nullptr;
    const char* name = nullptr;
    const char* version = nullptr;
    Plugin* (*create)(Host& host) = nullptr;
    void (*destroy)(Plugin*) noexcept = nullptr;
    Kind kind = Kind::service;
    const char* const* needs = nullptr;  ///< names of plugins, ended by nullptr; or nullptr
    std::span<const Field> settings = {};
    std::span<const EventSpec> events = {};
};

}  // namespace muster

/// The last arguments are designated members from `.kind` on: MUSTER_PLUGIN(relay, Relay, "1.0.0", .settings =
/// kSettings)
#define MUSTER_PLUGIN(symbol, Class, versionText, ...) \
    MUSTER_PLUGIN_NAMED(symbol, #symbol, Class, versionText, __VA_ARGS__)
/// For a name with dashes: the symbol has underscores.
#define MUSTER_PLUGIN_NAMED(symbol, nameText, Class, versionText, ...)                       \
    extern "C" {                                                                             \
    extern MUSTER_EXPORT const ::muster::PluginDescriptor muster_plugin_##symbol;            \
    const ::muster::PluginDescriptor muster_plugin_##symbol{                                 \
        .size = sizeof(::muster::PluginDescriptor),                                          \
        .buildId = MUSTER_BUILD_ID,                                                          \
        .name = nameText,                                                                    \
        .version = versionText,                                                              \
        .create = [](::muster::Host& host) -> ::muster::Plugin* { return new Class(host); }, \
        .destroy = [](::muster::Plugin* plugin) noexcept { delete plugin; },                 \
        __VA_ARGS__};                                                                        \
    }                                                                                        \
    static_assert(true, "")
