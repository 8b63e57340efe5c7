/// muster-client: one simulated Windows machine, or a fleet of them.
#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"

#include "client/fleet.h"
#include "client/network.h"
#include "client/report.h"
#include "client/simulation.h"
#include "dns/system_names.h"
#include "kms/lab_seal.h"

#ifndef MUSTER_VERSION
#    define MUSTER_VERSION "0"
#endif

using namespace muster;
using namespace muster::client;

namespace {

constexpr int kNotAll = 1;
constexpr int kUsage = 2;
constexpr std::size_t kMaxJobs = 1024;
constexpr std::chrono::nanoseconds kRealMinute = std::chrono::minutes(1);

/// What the command line said.
struct Words {
    std::string host;
    std::string domain;
    std::string dnsServer;
    std::string family = "win7";
    std::vector<std::string> editions;
    std::string sealFile;
    std::string skew;
    std::string timeout = "60s";
    std::string minute = "10ms";
    FleetPlan fleet;
    Pace pace;
    bool realTime = false;
    bool verbose = false;
    bool quiet = false;
};

Error usage(std::string subject, std::string detail) {
    return {Code::malformed, std::move(subject), std::move(detail)};
}

void describe(CLI::App& app, Words& words) {
    app.footer(
        "A host finds 30 Windows 7 machines one after the other; the first 24 are refused and try again:\n"
        "  muster-client --host 127.0.0.1:1688 --seal-key-file STATE/lab/seal.key --clients 30\n"
        "Exit status: 0 every machine is activated, 1 not all of them in time, 2 the command line is wrong.");
    app.set_version_flag("--version", "muster-client " MUSTER_VERSION);

    auto* where = app.add_option_group("Where the host is");
    where->add_option("--host", words.host, "KMS host, as slmgr /skms takes it; no discovery")
        ->type_name("HOST[:PORT]");
    where->add_option("--domain", words.domain, "domain whose _vlmcs._tcp SRV records name the hosts (this machine's)")
        ->type_name("NAME");
    where->add_option("--dns-server", words.dnsServer, "ask this one instead of the system's name servers")
        ->type_name("ADDRESS[:PORT]");
    where
        ->add_option("--seal-key-file", words.sealFile,
                     "seal file of the lab asked (STATE/lab/seal.key); without it the lab takes us for real clients")
        ->type_name("FILE");

    auto* who = app.add_option_group("Who the machines are");
    who->add_option("--clients", words.fleet.clients, "how many machines")
        ->check(CLI::Range(std::size_t{1}, kMaxClients))
        ->type_name("N")
        ->capture_default_str();
    std::string families;
    for (const std::string& word : generationWords())
        families += (families.empty() ? "" : "|") + word;
    who->add_option("--family", words.family, "what they run")->type_name(families)->capture_default_str();
    who->add_option("--edition", words.editions, "name or activation ID; several are taken in turn (Enterprise)")
        ->type_name("NAME");
    who->add_option("--name-pattern", words.fleet.namePattern, "machine names, {n} is the number (PC-{n}, SRV-{n})")
        ->type_name("TEXT");
    who->add_option("--cmid-seed", words.fleet.cmidSeed, "the same seed gives the same client machine IDs");
    who->add_option("--virtual", words.fleet.virtualMachines, "the last so many are virtual machines")->type_name("N");
    who->add_option("--duplicate-cmid", words.fleet.duplicates, "the first so many are clones with one CMID")
        ->type_name("N");
    who->add_option("--skew", words.skew, "their clocks are off by so much: --skew 5h, --skew=-90m")->type_name("TIME");
    who->add_option("--skewed", words.fleet.skewed, "only the clocks of the last so many are off")->type_name("N");
    who->add_option("--n-policy", words.fleet.requiredClients,
                    "count that they need, instead of their product's 25 or 5")
        ->type_name("N");
    who->add_flag("--honour-activation-interval", words.fleet.honourActivationInterval,
                  "take the host's ActivationInterval; Windows ignores it");

    auto* how = app.add_option_group("How they run");
    how->add_option("--timeout", words.timeout, "give up after so long; 0 never")
        ->type_name("TIME")
        ->capture_default_str();
    how->add_option("--jobs", words.pace.jobs, "machines that ask at the same time")
        ->check(CLI::Range(std::size_t{1}, kMaxJobs))
        ->type_name("N")
        ->capture_default_str();
    how->add_option("--renew", words.pace.renewals, "go on until each has renewed so often")->type_name("N");
    how->add_flag("--once", words.pace.once, "each machine tries once");
    auto* minute =
        how->add_option("--minute", words.minute, "how long a minute of licence time takes")->type_name("TIME");
    minute->capture_default_str();
    how->add_flag("--real-time", words.realTime, "licence time is real time: 2 h between attempts")->excludes(minute);
    auto* verbose =
        how->add_flag("-v,--verbose", words.verbose, "also the events 12288 and 12289 as Windows logs them");
    how->add_flag("-q,--quiet", words.quiet, "progress and summary only")->excludes(verbose);
}

Result<std::chrono::milliseconds> duration(const char* option, const std::string& text) {
    if (const auto value = parseDuration(text))
        return *value;
    return fail(usage(std::string(option) + " " + text, "no time; 90s, 5h, 2d, 20ms are"));
}

Result<Pace> paceFrom(const Words& words) {
    Pace pace = words.pace;
    auto minute = duration("--minute", words.minute);
    auto timeout = duration("--timeout", words.timeout);
    if (!minute)
        return fail(std::move(minute.error()));
    if (!timeout)
        return fail(std::move(timeout.error()));
    if (minute->count() <= 0 || *minute > kRealMinute)
        return fail(usage("--minute " + words.minute, "must be from 1ms to 1m"));
    if (timeout->count() < 0)
        return fail(usage("--timeout " + words.timeout, "must not be negative"));
    pace.minute = words.realTime ? kRealMinute : std::chrono::nanoseconds(*minute);
    if (timeout->count() > 0)
        pace.deadline = std::chrono::steady_clock::now() + *timeout;
    return pace;
}

Result<NetworkPlan> networkFrom(const Words& words, const Pace& pace) {
    NetworkPlan plan;
    plan.deadline = pace.deadline;
    if (!words.sealFile.empty()) {
        auto key = kms::readSealFile(words.sealFile);
        if (!key)
            return fail(std::move(key.error()));
        auto seal = kms::LabSeal::make(*key);
        if (!seal)
            return fail(std::move(seal.error()));
        plan.seal.emplace(std::move(*seal));
    }
    if (!words.host.empty()) {
        const auto endpoint = Endpoint::parse(words.host);
        if (!endpoint)
            return fail(usage("--host " + words.host, "no host; kms.example.org, 10.0.0.7:1688 or [::1]:1688 are"));
        plan.hosts = *endpoint;
        return plan;
    }
    std::optional<Address> server;
    if (!words.dnsServer.empty()) {
        server = Address::parse(words.dnsServer);
        if (!server)
            server = dns::numericAddress(words.dnsServer);
        if (!server)
            return fail(
                usage("--dns-server " + words.dnsServer,
                      "must be an address, with its port or without: 10.0.0.2, 10.0.0.2:53 or [2001:db8::2]:53"));
    }
    const std::string domain = words.domain.empty() ? systemDomain() : words.domain;
    if (domain.empty())
        return fail(usage("--host", "not given, and this machine has no DNS domain to look in: --host or --domain"));
    plan.hosts = SrvLookup(domain, server);
    return plan;
}

Result<std::vector<WindowsClient>> machinesFrom(Words& words) {
    auto chosen = products(words.family, words.editions);
    if (!chosen)
        return fail(std::move(chosen.error()));
    if (!words.skew.empty()) {
        auto skew = duration("--skew", words.skew);
        if (!skew)
            return fail(std::move(skew.error()));
        words.fleet.skew = std::chrono::duration_cast<std::chrono::seconds>(*skew);
    }
    words.fleet.products = std::move(*chosen);
    if (words.fleet.namePattern.empty())
        words.fleet.namePattern = words.fleet.products.front().generation.starts_with("server") ? "SRV-{n}" : "PC-{n}";
    auto profiles = makeFleet(words.fleet);
    if (!profiles)
        return fail(std::move(profiles.error()));
    std::vector<WindowsClient> machines;
    machines.reserve(profiles->size());
    for (Profile& profile : *profiles)
        machines.emplace_back(std::move(profile), Minutes{0});
    return machines;
}

int complain(const Error& error) {
    std::fprintf(stderr, "muster-client: %s\n", error.text().c_str());
    return kUsage;
}

int run(Words words) {
    auto pace = paceFrom(words);
    if (!pace)
        return complain(pace.error());
    auto machines = machinesFrom(words);
    if (!machines)
        return complain(machines.error());
    auto plan = networkFrom(words, *pace);
    if (!plan)
        return complain(plan.error());

    const auto* fixed = std::get_if<Endpoint>(&plan->hosts);
    const double retry = std::chrono::duration<double>(kDefaultActivationInterval.count() * pace->minute).count();
    std::printf("%zu machine%s, %s; KMS host %s; who is refused tries again after 2 h, which take %.1f s here\n",
                machines->size(), machines->size() == 1 ? "" : "s", machines->front().profile().product.name.c_str(),
                fixed != nullptr ? fixed->text().c_str() : "from DNS", retry);
    std::fflush(stdout);

    RpcNetwork network(std::move(*plan));
    Report report(stdout, words.quiet ? Detail::quiet : words.verbose ? Detail::verbose : Detail::normal);
    Simulation simulation(std::move(*machines), network, report, *pace);
    const bool all = simulation.run();
    report.summary(simulation, all);
    return all ? 0 : kNotAll;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        Words words;
        CLI::App app{
            "Simulated Windows machines that activate against a KMS host: they do what Windows does and say "
            "what Windows says.",
            "muster-client"};
        describe(app, words);
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return app.exit(error) == 0 ? 0 : kUsage;
        }
        return run(std::move(words));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "muster-client: %s\n", error.what());
        return kNotAll;
    }
}
