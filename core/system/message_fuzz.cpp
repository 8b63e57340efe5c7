/// What comes over the helper's socket, from either end; what is let pass makes files, rulesets and arguments without a
/// line or an octet too many.
#include <algorithm>
#include <span>

#include "system/commands.h"
#include "system/message.h"
#include "system/slots.h"
#include "system/texts.h"

using namespace muster;
using namespace muster::system;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void must(bool so) {
    if (!so)
        __builtin_trap();
}

void mustBePlain(const std::string& text) {
    must(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

std::size_t lines(const Texts& files, const char* beginning) {
    std::size_t count = 0;
    for (const auto& [name, text] : files) {
        mustBePlain(text);
        must(name.find('/') == std::string::npos);
        for (std::size_t at = text.find(beginning); at != std::string::npos; at = text.find(beginning, at + 1))
            ++count;
    }
    return count;
}

struct Made {
    void operator()(std::monostate) const {}
    void operator()(const NetworkSettings& settings) const {
        const Texts files = networkFiles(settings);
        std::size_t addresses = 0;
        for (const Port& port : settings.ports)
            addresses += port.addresses.size();
        must(files.size() == settings.ports.size());
        must(lines(files, "\nName=") == settings.ports.size());
        must(lines(files, "\nAddress=") == addresses);
        must(lines(files, "\n[Match]\n") == settings.ports.size() && lines(files, "\n[Network]\n") == files.size());
        must(lines(resolvedFiles(settings), "\n") <= 6);
    }
    void operator()(const TimeSettings& settings) const { must(lines(timesyncFiles(settings), "\n") <= 4); }
    void operator()(const OpenPorts& ports) const {
        const std::string text = ruleset(ports);
        mustBePlain(text);
        must(std::count(text.begin(), text.end(), '{') == std::count(text.begin(), text.end(), '}'));
    }
    void operator()(const Hostname& hostname) const {
        const auto all = words(Command::setHostname, hostname.name);
        must(all.has_value() && all->back() == hostname.name && all->back().substr(0, 1) != "-");
    }
    void operator()(const Clock& clock) const {
        must(words(Command::setClock, std::to_string(clock.seconds)).has_value());
    }
    void operator()(const SlotMark&) const {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets packet = std::as_bytes(std::span(data, size));
    for (auto verb = static_cast<unsigned>(kFirstVerb); verb <= static_cast<unsigned>(kLastVerb); ++verb)
        if (const auto answer = decodeAnswer(packet, static_cast<Verb>(verb))) {
            if (answer->second) {
                const auto again = encodeAnswer(answer->first, static_cast<Verb>(verb), answer->second);
                must(again && std::equal(again->begin(), again->end(), packet.begin(), packet.end()));
            } else {
                must(answer->second.error().detail.size() <= kMaxWords);
            }
        }
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    UpdateState state;
    readProgress(text, state);
    must(state.percent <= 100 && isPlain(state.words, kMaxWords));
    if (const auto slots = readSlots(text))
        must(encodeAnswer(1, Verb::slotsRead, Answer(*slots)).has_value());

    const auto request = decodeRequest(packet);
    if (!request)
        return 0;
    std::visit(Made{}, request->second.argument);
    const auto again = encodeRequest(request->first, request->second);
    must(again && std::equal(again->begin(), again->end(), packet.begin(), packet.end()));
    return 0;
}
