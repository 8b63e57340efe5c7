/// Writes the seeds of this room's two corpora that its tests' messages make: muster_dns_seeds DIRECTORY.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "dns/test/test_message.h"
#include "dns/test/test_signature.h"
#include "dns/update.h"

using namespace muster;
using namespace muster::dns;
using muster::dns::test::Message;

namespace {

std::filesystem::path directory;

void write(const char* corpus, const char* seed, std::string front, Octets message) {
    std::filesystem::create_directories(directory / corpus);
    front.append(reinterpret_cast<const char*>(message.data()), message.size());
    std::ofstream(directory / corpus / seed, std::ios::binary) << front;
}

void answers() {
    const auto seed = [](const char* name, char question, const Message& message) {
        write("dns_answer", name, std::string(1, question), message.octets());
    };
    const Question services{"_vlmcs._tcp.example.org", Type::srv, 0x1234};
    const Question zone{"example.org", Type::soa, 0x1234};
    const Question servers{"example.org", Type::ns, 0x1234};
    Message soa(zone);
    soa.flags(0x8400).soa("example.org", "ns1.example.org", 2026010101, 3600, 300);
    soa.authority().ns("example.org", "ns1.example.org", 600).additional().a("ns1.example.org", "192.0.2.1", 60);
    seed("soa", 3, soa);
    Message denied(services);
    denied.flags(0x8583).authority().soa("example.org", "ns1.example.net", 1, 3600, 300);
    seed("denied_by_zone", 0, denied);
    Message root(services);
    root.flags(0x8583).authority().soa("", "", 1, 60, 60);
    seed("denied_by_root", 0, root);
    Message list(servers);
    list.ns("example.org", "ns1.example.org", 600).ns("example.org", "ns2.example.org", 600);
    list.additional().a("ns1.example.org", "192.0.2.1", 60).aaaa("ns2.example.org", "2001:db8::2", 60);
    seed("name_servers", 4, list);
    Message referral(services);
    referral.flags(0x8000).authority().ns("_tcp.example.org", "ns1.sub.example.org", 600);
    referral.additional().a("ns1.sub.example.org", "192.0.2.1", 60);
    seed("referral", 0, referral);
    Message lie(zone);
    lie.soa("example.org", "ns1.example.org", 1, 60, 60).lieAboutLastLength(-1);
    seed("soa_that_lies", 3, lie);
}

void updateAnswers() {
    const Question zone{"example.org", Type::soa, 0x1234};
    const auto seed = [](const char* name, const std::string& front, Octets message) {
        write("dns_update_answer", name, front, message);
    };
    const std::string raw(1, 0);
    // Signed by the fuzzer: time, fudge, error, size of the MAC, original id, length of other data.
    const auto front = [](char error, char macSize, const std::string& other) {
        const std::string fields{1, 0, 0, 0x65, 0x53, '\xF1', 0, 1, 0x2C, 0, error, macSize, 0};
        return fields + static_cast<char>(other.size()) + other;
    };
    for (const auto& [name, rcode] :
         {std::pair("accepted", 0U), {"refused", 5U}, {"not_auth", 9U}, {"not_zone", 10U}}) {
        Message message(zone);
        message.flags(0xA800 | rcode);
        seed(name, raw, message.octets());
        seed((std::string(name) + "_signed").c_str(), front(0, 64, {}), message.octets());
    }
    Message message(zone);
    message.flags(0xA809);
    seed("bad_key", front(17, 0, {}), message.octets());
    seed("bad_time", front(18, 64, std::string("\0\0\x65\x53\xF2\0", 6)), message.octets());
    seed("short_mac", front(0, 16, {}), message.octets());
    test::Signature signature;
    signature.secret.assign(32, 1);
    const auto once = signature.on(message.octets());
    seed("signed_by_another", raw, once);
    seed("two_signatures", raw, signature.on(once));
    signature.ttl = 1;
    seed("signature_with_ttl", raw, signature.on(message.octets()));
    signature.key = "other-key";
    signature.ttl = 0;
    seed("other_key", raw, signature.on(message.octets()));
    Message bare(zone);
    bare.flags(0xA801).withoutQuestion();
    seed("without_zone", raw, bare.octets());
    auto echoed = *encodeUpdate(
        {"example.org",
         {},
         {},
         {{"_vlmcs._tcp.example.org", Type::srv, std::chrono::hours(1), {0, 100, 1688, "kms.corp.test"}, {}}}},
        0x1234);
    echoed[2] = std::byte{0xA8};
    seed("echoed", raw, echoed);
    Message withOpt(zone);
    withOpt.flags(0xA800).additional().opt(0);
    seed("opt_before_signature", front(0, 64, {}), withOpt.octets());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("muster_dns_seeds DIRECTORY\n", stderr);
        return 64;
    }
    directory = argv[1];
    answers();
    updateAnswers();
    return 0;
}
