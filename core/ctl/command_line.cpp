#include "ctl/command_line.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

#include "CLI/CLI.hpp"

#include "api/json_text.h"
#include "api/text.h"
#include "ctl/exit_codes.h"

namespace muster::ctl {

namespace {

constexpr const char* kDefaultControl = "/run/muster/control.sock";
constexpr std::size_t kMaxFile = 60 * 1024;  // octets: it must fit into a request's body

/// All that CLI11 writes into while it parses.
struct Held {
    Globals globals;
    std::string format = "table";
    std::map<const Command*, std::map<std::string, std::vector<std::string>>> values;
    std::map<const Command*, std::map<std::string, std::string>> secretFiles;
    std::map<const Command*, std::map<std::string, bool>> secretsAsked;
    std::map<const Command*, std::string> files;
};

std::string describe(const Parameter& parameter) {
    std::string out = harmless(parameter.help);
    if (!parameter.fallback.empty())
        out += (out.empty() ? "" : " ") + ("[default " + harmless(parameter.fallback) + "]");
    return out;
}

/// A list of objects is one word: JSON, which CLI11 would take apart at its commas.
bool severalWords(const Parameter& parameter) noexcept {
    return parameter.isList() && parameter.type != "list of objects";
}

void addParameter(CLI::App& app, const Parameter& parameter, bool positional, bool required,
                  std::vector<std::string>& into) {
    const std::string name = positional ? parameter.option : "--" + parameter.option;
    CLI::Option* option = nullptr;
    if (parameter.isFlag() && !positional)
        option = app.add_flag_function(
            name, [&into](std::int64_t count) { into.assign(1, count > 0 ? "true" : "false"); }, describe(parameter));
    else
        option = app.add_option(name, into, describe(parameter));
    if (!parameter.isFlag()) {
        if (!severalWords(parameter))
            option->expected(1)->allow_extra_args(false);  // else CLI11 gives it the words of the next argument too
        option->type_name(parameter.isFile()            ? "FILE"
                          : parameter.isList()          ? "…"
                          : parameter.type == "integer" ? "N"
                                                        : "TEXT");
        if (!parameter.choices.empty())
            option->check(CLI::IsMember(std::set<std::string>(parameter.choices.begin(), parameter.choices.end())));
    }
    option->required(required);
    option->multi_option_policy(severalWords(parameter) ? CLI::MultiOptionPolicy::TakeAll
                                                        : CLI::MultiOptionPolicy::Throw);
}

CLI::App* descend(CLI::App& app, const std::string& word) {
    for (CLI::App* known : app.get_subcommands([](CLI::App*) { return true; }))
        if (known->get_name() == word)
            return known;
    CLI::App* fresh = app.add_subcommand(word);
    fresh->fallthrough();
    fresh->require_subcommand(0, 1);
    return fresh;
}

void addGlobals(CLI::App& app, Held& held) {
    app.add_option("-c,--control", held.globals.control, "The daemon's control socket")->type_name("PATH");
    app.add_option("-o,--output", held.format, "table, json or csv")
        ->check(CLI::IsMember(std::set<std::string>{"table", "json", "csv"}))
        ->type_name("FORMAT");
    app.add_flag("-y,--yes", held.globals.yes, "Do not ask before something is removed or replaced");
}

/// The command whose words were typed: the last subcommand that was met.
const Command* chosen(CLI::App& app, const std::map<const CLI::App*, const Command*>& leaves, CLI::App** deepest) {
    CLI::App* at = &app;
    while (true) {
        const auto parsed = at->get_subcommands();
        if (parsed.empty())
            break;
        at = parsed.front();
    }
    *deepest = at;
    const auto found = leaves.find(at);
    return found == leaves.end() ? nullptr : found->second;
}

Json typed(const Parameter& parameter, const std::string& text) {
    if (parameter.type == "integer" || parameter.type == "list of integers") {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size())
            return number;
        return text;  // the daemon says what is wrong with it
    }
    if (parameter.isFlag())
        return text == "true";
    if (parameter.type == "object" || parameter.type == "list of objects" || parameter.type == "number")
        if (auto value = api::parseJson(text))
            return std::move(*value);
    return text;
}

Result<std::string> contents(const std::string& name) {
    std::ifstream file;
    if (name != "-")
        file.open(name, std::ios::binary);
    std::istream& in = name == "-" ? std::cin : file;
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (in.bad() || (name != "-" && !file.is_open()))
        return fail(Code::missing, name, "cannot be read; give the path of a file, or - for standard input");
    if (text.size() > kMaxFile)
        return fail(Code::malformed, name, "is longer than 60 KiB, which is more than one request carries");
    return text;
}

}  // namespace

