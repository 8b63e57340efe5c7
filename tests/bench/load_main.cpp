/// bench_load: loads a KMS host (the lab, or bench_raw_server) and reports as JSON.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <signal.h>  // NOLINT(modernize-deprecated-headers) sigaction is POSIX, not in <csignal>
#include <string>
#include <sys/prctl.h>

#include "CLI/CLI.hpp"
#include "nlohmann/json.hpp"

#include "load.h"
#include "process_usage.h"

namespace {

using namespace muster::bench;

Load* running = nullptr;  // for the signal handler alone

nlohmann::json toJson(const LoadReport& report, const LoadOptions& options) {
    const auto us = [&](double fraction) { return static_cast<double>(report.latency.quantile(fraction)) / 1e3; };
    nlohmann::json out = {
        {"connections", options.connections},
        {"clients", options.clients},
        {"exchanges", report.exchanges},
        {"seconds", report.measuredSeconds},
        {"rate", static_cast<double>(report.measuredExchanges) / report.measuredSeconds},
        {"latency_us", {{"p50", us(0.5)}, {"p90", us(0.9)}, {"p99", us(0.99)}, {"p999", us(0.999)}, {"max", us(1.0)}}},
        {"errors", report.errors},
        {"refusals", report.refusals},
        {"generator_cores", report.generatorCores},
    };
    if (options.mode == LoadOptions::Mode::idle)
        out["held"] = report.connected;
    if (report.serverCpuMicroseconds && report.exchanges > 0)
        out["cpu_us_per_exchange"] = *report.serverCpuMicroseconds / static_cast<double>(report.exchanges);
    if (report.busyCpuMicroseconds && report.measuredExchanges > 0) {
        out["busy_cpu_us_per_exchange"] = *report.busyCpuMicroseconds / static_cast<double>(report.measuredExchanges);
        out["server_cores"] = *report.busyCpuMicroseconds / 1e6 / report.measuredSeconds;
        out["settled_seconds"] = report.settledSeconds;
    }
    if (report.memoryBefore && report.memoryHeld)
        out["server_memory_kib"] = {{"resident_before", report.memoryBefore->residentKiB},
                                    {"anonymous_before", report.memoryBefore->anonymousKiB},
                                    {"resident", report.memoryHeld->residentKiB},
                                    {"anonymous", report.memoryHeld->anonymousKiB}};
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Loads a KMS host with simulated clients and prints a report as JSON. Exit 0: every exchange succeeded; "
        "1: some did not; 64: wrong usage."};
    LoadOptions options;
    std::string target;
    std::string keyFile;
    int core = -1;
    const std::map<std::string, LoadOptions::Mode> modes = {{"churn", LoadOptions::Mode::churn},
                                                            {"keepalive", LoadOptions::Mode::keepalive},
                                                            {"idle", LoadOptions::Mode::idle}};
    app.add_option("--target", target, "IPv4 ADDRESS:PORT")->required();
    app.add_option("--mode", options.mode, "churn: one request per connection; keepalive: many; idle: none")
        ->transform(CLI::CheckedTransformer(modes));
    app.add_option("--connections", options.connections, "at once")->check(CLI::Range(1u, 60000u));
    app.add_option("--seconds", options.seconds, "length of the measured part")->check(CLI::PositiveNumber);
    app.add_option("--warmup", options.warmup, "seconds before it")->check(CLI::NonNegativeNumber);
    app.add_option("--settle", options.settle,
                   "wait at most so many seconds until the server rests, and count its CPU");
    app.add_option("--requests", options.requests, "end after so many answers instead of by time");
    app.add_option("--rate", options.rate, "open loop: exchanges a second, latency from the due time");
    app.add_option("--clients", options.clients, "distinct CMIDs")->check(CLI::PositiveNumber);
    app.add_option("--first-client", options.firstClient, "number of the first of them");
    app.add_flag("--sequential", options.sequential, "clients one after the other instead of at random");
    app.add_option("--seed", options.seed, "of the random choice");
    app.add_option("--sources", options.sources, "source addresses from 127.0.0.2 on; 0: the system's choice")
        ->check(CLI::Range(0u, 250u));
    app.add_flag("--verify", options.verify, "check CMID, time and seal of every answer");
    app.add_flag("--persist", options.persist, "go on when connections break");
    app.add_option("--seal-key-file", keyFile, "seal as a client of the lab with this key");
    app.add_option("--ack-log", options.ackLog, "append every acknowledged CMID to this file");
    app.add_option("--server-pid", options.server, "report this process's CPU time and memory");
    app.add_option("--cpu", core, "run on this core only");
    CLI11_PARSE(app, argc, argv);

    const auto address = muster::Address::parse(target);
    if (!address || !address->isV4() || (core >= 0 && !pinTo(core))) {
        std::fprintf(stderr, "bench_load: --target wants an IPv4 ADDRESS:PORT, --cpu a core that exists\n");
        return 64;
    }
    options.target = *address;
    if (!keyFile.empty()) {
        std::ifstream file(keyFile);
        options.sealingKey.assign(std::istreambuf_iterator<char>(file), {});
        if (!file || options.sealingKey.empty()) {
            std::fprintf(stderr, "bench_load: %s cannot be read\n", keyFile.c_str());
            return 64;
        }
    }
    raiseFileLimit();
    prctl(PR_SET_TIMERSLACK, 1);  // due times to the microsecond instead of to fifty
    try {
        Load load(options);
        running = &load;
        struct sigaction action {};
        action.sa_handler = [](int) { running->stop(); };
        sigaction(SIGTERM, &action, nullptr);
        sigaction(SIGINT, &action, nullptr);
        const auto& report = load.run();
        std::printf("%s\n", toJson(report, options).dump().c_str());
        return report.errorCount() == 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_load: %s\n", error.what());
        return 64;
    }
}
