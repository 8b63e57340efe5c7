/// What core and plugins have announced, what the environment and the command line say, and what a document means by
/// it: values and mistakes. Internal to this room.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/settings/document.h"
#include "host/settings/settings.h"

namespace muster::settings {

/// What is in force for one key.
struct Effective {
    std::optional<SettingValue> value;
    Source source = Source::none;
    std::string reason;  ///< why it cannot be set; empty: it can
};

/// By "section.key".
using Values = std::map<std::string, Effective, std::less<>>;

const Field* fieldOf(Fields fields, std::string_view key) noexcept;
std::string fullKey(std::string_view section, std::string_view key);
/// "only a, b", for findings.
std::string keysOf(Fields fields);
/// What is written in a file or a message, shortened and without control characters.
std::string asWritten(std::string_view raw);

class Sections {
public:
    /// @param secrets  directory of the files that hold secrets; empty: there are none
    explicit Sections(std::filesystem::path secrets) : secrets_(std::move(secrets)) {}

    void readEnvironment(const std::vector<std::string>& environment);
    /// @error malformed  one is not SECTION.KEY=VALUE
    /// @param words  as Options::words
    Result<void> readOverrides(const std::vector<std::string>& overrides,
                               std::map<std::string, std::string, std::less<>> words);

    /// As SettingsStore::announce().
    Result<void> announce(std::string_view owner, std::string_view section, Fields fields);
    void withdraw(std::string_view section);
    bool has(std::string_view section) const { return schemas_.find(section) != schemas_.end(); }
    /// No fields if it was not announced.
    Fields fields(std::string_view section) const;
    const std::vector<std::string>& names() const noexcept { return order_; }  ///< in the order of announcements

    Values values(const Document& document) const;
    /// "environment variable MUSTER_…", "command line …"; empty: the file decides.
    std::string fixedBy(std::string_view section, std::string_view key) const;

    /// All that is wrong with a document.
    /// @param name  of the file, for findings
    Report check(const Document& document, std::string_view name) const;
    /// One section alone, with what the environment and the command line say of it.
    Report checkSection(const Document& document, std::string_view name, std::string_view section) const;
    /// What is wrong with the environment and the command line.
    void checkOverrides(Report& report) const;

private:
    struct Schema {
        std::string owner;
        Fields fields;
    };

    Effective effective(const Document& document, std::string_view section, const Field& field) const;
    void checkFields(const Document& document, std::string_view name, std::string_view section, Report& report) const;
    void checkItem(const Item& item, Fields fields, std::string_view name, std::string_view section,
                   Report& report) const;
    void checkStrangers(const Document& document, std::string_view name, Report& report) const;
    void checkOverrides(std::string_view section, Report& report) const;
    /// "command line --set", "command line --listen"
    std::string wordOf(std::string_view key) const;

    const std::filesystem::path secrets_;
    std::map<std::string, Schema, std::less<>> schemas_;
    std::vector<std::string> order_;
    std::map<std::string, std::string, std::less<>> overrides_;  // "section.key" to value
    std::map<std::string, std::string, std::less<>> words_;      // "section.key" to the option that said it
    std::map<std::string, std::string, std::less<>> environment_;
};

}  // namespace muster::settings
