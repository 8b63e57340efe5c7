#include "ctl/catalog.h"

#include <algorithm>
#include <cstdint>

namespace muster::ctl {

namespace {

std::string text(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
}

bool flag(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    return value != nullptr && value->boolean() != nullptr && *value->boolean();
}

/// "lastSeen" is typed as --last-seen.
std::string optionName(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c >= 'A' && c <= 'Z') {
            out.push_back('-');
            out.push_back(static_cast<char>(c - 'A' + 'a'));
        } else {
            out.push_back(c == '_' ? '-' : c);
        }
    }
    return out;
}

std::vector<Parameter> parameters(const Json* list) {
    std::vector<Parameter> out;
    if (list == nullptr || list->array() == nullptr)
        return out;
    for (const Json& item : *list->array()) {
        Parameter parameter;
        parameter.name = text(item, "name");
        parameter.option = optionName(parameter.name);
        parameter.type = text(item, "type");
        parameter.help = text(item, "help");
        parameter.fallback = text(item, "default");
        parameter.required = flag(item, "required");
        parameter.column = flag(item, "column");
        parameter.secret = flag(item, "secret");
        if (const Json* least = item.find("minimum"); least != nullptr && least->integer() != nullptr)
            parameter.minimum = *least->integer();
        if (const Json* most = item.find("maximum"); most != nullptr && most->integer() != nullptr)
            parameter.maximum = *most->integer();
        if (const Json* choices = item.find("choices"); choices != nullptr && choices->array() != nullptr)
            for (const Json& choice : *choices->array())
                if (choice.string() != nullptr)
                    parameter.choices.push_back(*choice.string());
        parameter.fields = parameters(item.find("fields"));
        if (!parameter.name.empty())
            out.push_back(std::move(parameter));
    }
    return out;
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end != 0)
            out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

}  // namespace

std::vector<const Parameter*> Command::positionals() const {
    std::vector<const Parameter*> out;
    for (const Parameter& parameter : path_)
        out.push_back(&parameter);
    for (const Parameter& parameter : body)
        if (parameter.required && !parameter.isFlag() && !parameter.isHidden())
            out.push_back(&parameter);
    for (const Parameter& parameter : body)
        if (!parameter.required && parameter.isFile())
            out.push_back(&parameter);
    return out;
}

std::vector<const Parameter*> Command::options() const {
    std::vector<const Parameter*> out;
    for (const Parameter& parameter : query)
        if (!list || parameter.name != "cursor")
            out.push_back(&parameter);
    for (const Parameter& parameter : body)
        if ((!parameter.required || parameter.isFlag()) && !parameter.isFile() && !parameter.isHidden())
            out.push_back(&parameter);
    return out;
}

std::vector<const Parameter*> Command::hidden() const {
    std::vector<const Parameter*> out;
    for (const Parameter& parameter : body)
        if (parameter.isHidden())
            out.push_back(&parameter);
    return out;
}

Result<std::vector<Command>> readCatalog(const Json& operations) {
    const Json* items = operations.find("items");
    if (items == nullptr || items->array() == nullptr)
        return fail(Code::malformed, "GET /operations", "its answer is no list; is that socket a musterd's?");
    std::vector<Command> out;
    for (const Json& item : *items->array()) {
        Command command;
        command.words = words(text(item, "cli"));
        if (command.words.empty())
            continue;
        command.method = text(item, "method");
        command.path = text(item, "path");
        command.summary = text(item, "summary");
        command.confirm = text(item, "confirm");
        command.list = flag(item, "list");
        command.text = flag(item, "text");
        command.stream = flag(item, "stream");
        command.file = flag(item, "file");
        const Json* upload = item.find("upload");
        command.upload = upload != nullptr && upload->integer() != nullptr && *upload->integer() > 0;
        command.path_ = parameters(item.find("pathFields"));
        command.query = parameters(item.find("query"));
        command.body = parameters(item.find("body"));
        command.answer = parameters(item.find("answer"));
        out.push_back(std::move(command));
    }
    return out;
}

}  // namespace muster::ctl
