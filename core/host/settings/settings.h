/// Settings: one TOML file, checked against the schemas that core and plugins announce; changed value by value, kept as
/// numbered revisions.
///
/// Where a value comes from, strongest first: the environment (MUSTER_SECTION__KEY), the command line (--set), the
/// file, the schema's default. Secrets never are in the file: STATE/secrets/SECTION.KEY, mode 0600.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/event.h"
#include "muster/plugin.h"
#include "muster/result.h"
#include "muster/schema.h"
#include "muster/types.h"

#include "api/operations.h"
#include "api/problem.h"

namespace muster::settings {

enum class Source : std::uint8_t { fallback, file, commandLine, environment, secret, none };
/// "default", "file", "command line", "environment", "secret", "not set"
const char* name(Source source) noexcept;

/// One setting as it stands.
struct Setting {
    std::string key;  ///< "listener.max-connections"
    const Field* field = nullptr;
    std::optional<SettingValue> value;
    Source source = Source::none;
    std::string reason;  ///< why it cannot be set here ("environment variable MUSTER_…"); empty: it can
};

/// What a subscriber is told.
struct Change {
    std::string section;
    std::vector<std::string> keys;  ///< without the section
    bool restart = false;           ///< at least one of them has Field::restart
};

struct Revision {
    std::uint32_t number = 0;  ///< 1 is the first
    Timestamp when{};
    std::string author;   ///< "uid 0", "edited by hand"
    std::string comment;  ///< "set listener.port"
};

/// What is wrong and what is only strange.
struct Report {
    std::vector<api::Finding> findings;
    std::vector<std::string> warnings;  ///< "section [x]: no such plugin is loaded; kept as it is"

    bool good() const noexcept { return findings.empty(); }
    /// One line each: "muster.toml:12: listener.port: 70000 found, 1 to 65535 allowed"
    std::string text() const;
};

struct Options {
    std::filesystem::path file;            ///< empty: none, nothing can be changed
    bool fileMayBeMissing = false;         ///< it is made by the first change
    std::filesystem::path stateDirectory;  ///< holds revisions/ and secrets/
    std::vector<std::string> overrides;    ///< of the command line: "listener.max-connections=100"; the last one counts
    /// By which word an override was said, if not by --set: "listener.addresses" by "--listen". For people.
    std::map<std::string, std::string, std::less<>> words;
    /// Environment as "NAME=VALUE"; only what begins with MUSTER_ and has "__" is looked at.
    std::vector<std::string> environment;
    /// Told what an operator should know: a bad new file, an edit by hand. @thread whose call led to it
    std::function<void(Severity, std::string)> notify;
};

/// The process's environment in the form that Options takes.
std::vector<std::string> processEnvironment();

/// @thread any. Subscribers are called on the thread of the change, one change at a time, without a lock that value()
///         needs: they may read settings, but not change them.
class SettingsStore {
public:
    virtual ~SettingsStore() = default;

    /// Reads the file. Schemas are announced afterwards, then check() says what is wrong.
    /// @error missing, storage  the file is not there or cannot be read, with what to do
    /// @error malformed         no TOML (line and column), an override that is not SECTION.KEY=VALUE
    static Result<std::unique_ptr<SettingsStore>> open(Options options);

    // --- schemas
    /// From now on `section` is known: its values can be had, its part of the file is checked.
    /// @param fields  constant data; no object or number fields
    /// @error duplicate     another owner has announced that section
    /// @error incompatible  a field that settings cannot hold, or whose default its own bounds refuse
    virtual Result<void> announce(std::string_view owner, std::string_view section, Fields fields) = 0;
    /// The section's part of the file is kept and no longer checked.
    virtual void withdraw(std::string_view section) = 0;

    // --- reading
    /// All core and plugin sections are announced: check(), and a file that changed while nobody looked becomes a
    /// revision "edited by hand" if it is good. Call it once, at start.
    virtual Report begin() = 0;
    /// All that is wrong with what is in force, against the schemas announced so far. What is wrong has its default.
    virtual Report check() const = 0;
    /// The same for one section: what the host asks before it starts that plugin.
    virtual Report check(std::string_view section) const = 0;
    /// All that is wrong with the file as it lies on the disk now: what reload() would say.
    virtual Report checkFile() const = 0;
    /// All that would be wrong with a file of that text.
    virtual Report checkText(std::string_view text, std::string_view name) const = 0;

    /// nullopt: no such section or key, or it has neither value nor default
    virtual std::optional<SettingValue> value(std::string_view section, std::string_view key) const = 0;
    /// Each setting of each announced section, in the order of the schemas. Values of secrets are left out.
    virtual std::vector<Setting> all() const = 0;

    // --- changing
    using Subscriber = std::function<void(const Change&)>;
    /// At most one per section; it replaces the one before. Takes effect for the next change.
    virtual void subscribe(std::string_view section, Subscriber subscriber) = 0;
    /// A change that is being told on another thread may still reach the subscriber once.
    virtual void unsubscribe(std::string_view section) = 0;

    /// One change of one or more settings. `value` is in the notation of the command line, nothing: back to the
    /// default.
    struct Edit {
        std::string key;
        std::optional<std::string> value;
    };
    /// Checks the whole, replaces only the bytes of those values, writes, applies, keeps a revision.
    /// @param expected  the revision that the author has seen; 0: whichever it is, as long as these keys did not change
    /// @param report    if given, gets all findings one by one
    /// @return          the new revision's number; the present one if nothing changes
    /// @error malformed             one line per finding in the detail
    /// @error denied, conflict, storage, incompatible  nothing was changed
    virtual Result<std::uint32_t> change(const std::vector<Edit>& edits, std::string_view author,
                                         std::string_view comment, std::uint32_t expected,
                                         Report* report = nullptr) = 0;

    /// Runs what it is given later, on a thread that holds nothing which a subscriber may wait for.
    using Later = std::function<void(std::function<void()>)>;
    /// change() for one who is inside of what the subscribers wait for, such as an operation of the plugin whose
    /// section it is: they are told by `later`, and a change that another thread makes is waited for only so long.
    /// @error busy  that other change does not end
    virtual Result<std::uint32_t> changeFromWithin(const std::vector<Edit>& edits, std::string_view author,
                                                   std::string_view comment, const Later& later) = 0;
    /// What makes a setting one that cannot be changed: "command line --relay", "environment variable MUSTER_…", "this
    /// daemon has no settings file"; empty: nothing does.
    virtual std::string fixedBy(std::string_view section, std::string_view key) const = 0;

    /// Reads the file again (SIGHUP). A good one that differs is applied and kept as revision "edited by hand".
    /// @return  true if something changed
    /// @error   malformed, storage: nothing was changed, `notify` was told
    virtual Result<bool> reload() = 0;

    // --- revisions
    virtual std::uint32_t revision() const = 0;  ///< the one in force; 0: none yet
    virtual std::vector<Revision> revisions() const = 0;
    /// The file's text as of then. @error missing
    virtual Result<std::string> revisionText(std::uint32_t number) const = 0;
    /// Unified diff. @param to  0: what is in force
    virtual Result<std::string> diff(std::uint32_t from, std::uint32_t to) const = 0;
    /// Puts the text of that revision in force again, as a new revision.
    virtual Result<std::uint32_t> rollBack(std::uint32_t number, std::string_view author, std::uint32_t expected,
                                           Report* report = nullptr) = 0;

    virtual const std::filesystem::path& file() const noexcept = 0;
};

/// Registers `settings …` and `revision …` as "core". Both must outlive the table's use of them.
Result<void> addOperations(api::OperationTable& table, SettingsStore& store);

}  // namespace muster::settings