std::string controlPath(const std::vector<std::string>& words, const char* environment) {
    std::string path = environment != nullptr && *environment != '\0' ? environment : kDefaultControl;
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const std::string& word = words[i];
        if ((word == "-c" || word == "--control") && i + 1 < words.size())
            path = words[++i];
        else if (word.rfind("--control=", 0) == 0)
            path = word.substr(10);
        else if (word.size() > 2 && word.rfind("-c", 0) == 0)
            path = word.substr(word[2] == '=' ? 3 : 2);
    }
    return path;
}

Parsed parse(const std::vector<Command>& commands, const std::vector<std::string>& words, const char* environment) {
    Held held;
    std::map<const CLI::App*, const Command*> leaves;
    CLI::App app("Asks a running musterd, and tells it what to do.", "musterctl");
    app.require_subcommand(0, 1);
    addGlobals(app, held);
    for (const Command& command : commands) {
        CLI::App* leaf = &app;
        for (const std::string& word : command.words)
            leaf = descend(*leaf, word);
        leaf->description(harmless(command.summary));
        if (command.words.size() > 1) {
            CLI::App* noun = descend(app, command.words.front());
            if (leaves.find(noun) == leaves.end())  // a noun alone has no summary: its verbs say what it is
                noun->description(noun->get_description() + (noun->get_description().empty() ? "" : ", ") +
                                  command.words[1]);
        }
        leaves[leaf] = &command;
        auto& values = held.values[&command];
        for (const Parameter* parameter : command.positionals())
            addParameter(*leaf, *parameter, true, parameter->required || !parameter->isFile(), values[parameter->name]);
        for (const Parameter* parameter : command.options()) {
            Parameter option = *parameter;
            if (command.list && option.name == "limit") {  // the API's is that of one page; here all pages are fetched
                option.help = "Stop after so many items.";
                option.fallback.clear();
            }
            addParameter(*leaf, option, false, option.required, values[option.name]);
        }
        for (const Parameter* parameter : command.hidden()) {
            const std::string name = "--" + parameter->option;
            CLI::Option* file = leaf->add_option(name + "-file", held.secretFiles[&command][parameter->name],
                                                 describe(*parameter) + " From this file; - is standard input.")
                                    ->type_name("FILE");
            leaf->add_flag(
                    name, held.secretsAsked[&command][parameter->name],
                    "Ask for it at the terminal" +
                        std::string(parameter->required ? "; so it is without --" + parameter->option + "-file" : ""))
                ->excludes(file);
        }
        if (command.file)
            leaf->add_option("-t,--to", held.files[&command],
                             "The file to write; it must not be there yet. Without it, standard output.")
                ->type_name("FILE");
        if (command.upload)
            leaf->add_option("file", held.files[&command], "The file to send, or - for standard input")
                ->type_name("FILE")
                ->required();
    }
    Parsed parsed;
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
        app.parse(reversed);
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        std::ostringstream wrong;
        const int code = app.exit(error, out, wrong);
        parsed.exitCode = code == 0 ? kDone : kUsage;
        parsed.text = code == 0 ? out.str() : "musterctl: " + harmless(error.what()) + "\nTry musterctl --help\n";
        return parsed;
    }
    CLI::App* deepest = &app;
    parsed.invocation.command = chosen(app, leaves, &deepest);
    if (parsed.invocation.command == nullptr) {
        parsed.exitCode = kUsage;
        parsed.text = deepest->help();
        return parsed;
    }
    parsed.invocation.globals = held.globals;
    parsed.invocation.globals.control = controlPath(words, environment);
    parsed.invocation.globals.format = held.format == "json"  ? Format::json
                                       : held.format == "csv" ? Format::csv
                                                              : Format::table;
    for (auto& [name, given] : held.values[parsed.invocation.command])
        if (!given.empty())
            parsed.invocation.values[name] = std::move(given);
    for (const Parameter* parameter : parsed.invocation.command->hidden()) {
        const std::string& file = held.secretFiles[parsed.invocation.command][parameter->name];
        if (!file.empty())
            parsed.invocation.secretFiles[parameter->name] = file;
        else if (parameter->required || held.secretsAsked[parsed.invocation.command][parameter->name])
            parsed.invocation.secretsAsked.insert(parameter->name);
    }
    parsed.invocation.file = held.files[parsed.invocation.command];
    return parsed;
}

