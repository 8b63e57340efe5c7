/// Asks DNS as Muster does, and prints what it understood: for the tests with foreign name servers.
///
///     dns-lookup-probe services|addresses|soa|ns NAME RESOLVER...     RESOLVER: 127.0.0.1:5353
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "dns/lookup.h"

using namespace muster;
using namespace muster::dns;

namespace {

std::string list(const AddressAnswer& answer) {
    std::string text;
    for (const Address& address : answer.addresses)
        text += " " + address.host();
    return text;
}

const char* word(LookupCode code) {
    switch (code) {
        case LookupCode::found:
            return "found";
        case LookupCode::noName:
            return "no-name";
        case LookupCode::noRecords:
            return "no-records";
        case LookupCode::noService:
            return "no-service";
        case LookupCode::notServed:
            return "not-served";
        case LookupCode::serverFailure:
            return "server-failure";
        case LookupCode::refused:
            return "refused";
        case LookupCode::timedOut:
            return "timed-out";
        case LookupCode::unreachable:
            return "unreachable";
        case LookupCode::malformed:
            return "malformed";
        case LookupCode::badName:
            return "bad-name";
        case LookupCode::stopped:
            return "stopped";
    }
    return "?";
}

void print(const Said& said, std::chrono::seconds ttl) {
    std::printf("%s %lld %s\n", word(said.code), static_cast<long long>(ttl.count()), said.text.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    std::vector<Address> resolvers;
    for (std::size_t i = 2; i < words.size(); ++i)
        if (const auto resolver = Address::parse(words[i]))
            resolvers.push_back(*resolver);
    if (words.size() < 3 || resolvers.size() + 2 != words.size()) {
        std::fputs("dns-lookup-probe services|addresses|soa|ns NAME RESOLVER...\n", stderr);
        return 64;
    }
    const auto goOn = [] { return false; };
    Lookup lookup(resolvers);
    if (words[0] == "soa" || words[0] == "ns") {
        const Finding found = lookup.find(words[1], words[0] == "soa" ? Type::soa : Type::ns, goOn);
        print(found.said, found.answer.recordTtl);
        if (const auto& soa = found.answer.soa)
            std::printf("zone %s %s %u\n", soa->zone.c_str(), soa->primary.c_str(), soa->serial);
        for (const std::string& server : found.answer.nameServers)
            std::printf("server %s\n", server.c_str());
        return 0;
    }
    if (words[0] == "addresses") {
        const AddressAnswer answer = lookup.addresses(words[1], goOn);
        print(answer.said, answer.ttl);
        std::printf("addresses%s\n", list(answer).c_str());
        return 0;
    }
    const ServiceAnswer answer = lookup.services(words[1], goOn);
    print(answer.said, answer.ttl);
    if (!answer.note.empty())
        std::printf("note %s\n", answer.note.c_str());
    for (const auto& record : answer.records)
        std::printf("service %u %u %u %s%s\n", unsigned{record.priority}, unsigned{record.weight},
                    unsigned{record.port}, record.target.c_str(), list(record.addresses).c_str());
    return 0;
}
