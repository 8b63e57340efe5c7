/// What the running daemon offers, as GET /operations says. musterctl knows no operation of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"
#include "muster/result.h"

namespace muster::ctl {

struct Parameter {
    std::string name;    ///< as the API calls it: "lastSeen"
    std::string option;  ///< as a person types it: "last-seen"
    std::string type;    ///< "text", "integer", "list of texts", …
    std::string help;
    std::string fallback;
    std::vector<std::string> choices;
    std::int64_t minimum = 0;  ///< 0: none
    std::int64_t maximum = 0;  ///< 0: none
    bool required = false;
    bool column = false;
    bool secret = false;
    std::vector<Parameter> fields;  ///< of objects

    bool isFlag() const noexcept { return type == "boolean"; }
    bool isList() const noexcept { return type.compare(0, 8, "list of ") == 0; }
    /// A file on this side whose contents are sent.
    bool isFile() const noexcept { return name == "file" && type == "text"; }
    /// What everybody on this machine could read in the list of processes: it is asked for, or comes from a file. A
    /// required `key` is typed all the same: those are the lab's own, and open nothing elsewhere.
    bool isHidden() const noexcept { return secret && !isFile() && !(name == "key" && required); }
};

struct Command {
    std::string method;
    std::string path;
    std::vector<std::string> words;  ///< "client", "show"
    std::string summary;
    std::string confirm;
    bool list = false;
    bool text = false;
    bool stream = false;
    bool file = false;    ///< the answer is a file: --to says where it goes
    bool upload = false;  ///< a file of this side is sent: the last word
    std::vector<Parameter> path_;
    std::vector<Parameter> query;
    std::vector<Parameter> body;
    std::vector<Parameter> answer;

    /// In the order in which they are typed.
    std::vector<const Parameter*> positionals() const;
    std::vector<const Parameter*> options() const;
    /// Never typed: --NAME asks at the terminal, --NAME-file reads a file.
    std::vector<const Parameter*> hidden() const;
};

/// Those with words for the command line. @error malformed  it is no such list
Result<std::vector<Command>> readCatalog(const Json& operations);

}  // namespace muster::ctl