Result<void> fetchSecrets(Invocation& invocation, const AskSecret& ask, std::istream& in) {
    const auto firstLine = [](std::istream& from) {
        std::string line;
        std::getline(from, line);
        if (!line.empty() && line.back() == '\r')
            line.pop_back();
        return line;
    };
    for (const auto& [name, file] : invocation.secretFiles) {
        std::ifstream opened;
        if (file != "-")
            opened.open(file, std::ios::binary);
        std::istream& from = file == "-" ? in : opened;
        std::string text{std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
            text.pop_back();
        if (text.empty() || text.size() > kMaxFile)
            return fail(Code::missing, file,
                        "cannot be read, is empty, or is longer than 60 KiB; give a file that holds the secret alone");
        invocation.values[name] = {std::move(text)};
    }
    for (const Parameter* parameter : invocation.command->hidden()) {
        if (invocation.secretsAsked.find(parameter->name) == invocation.secretsAsked.end())
            continue;
        if (!ask) {
            std::string line = parameter->required ? firstLine(in) : std::string();
            if (line.empty())
                return fail(Code::missing, "--" + parameter->option,
                            "nobody is here to ask; give --" + parameter->option + "-file FILE");
            invocation.values[parameter->name] = {std::move(line)};
            continue;
        }
        const auto once = ask(parameter->option);
        if (!once || once->empty())
            return fail(Code::missing, "--" + parameter->option,
                        "nothing was given; type it, or give --" + parameter->option + "-file FILE");
        if ((parameter->required || parameter->minimum > 1) && ask(parameter->option + " again") != once)
            return fail(Code::malformed, "--" + parameter->option, "the two are not the same; try again");
        invocation.values[parameter->name] = {*once};
    }
    return {};
}

Result<Request> request(const Invocation& invocation) {
    const Command& command = *invocation.command;
    const auto given = [&](const Parameter& parameter) -> const std::vector<std::string>* {
        const auto found = invocation.values.find(parameter.name);
        return found == invocation.values.end() ? nullptr : &found->second;
    };
    Request out;
    out.target = command.path;
    for (const Parameter& parameter : command.path_) {
        const std::string mark = "{" + parameter.name + "}";
        const auto* values = given(parameter);
        if (const std::size_t at = out.target.find(mark); at != std::string::npos && values != nullptr)
            out.target.replace(at, mark.size(), api::percentEncode(values->front()));
    }
    char separator = '?';
    for (const Parameter& parameter : command.query)
        if (const auto* values = given(parameter))
            for (const std::string& value : *values) {
                out.target += separator + api::percentEncode(parameter.name) + "=" + api::percentEncode(value);
                separator = '&';
            }
    Json body;
    for (const Parameter& parameter : command.body) {
        const auto* values = given(parameter);
        if (values == nullptr)
            continue;
        if (parameter.isFile()) {
            auto text = contents(values->front());
            if (!text)
                return fail(std::move(text.error()));
            body.set(parameter.name, std::move(*text));
        } else if (severalWords(parameter)) {
            Json::Array items;
            for (const std::string& value : *values)
                items.push_back(typed(parameter, value));
            body.set(parameter.name, std::move(items));
        } else if (parameter.name == "value" && values->front() == "-") {
            auto text = contents("-");  // a secret setting, which no list of processes should show
            if (!text)
                return fail(std::move(text.error()));
            while (!text->empty() && (text->back() == '\n' || text->back() == '\r'))
                text->pop_back();
            body.set(parameter.name, std::move(*text));
        } else {
            body.set(parameter.name, typed(parameter, values->front()));
        }
    }
    if (body.object() != nullptr)
        out.body = api::dumpJson(body);
    return out;
}

std::vector<std::string> complete(const std::vector<Command>& commands, const std::vector<std::string>& words) {
    static const std::vector<std::string> kGlobals{"--control", "--output", "--yes", "--help"};
    const std::string last = words.empty() ? "" : words.back();
    std::vector<std::string> path;  // words of a command so far
    std::size_t positionals = 0;    // behind them
    const Command* command = nullptr;
    std::string awaited;  // the option whose value comes next
    const auto isPrefix = [&](const Command& one, const std::vector<std::string>& beginning) {
        return one.words.size() >= beginning.size() &&
               std::equal(beginning.begin(), beginning.end(), one.words.begin());
    };
    const auto optionOf = [&](const std::string& word) -> const Parameter* {
        if (command != nullptr)
            for (const Parameter* parameter : command->options())
                if ("--" + parameter->option == word)
                    return parameter;
        return nullptr;
    };
    const auto isSecretFile = [&](const std::string& word) {
        const auto hidden = command != nullptr ? command->hidden() : std::vector<const Parameter*>();
        return std::any_of(hidden.begin(), hidden.end(),
                           [&](const Parameter* parameter) { return word == "--" + parameter->option + "-file"; });
    };
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const std::string& word = words[i];
        if (!awaited.empty()) {
            awaited.clear();
        } else if (word == "-c" || word == "--control" || word == "-o" || word == "--output" || isSecretFile(word)) {
            awaited = word;
        } else if (word.rfind("--", 0) == 0) {
            const Parameter* option = optionOf(word);
            awaited = option != nullptr && !option->isFlag() ? word : "";
        } else if (word.rfind('-', 0) != 0) {
            std::vector<std::string> longer = path;
            longer.push_back(word);
            const bool more = std::any_of(commands.begin(), commands.end(),
                                          [&](const Command& one) { return isPrefix(one, longer); });
            if (more && positionals == 0)
                path = std::move(longer);
            else
                ++positionals;
            command = nullptr;
            for (const Command& one : commands)
                if (one.words == path)
                    command = &one;
        }
    }
    std::vector<std::string> candidates;
    if (awaited == "-o" || awaited == "--output") {
        candidates = {"table", "json", "csv"};
    } else if (const Parameter* option = optionOf(awaited)) {
        candidates = option->choices;
    } else if (awaited.empty() && last.rfind('-', 0) == 0) {
        candidates = kGlobals;
        if (command != nullptr)
            for (const Parameter* parameter : command->options())
                candidates.push_back("--" + parameter->option);
        if (command != nullptr)
            for (const Parameter* parameter : command->hidden())
                candidates.insert(candidates.end(), {"--" + parameter->option, "--" + parameter->option + "-file"});
        if (command != nullptr && command->file)
            candidates.emplace_back("--to");
    } else if (awaited.empty()) {
        if (positionals == 0)
            for (const Command& one : commands)
                if (isPrefix(one, path) && one.words.size() > path.size())
                    candidates.push_back(one.words[path.size()]);
        if (command != nullptr) {
            const auto expected = command->positionals();
            if (positionals < expected.size())
                candidates.insert(candidates.end(), expected[positionals]->choices.begin(),
                                  expected[positionals]->choices.end());
        }
    }
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                    [&](const std::string& one) { return one.rfind(last, 0) != 0; }),
                     candidates.end());
    return candidates;
}

}  // namespace muster::ctl
