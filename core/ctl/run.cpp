#include "ctl/run.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>
#include <ostream>

#include "api/json_text.h"
#include "ctl/client.h"
#include "ctl/command_line.h"
#include "ctl/exit_codes.h"
#include "ctl/files.h"
#include "ctl/output.h"

namespace muster::ctl {

namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;
constexpr std::int64_t kLargestPage = 1000;

constexpr std::string_view kHelp =
    R"(Asks a running musterd, and tells it what to do.
Usage: musterctl [-c PATH] [-o table|json|csv] [--yes] COMMAND ...

  -c, --control PATH   the daemon's control socket (else MUSTER_CONTROL, else /run/muster/control.sock)
  -o, --output FORMAT  table, json or csv
  -y, --yes            do not ask before something is removed or replaced
      --version        print the version
  -h, --help           with a daemon running: all its commands

The commands come from the running daemon. See musterctl(1).
)";

std::string text(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
}

/// "musterctl: detail. hint", and what is wrong one by one if there is more than one thing.
int problem(const Surroundings& around, const Answer& answer) {
    const auto body = api::parseJson(answer.body, kMaxAnswer);
    if (!body || body->object() == nullptr) {
        around.err << "musterctl: the daemon answered with status " << answer.status << "\n";
        return kRefused;
    }
    const std::string hint = text(*body, "hint");
    around.err << "musterctl: " << harmless(text(*body, "detail")) << (hint.empty() ? "" : ". ") << harmless(hint)
               << "\n";
    const Json* errors = body->find("errors");
    if (errors != nullptr && errors->array() != nullptr && errors->array()->size() > 1)
        for (const Json& error : *errors->array()) {
            const std::string where = text(error, "where");
            const std::string name = text(error, "name");
            around.err << "  " << harmless(where) << (where.empty() ? "" : ": ") << harmless(name)
                       << (name.empty() ? "" : ": ") << harmless(text(error, "found")) << " found, "
                       << harmless(text(error, "allowed")) << " allowed\n";
        }
    return kRefused;
}

int trouble(const Surroundings& around, const Error& error) {
    const bool away = error.code == Code::missing || error.code == Code::denied;
    around.err << "musterctl: " << harmless(error.text()) << "\n";
    return away ? kUnreachable : kBroken;
}

Result<std::vector<Command>> catalogOf(const Client& client, Answer& refusal) {
    auto answer = client.ask("GET", "/operations", "");
    if (!answer)
        return fail(std::move(answer.error()));
    if (answer->status >= 400) {
        refusal = std::move(*answer);
        return std::vector<Command>();
    }
    const auto body = api::parseJson(answer->body, kMaxAnswer);
    if (!body)
        return fail(Code::malformed, "GET /operations", "its answer is no JSON; is that socket a musterd's?");
    return readCatalog(*body);
}

int list(const Client& client, Invocation invocation, const Surroundings& around) {
    const Command& command = *invocation.command;
    std::int64_t wanted = -1;  // all
    std::int64_t largest = kLargestPage;
    const bool paged = std::any_of(command.query.begin(), command.query.end(), [&](const Parameter& parameter) {
        if (parameter.name == "limit" && parameter.maximum > 0)
            largest = parameter.maximum;
        return parameter.name == "cursor";
    });
    if (const auto limit = invocation.values.find("limit"); limit != invocation.values.end() && paged) {
        const std::string& given = limit->second.front();
        const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), wanted);
        if (error != std::errc() || end != given.data() + given.size() || wanted < 1) {
            around.err << "musterctl: --limit: " << harmless(given) << " found, a number from 1 allowed\n";
            return kUsage;
        }
    }
    Writer writer(around.out, invocation.globals.format, command);
    writer.begin();
    std::string cursor;
    while (true) {
        if (paged)
            invocation.values["limit"] = {std::to_string(wanted < 0 ? largest : std::min(wanted, largest))};
        if (!cursor.empty())
            invocation.values["cursor"] = {cursor};
        const auto asked = request(invocation);
        if (!asked)
            return trouble(around, asked.error());
        const auto answer = client.ask(command.method, asked->target, asked->body);
        if (!answer)
            return trouble(around, answer.error());
        if (answer->status >= 400)
            return problem(around, *answer);
        const auto body = api::parseJson(answer->body, kMaxAnswer);
        const Json* items = body ? body->find("items") : nullptr;
        if (items == nullptr || items->array() == nullptr) {
            around.err << "musterctl: the daemon's answer is no list\n";
            return kBroken;
        }
        writer.items(*items->array());
        wanted -= wanted < 0 ? 0 : static_cast<std::int64_t>(items->array()->size());
        const std::string next = text(*body, "next");
        if (next.empty() || next == cursor || wanted == 0 || !paged || !around.out.good())
            break;
        cursor = next;
    }
    writer.end();
    return kDone;
}

int stream(const Client& client, const Invocation& invocation, const Surroundings& around) {
    const auto asked = request(invocation);
    if (!asked)
        return trouble(around, asked.error());
    Writer writer(around.out, invocation.globals.format, *invocation.command);
    const auto answer = client.watch(asked->target, [&](std::string_view line) {
        if (line.empty())
            return around.out.good();
        const auto object = api::parseJson(line, line.size());
        if (object)
            writer.line(*object);
        return object.has_value() && around.out.good();
    });
    if (!answer)
        return trouble(around, answer.error());
    return answer->status >= 400 ? problem(around, *answer) : kDone;
}

