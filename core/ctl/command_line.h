/// From what was typed and what the daemon offers to one request. Completion goes the same way.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "muster/result.h"

#include "ctl/catalog.h"
#include "ctl/output.h"

namespace muster::ctl {

/// What stands before and among the words of a command.
struct Globals {
    std::string control;  ///< --control, else MUSTER_CONTROL, else /run/muster/control.sock
    Format format = Format::table;
    bool yes = false;
};

/// One command as it was typed.
struct Invocation {
    const Command* command = nullptr;
    Globals globals;
    std::map<std::string, std::vector<std::string>> values;  ///< by the parameter's name in the API
    std::map<std::string, std::string> secretFiles;          ///< where secrets are to be read from, likewise
    std::set<std::string> secretsAsked;                      ///< that a person is to be asked for
    std::string file;  ///< with Command::file, where to (empty: standard output); with upload, where from
};

/// What parsing came to: a command, or a text to print and a code to end with.
struct Parsed {
    Invocation invocation;
    int exitCode = 0;
    std::string text;  ///< help or what is wrong; empty: go on
};

/// Where the daemon is, before anything else is known. @param environment  the value of MUSTER_CONTROL, or nullptr
std::string controlPath(const std::vector<std::string>& words, const char* environment);

/// @param words  without the program's name
Parsed parse(const std::vector<Command>& commands, const std::vector<std::string>& words, const char* environment);

/// What may stand for the last of `words` (which may be empty), one a line.
std::vector<std::string> complete(const std::vector<Command>& commands, const std::vector<std::string>& words);

/// Asks a person for something that is not shown. Nothing: nobody is there, or there was no answer.
using AskSecret = std::function<std::optional<std::string>(const std::string& prompt)>;

/// Fills in the secrets: from their files ("-": standard input), else from a person, else, where one is required, from
/// a line of standard input. A person gives twice what is new: it is required, or has a least length.
/// @error missing, malformed  a file that cannot be read, two that differ, nobody to ask
Result<void> fetchSecrets(Invocation& invocation, const AskSecret& ask, std::istream& in);

/// The target (path and query) and the JSON body of a request. @error malformed  a file that cannot be read
struct Request {
    std::string target;
    std::string body;
};
Result<Request> request(const Invocation& invocation);

}  // namespace muster::ctl
