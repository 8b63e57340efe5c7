/// What a name server sends back: the first octet chooses the question, the rest is the message, its id put right so
/// that the fuzzer gets past the first check.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "dns/message.h"

using namespace muster;
using namespace muster::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3)
        return 0;
    const std::array<Question, 5> questions = {{{"_vlmcs._tcp.example.org", Type::srv, 0x1234},
                                                {"kms.example.org", Type::a, 0x1234},
                                                {"kms.example.org", Type::aaaa, 0x1234},
                                                {"example.org", Type::soa, 0x1234},
                                                {"example.org", Type::ns, 0x1234}}};
    const Question& question = questions.at(data[0] % questions.size());
    std::vector<std::uint8_t> message(data + 1, data + size);
    message[0] = 0x12;
    message[1] = 0x34;
    const auto answer = readAnswer(std::as_bytes(std::span(message)), question);
    if (!answer)
        return 0;
    const auto zone = [](const std::string& name) { return name == "." || plainName(name) == name; };
    const auto host = [](const std::string& name) { return plainName(name) == name; };
    const bool sound =
        answer->services.size() <= kMaxServices && answer->addresses.size() <= kMaxAddresses &&
        answer->nameServers.size() <= kMaxNameServers && answer->glue.size() <= kMaxServices * kMaxAddresses &&
        plainName(answer->name).has_value() && answer->ttl.count() >= 0 && answer->recordTtl.count() >= 0 &&
        std::all_of(answer->services.begin(), answer->services.end(),
                    [&](const Service& service) { return service.port != 0 && host(service.target); }) &&
        std::all_of(answer->nameServers.begin(), answer->nameServers.end(), host) &&
        std::all_of(answer->glue.begin(), answer->glue.end(), [&](const Glue& glue) { return host(glue.host); }) &&
        (answer->delegated.empty() || host(answer->delegated)) &&
        (!answer->soa || (zone(answer->soa->zone) && (answer->soa->primary.empty() || host(answer->soa->primary))));
    if (!sound)
        __builtin_trap();
    return 0;
}
