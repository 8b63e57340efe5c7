/// A TOML text with the place of every value, and changes to it that leave every other octet alone.
/// Internal to this room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"
#include "muster/result.h"

namespace muster::settings {

inline constexpr std::size_t kMaxFile = std::size_t{1024} * 1024;  ///< octets of a settings file

struct Element;

/// One key of a section.
struct Item {
    std::string key;
    Json value;       ///< dates and floats as {"date": …}, {"float": …}: no setting takes them
    std::string raw;  ///< as it is written
    unsigned line = 0;
    std::size_t keyBegin = 0;       ///< octets from the beginning of the text; of a dotted key: its last part
    std::size_t begin = 0;          ///< of the value
    std::size_t end = 0;            ///< behind the value
    bool isTable = false;           ///< by headers or dotted keys of its own: there is no value to replace as a whole
    std::vector<Element> elements;  ///< of a list of tables, all of them; else none
};

/// One table of a list of tables.
struct Element {
    unsigned line = 0;
    std::size_t begin = 0;  ///< octets: of {…}, or of its header
    std::size_t end = 0;
    std::vector<Item> items;  ///< as they stand in the text

    const Item* find(std::string_view key) const noexcept;
};

/// The line of what a path leads to: "[2].address" in a list of tables. What is not there has the line of what holds
/// it.
unsigned lineOf(const Item& item, std::string_view path) noexcept;

struct Section {
    enum class Shape : unsigned char {
        header,  ///< [section]
        braces,  ///< section = { … }
        dotted,  ///< section.key = …
    };
    std::string name;
    Shape shape = Shape::header;
    unsigned line = 0;
    std::size_t begin = 0;
    std::size_t end = 0;  ///< of braces; else unused
    std::vector<Item> items;

    const Item* find(std::string_view key) const noexcept;
};

class Document {
public:
    /// @param name  of the file, for messages
    /// @error malformed  no TOML: subject "NAME:LINE:COLUMN"; only the first mistake is known
    static Result<Document> parse(std::string text, std::string_view name);

    const std::string& text() const noexcept { return text_; }
    const std::vector<Section>& sections() const noexcept { return sections_; }
    /// Keys of the top level that are no tables: they belong to no section.
    const std::vector<Item>& strays() const noexcept { return strays_; }
    const Section* find(std::string_view section) const noexcept;
    const Item* find(std::string_view section, std::string_view key) const noexcept;
    /// The whole as one value, for comparison.
    Json tree() const;

    /// The text with `key` of `section` being `value` (TOML): its region replaced, or a line added to its section, or a
    /// section added at the end. Of a list of tables only those tables change that are different, also where each has
    /// a header [[section.key]] of its own. Parsed again and compared: anything but that one value changed is an error.
    /// @error incompatible  the file is written in a way that does not allow it; edit it by hand
    Result<Document> with(std::string_view section, std::string_view key, std::string_view value) const;
    /// The text without `key`; the same text if it is not there.
    Result<Document> without(std::string_view section, std::string_view key) const;

private:
    std::string inserted(std::string_view section, std::string_view key, std::string_view value) const;
    Result<Document> addedTo(std::string_view section, std::string_view key, std::string_view value,
                             const Json& wanted) const;
    Result<Document> replacedIn(std::string_view section, const Item& present, const Item& wanted) const;
    Error byHand(std::string_view section, const Item& item) const;
    Result<Document> checked(std::string text, std::string_view section, std::string_view key, const Json* value) const;

    std::string name_;
    std::string text_;
    std::vector<Section> sections_;
    std::vector<Item> strays_;
};

/// Members in the order of their names, at every level: two trees are equal if they hold the same.
void sortMembers(Json& value);

/// A TOML basic string, or a literal one ('…') where `like` is one and that is possible.
std::string tomlString(std::string_view text, std::string_view like = {});

}  // namespace muster::settings
