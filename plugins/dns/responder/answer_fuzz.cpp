/// Queries from anywhere: no answer is an answer to an answer, none is larger than it may be, and every one can be read
/// by those who ask.
#include "answer.h"

using namespace muster;
using namespace muster::publisher;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<ResponderZone> kZones{
        {"corp.example",
         {{0, 100, 1688, "muster._vlmcs._tcp.corp.example"}, {10, 0, 1688, "kms-a.corp.example"}},
         "muster-01.corp.example",
         {{"muster._vlmcs._tcp.corp.example", {*Address::parse("10.20.0.16:0"), *Address::parse("[2001:db8::16]:0")}}},
         std::chrono::seconds(1200),
         7}};
    const Octets query = std::as_bytes(std::span(data, size));
    for (const Carriage carriage : {Carriage::udp, Carriage::tcp, Carriage::cut}) {
        const Response response = respond(query, kZones, carriage);
        const auto octet = [&](std::size_t at) { return std::to_integer<unsigned>(response.octets[at]); };
        if (response.kind == Response::Kind::dropped) {
            if (!response.octets.empty())
                __builtin_trap();
            continue;
        }
        if (response.octets.size() < 12 || (octet(2) & 0x80U) == 0 || query[0] != response.octets[0] ||
            query[1] != response.octets[1] ||
            (carriage != Carriage::tcp && response.octets.size() > dns::kUdpPayload) ||
            (carriage == Carriage::cut && response.octets.size() > size + 11))
            __builtin_trap();
        if (respond(response.octets, kZones, carriage).kind != Response::Kind::dropped)
            __builtin_trap();
        const dns::Question question{"_vlmcs._tcp.corp.example", dns::Type::srv,
                                     static_cast<std::uint16_t>(octet(0) << 8U | octet(1))};
        if (const auto read = dns::readAnswer(response.octets, question); !read && read.error().code == Code::malformed)
            __builtin_trap();
    }
    return 0;
}
