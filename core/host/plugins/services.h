/// What the plugin host needs of the rest of the daemon. The daemon implements it; tests have one of their own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/authority.h"
#include "muster/event.h"
#include "muster/exchange.h"
#include "muster/json.h"
#include "muster/plugin.h"
#include "muster/pool.h"
#include "muster/reactor.h"
#include "muster/result.h"
#include "muster/schema.h"

#include "api/operations.h"
#include "host/plugins/metrics.h"

namespace muster::plugins {

/// All references given out outlive the plugin host. @thread any, unless a function says otherwise
class Services {
public:
    virtual ~Services() = default;

    virtual Mode mode() const noexcept = 0;
    /// The state directory of the present mode: STATE, or STATE/lab. Exists.
    virtual std::string stateDirectory() const = 0;
    /// STATE itself.
    virtual std::string sharedDirectory() const { return stateDirectory(); }
    /// Whether there may be nothing to write to: a plugin's directory that cannot be made is no reason to refuse it.
    virtual bool stateIsOptional() const noexcept { return false; }

    // --- settings
    /// Section `section` exists from now on, with these fields (constant data, valid for ever); called once a plugin's
    /// file has been judged, before it is started, and again with the successor's fields.
    /// On an error nothing changes.
    /// @error malformed  what the file says in that section breaks the schema: the plugin is rejected with that text.
    ///                   Before the settings file was read for the first time there is nothing to judge.
    virtual Result<void> describeSettings(std::string_view section, Fields fields) = 0;
    /// The plugin of that section is gone: its keys in the file are let be.
    virtual void forgetSettings(std::string_view section) noexcept = 0;
    /// The value in force: environment, file, or the field's default; nullopt if there is no such key or no value.
    virtual std::optional<SettingValue> setting(std::string_view section, std::string_view key) const = 0;

    /// As Host::changeSettings(); the plugin host is told later, on a thread that is inside of no plugin.
    /// @param edits  with values as text, as SettingsStore::change() takes them
    virtual Result<std::uint32_t> changeSettings(
        std::string_view section, const std::vector<std::pair<std::string, std::optional<std::string>>>& edits,
        std::string_view author, std::string_view comment) = 0;
    /// As Host::settingFixed().
    virtual std::string settingFixed(std::string_view section, std::string_view key) const = 0;

    // --- telling people; both escape what they are given
    virtual void log(Severity severity, std::string_view channel, std::string_view text) = 0;
    /// @param source  "core" or the plugin's name
    virtual void journal(std::string_view source, const EventSpec& spec, Json fields) = 0;
    /// As Host::audit(). @param plugin  the front that it comes from
    virtual void audit(std::string_view plugin, AuditNote note) = 0;
    /// As Host::troubles(); the plugin host takes them back when the plugin goes.
    virtual void troubles(std::string_view plugin, std::vector<std::string> lines) = 0;

    // --- registries. The plugin host adds, replaces and removes by owner; it never touches rows of owner "core".
    virtual api::OperationTable& operations() noexcept = 0;
    virtual Metrics& metrics() noexcept = 0;
    /// The authority of `mode` from now on; nullptr: none, clients get a fault. The one before may still be inside
    /// decide() on a reactor: the plugin host waits for it, not this function. The object is valid for ever.
    virtual void setAuthority(Mode mode, Authority* authority) noexcept = 0;

    // --- services handed through to plugins
    virtual unsigned reactorCount() const noexcept = 0;
    virtual Reactor& reactor(unsigned index) noexcept = 0;
    virtual Dispatcher& dispatcher() noexcept = 0;
    virtual Pool& pool() noexcept = 0;
    virtual void onReactors(const std::function<void(Reactor&)>& work) = 0;

    // --- listening sockets: as Host says. The plugin host asks at most once for one address and keeps the owner;
    //     a successor gets a duplicate of the descriptor. On the way to the end of the process nothing is closed here,
    //     so that systemd's file descriptor store keeps them for the next start.
    virtual Result<int> listenSocket(const Address& address, bool forClients) = 0;
    virtual void closeListenSocket(const Address& address) noexcept = 0;
    /// Of those for clients.
    virtual std::vector<Address> listening() const = 0;
    /// As Host::licensedHosts().
    virtual std::vector<LicensedHost> licensedHosts() const { return {}; }

    /// As Host::serve().
    virtual FrontAnswer serve(const FrontRequest& /*request*/) noexcept {
        FrontAnswer none;
        none.status = 404;
        return none;
    }

    /// As Host::secureUpdate().
    virtual Result<SecureUpdateOutcome> secureUpdate(const SecureUpdate& update) {
        return fail(Code::missing, "secure update of zone " + update.zone, "this host offers no GSS-TSIG");
    }
};

}  // namespace muster::plugins
