/// What comes over the socket pair, from either end; and what is let pass makes a script without a line too many.
#include <algorithm>
#include <span>

#include "host/nsupdate/message.h"
#include "host/nsupdate/script.h"

using namespace muster;
using namespace muster::nsupdate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets packet = std::as_bytes(std::span(data, size));
    if (const auto answer = decodeAnswer(packet)) {
        if (answer->second && answer->second->words.size() > kMaxWords)
            __builtin_trap();
        if (decodeAnswer(encodeAnswer(answer->first, answer->second))->first != answer->first)
            __builtin_trap();
    }
    const auto request = decodeRequest(packet);
    if (!request)
        return 0;
    const SecureUpdate& update = request->second;
    std::size_t lines = 4 + (update.realm.empty() ? 0 : 1) + update.remove.size() + update.add.size();
    for (const auto& prerequisite : update.prerequisites)
        lines += std::max<std::size_t>(prerequisite.is.size(), 1);
    const std::string text = script(update);
    if (lines != static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) ||
        std::any_of(text.begin(), text.end(), [](char c) { return c != '\n' && (c < ' ' || c > '~'); }))
        __builtin_trap();
    const auto again = encodeRequest(request->first, update);
    if (!again || !std::equal(again->begin(), again->end(), packet.begin(), packet.end()))
        __builtin_trap();
    return 0;
}
