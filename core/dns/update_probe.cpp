/// For tests/peers: updates and signatures as Muster makes and judges them, beside what others make of them.
///
///     dns-update-probe encode ZONE ID                           changes on standard input; prints the message
///     dns-update-probe sign KEY ALGORITHM SECRET TIME           message on standard input; prints it signed
///     dns-update-probe verify KEY ALGORITHM SECRET TIME NOW     message and answer on standard input, a line each
///     dns-update-probe send SERVER ZONE KEY ALGORITHM SECRET SKEW udp|tcp    changes on standard input
///
/// Messages are hexadecimal, times seconds since 1970. A change: add|remove RECORD, or one of
/// in-use|not-in-use NAME, exists|missing NAME TYPE, is RECORD. A RECORD: NAME TTL srv PRIORITY WEIGHT PORT TARGET,
/// NAME TTL a|aaaa ADDRESS.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "dns/exchange.h"
#include "dns/system_names.h"
#include "dns/update.h"

using namespace muster;
using namespace muster::dns;

namespace {

using Kind = Update::Prerequisite::Kind;

[[noreturn]] void give(const Error& error) {
    std::printf("error %s\n", error.text().c_str());
    std::exit(0);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

[[noreturn]] void usage() {
    std::fputs("dns-update-probe encode|sign|verify|send ...; its source says how\n", stderr);
    std::exit(64);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

std::string hex(Octets octets) {
    std::string out;
    for (const std::byte octet : octets) {
        std::array<char, 3> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(octet));
        out += digits.data();
    }
    return out;
}

std::vector<std::byte> line() {
    std::string text;
    std::getline(std::cin, text);
    std::vector<std::byte> out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
    return out;
}

Type typeFrom(const std::string& word) {
    return word == "srv" ? Type::srv : word == "a" ? Type::a : word == "aaaa" ? Type::aaaa : Type::any;
}

Record record(std::istream& words) {
    Record record;
    std::string type;
    std::int64_t ttl = 0;
    words >> record.name >> ttl >> type;
    record.ttl = std::chrono::seconds(ttl);
    record.type = typeFrom(type);
    if (record.type == Type::srv) {
        words >> record.service.priority >> record.service.weight >> record.service.port >> record.service.target;
    } else {
        std::string address;
        words >> address;
        record.address = numericAddress(address).value_or(Address{});
    }
    return record;
}

Update changes(const std::string& zone) {
    Update update;
    update.zone = zone;
    for (std::string text; std::getline(std::cin, text);) {
        std::istringstream words(text);
        std::string what;
        words >> what;
        if (what == "add") {
            update.add.push_back(record(words));
        } else if (what == "remove") {
            update.remove.push_back(record(words));
        } else if (what == "is") {
            Record one = record(words);
            auto& all = update.prerequisites;
            if (all.empty() || all.back().kind != Kind::rrsetIs || all.back().name != one.name ||
                all.back().type != one.type)
                all.push_back({Kind::rrsetIs, one.name, one.type, {}});
            all.back().is.push_back(one);
        } else {
            std::string name;
            std::string type;
            words >> name >> type;
            const Kind kind = what == "in-use"       ? Kind::nameInUse
                              : what == "not-in-use" ? Kind::nameNotInUse
                              : what == "exists"     ? Kind::rrsetExists
                                                     : Kind::rrsetMissing;
            update.prerequisites.push_back({kind, name, typeFrom(type), {}});
        }
    }
    return update;
}

TsigKey key(const std::vector<std::string>& words, std::size_t at) {
    const auto algorithm = algorithmFrom(words[at + 1]);
    auto secret = Secret::fromBase64(words[at + 2]);
    if (!algorithm)
        usage();
    if (!secret)
        give(secret.error());
    return {words[at], *algorithm, std::move(*secret)};
}

Timestamp time(const std::string& word) {
    return Timestamp(std::chrono::seconds(std::stoll(word)));
}

void print(const TsigVerdict& verdict) {
    constexpr std::array<const char*, 9> kWords = {"unsigned",     "good",          "bad-mac",
                                                   "bad-key-name", "bad-algorithm", "outside-fudge",
                                                   "server-error", "malformed",     "stranger"};
    std::printf("tsig %s %u %s %s %lld %s\n", kWords.at(static_cast<std::size_t>(verdict.kind)),
                unsigned{verdict.error}, verdict.authentic ? "authentic" : "not-authentic",
                verdict.hasMac ? "mac" : "no-mac",
                verdict.serverTime
                    ? static_cast<long long>(
                          std::chrono::floor<std::chrono::seconds>(verdict.serverTime->time_since_epoch()).count())
                    : -1LL,
                verdict.words.c_str());
}

void send(const std::vector<std::string>& words) {
    const auto server = Address::parse(words[1]);
    if (!server)
        usage();
    const TsigKey with = key(words, 3);
    const auto message = encodeUpdate(changes(words[2]), randomId());
    if (!message)
        give(message.error());
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) +
                     std::chrono::seconds(std::stoll(words[6]));
    const auto request = sign(*message, with, now);
    if (!request)
        give(request.error());
    const auto done = transact(
        *server, request->octets, std::chrono::seconds(20), std::chrono::steady_clock::now() + std::chrono::seconds(40),
        [] { return false; }, [&](Octets octets) { return answersUpdate(octets, request->octets); },
        words[7] == "tcp" ? Carrier::tcp : Carrier::udpFirst);
    if (done.ending != Ending::answered)
        give({Code::timeout, words[1], "no answer: " + done.words});
    const auto answer = readUpdateAnswer(done.answer, *request, with, now);
    if (!answer)
        give(answer.error());
    std::printf("rcode %s\n", text(answer->rcode).c_str());
    print(answer->tsig);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 3 && words[0] == "encode") {
        const auto message = encodeUpdate(changes(words[1]), static_cast<std::uint16_t>(std::stoul(words[2])));
        if (!message)
            give(message.error());
        std::printf("%s\n", hex(*message).c_str());
    } else if (words.size() == 5 && words[0] == "sign") {
        const auto made = sign(line(), key(words, 1), time(words[4]));
        if (!made)
            give(made.error());
        std::printf("%s\n", hex(made->octets).c_str());
    } else if (words.size() == 6 && words[0] == "verify") {
        const TsigKey with = key(words, 1);
        const auto request = sign(line(), with, time(words[4]));
        if (!request)
            give(request.error());
        print(verify(line(), *request, with, time(words[5])));
    } else if (words.size() == 8 && words[0] == "send") {
        send(words);
    } else {
        usage();
    }
    return 0;
}