int single(const Client& client, const Invocation& invocation, const Surroundings& around) {
    const Command& command = *invocation.command;
    const auto asked = request(invocation);
    if (!asked) {
        around.err << "musterctl: " << harmless(asked.error().text()) << "\n";
        return kUsage;
    }
    const auto answer = client.ask(command.method, asked->target, asked->body);
    if (!answer)
        return trouble(around, answer.error());
    if (answer->status >= 400)
        return problem(around, *answer);
    if (command.text) {
        around.out << (around.outIsTerminal ? harmless(answer->body, true) : answer->body) << std::flush;
        return kDone;
    }
    if (answer->body.empty() || answer->status == 204)
        return kDone;
    const auto body = api::parseJson(answer->body, kMaxAnswer);
    if (!body) {
        around.err << "musterctl: the daemon's answer is no JSON\n";
        return kBroken;
    }
    if (!body->isNull())
        Writer(around.out, invocation.globals.format, command).object(*body);
    return kDone;
}

int download(const Client& client, const Invocation& invocation, const Surroundings& around) {
    const auto asked = request(invocation);
    if (!asked) {
        around.err << "musterctl: " << harmless(asked.error().text()) << "\n";
        return kUsage;
    }
    if (invocation.file.empty() && around.outIsTerminal) {
        around.err << "musterctl: this is a file, and no text for a terminal; say where it goes with --to FILE\n";
        return kUsage;
    }
    std::optional<NewFile> file;
    if (!invocation.file.empty()) {
        auto made = NewFile::make(invocation.file);
        if (!made) {
            around.err << "musterctl: " << harmless(made.error().text()) << "\n";
            return kUsage;
        }
        file = std::move(*made);
    }
    const auto answer =
        client.download(invocation.command->method, asked->target, asked->body, [&](std::string_view octets) {
            if (file)
                return file->write(octets);
            around.out << octets;
            return around.out.good();
        });
    if (!answer)
        return trouble(around, answer.error());
    if (answer->status >= 400)
        return problem(around, *answer);
    if (file)
        if (const auto kept = file->keep(); !kept)
            return trouble(around, kept.error());
    around.out << std::flush;
    if (!around.out.good()) {
        around.err << "musterctl: standard output does not take it; is its disk full?\n";
        return kBroken;
    }
    return kDone;
}

int upload(const Client& client, const Invocation& invocation, const Surroundings& around) {
    const auto asked = request(invocation);
    auto file = asked ? SentFile::open(invocation.file) : Result<SentFile>(fail(asked.error()));
    if (!file) {
        around.err << "musterctl: " << harmless(file.error().text()) << "\n";
        return kUsage;
    }
    const Command& command = *invocation.command;
    const auto answer = client.upload(command.method, asked->target, file->size(),
                                      [&](char* into, std::size_t most) { return file->read(into, most); });
    if (!answer)
        return trouble(around, answer.error());
    if (answer->status >= 400)
        return problem(around, *answer);
    const auto body = api::parseJson(answer->body, kMaxAnswer);
    if (body && !body->isNull())
        Writer(around.out, invocation.globals.format, command).object(*body);
    return kDone;
}

int completion(const std::vector<std::string>& words, const Surroundings& around) {
    Answer refusal;
    const auto commands = catalogOf(Client(controlPath(words, around.control)), refusal);
    for (const std::string& word : complete(commands ? *commands : std::vector<Command>(), words))
        around.out << harmless(word) << "\n";
    return kDone;
}

}  // namespace

int run(const std::vector<std::string>& words, const Surroundings& around) {
    if (!words.empty() && words.front() == "__complete")
        return completion({words.begin() + (words.size() > 1 && words[1] == "--" ? 2 : 1), words.end()}, around);
    if (words.size() == 1 && words.front() == "--version") {
        around.out << "musterctl " << MUSTER_VERSION << "\n";
        return kDone;
    }
    const Client client(controlPath(words, around.control));
    Answer refusal;
    const auto commands = catalogOf(client, refusal);
    if (!commands) {
        const bool help = std::any_of(words.begin(), words.end(),
                                      [](const std::string& word) { return word == "--help" || word == "-h"; });
        if (help)
            around.out << kHelp;
        return help ? kDone : trouble(around, commands.error());
    }
    if (refusal.status != 0)
        return refusal.status == 403 ? (problem(around, refusal), kUnreachable) : problem(around, refusal);
    Parsed parsed = parse(*commands, words, around.control);
    if (!parsed.text.empty()) {
        (parsed.exitCode == kDone ? around.out : around.err) << parsed.text;
        return parsed.exitCode;
    }
    const Command& command = *parsed.invocation.command;
    if (!command.confirm.empty() && !parsed.invocation.globals.yes) {
        const std::string question = harmless(command.confirm);
        if (!around.confirm) {
            around.err << "musterctl: " << question << " Nobody is here to ask: repeat it with --yes\n";
            return kNotConfirmed;
        }
        if (!around.confirm(question)) {
            around.err << "musterctl: nothing was done\n";
            return kNotConfirmed;
        }
    }
    if (auto fetched = fetchSecrets(parsed.invocation, around.secret, around.in != nullptr ? *around.in : std::cin);
        !fetched) {
        around.err << "musterctl: " << harmless(fetched.error().text()) << "\n";
        return kUsage;
    }
    if (command.file)
        return download(client, parsed.invocation, around);
    if (command.upload)
        return upload(client, parsed.invocation, around);
    if (command.list)
        return list(client, parsed.invocation, around);
    return command.stream ? stream(client, parsed.invocation, around) : single(client, parsed.invocation, around);
}

}  // namespace muster::ctl
