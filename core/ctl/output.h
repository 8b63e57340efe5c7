/// Answers for people (table), for programs (JSON) and for spreadsheets (CSV).
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"

#include "ctl/catalog.h"

namespace muster::ctl {

enum class Format : unsigned char { table, json, csv };

/// Text for a terminal: control characters, marks that turn the direction of text, and what is no UTF-8 are written
/// out. @param lines  newlines and tabs stay as they are
std::string harmless(std::string_view text, bool lines = false);

/// Writes items as they come. Call begin(), items page by page, end().
class Writer {
public:
    Writer(std::ostream& out, Format format, const Command& command);

    void begin();
    void items(const Json::Array& page);
    void end();
    /// The one object of an answer that is no list.
    void object(const Json& object);
    /// One line of a stream.
    void line(const Json& object);

private:
    void row(const Json& item);
    void tableRow(const std::vector<std::string>& cells);
    void details(const Json& object, const std::vector<Parameter>& fields, const std::string& indent);

    std::ostream& out_;
    Format format_;
    std::vector<Parameter> columns_;  ///< what is shown: of a table those marked as columns, else all
    std::vector<Parameter> all_;
    std::vector<std::size_t> widths_;
    bool first_ = true;
};

}  // namespace muster::ctl
