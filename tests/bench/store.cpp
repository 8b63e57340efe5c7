/// bench_store: what a record costs in the store alone, without wire and reactor: append in pieces, wait for each piece
/// to be on disk, then for all to be applied.
#include "pool/store.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "nlohmann/json.hpp"

#include "canned.h"
#include "histogram.h"
#include "process_usage.h"

namespace {

using namespace muster;
using Clock = std::chrono::steady_clock;

pool::RequestRecord record(std::uint64_t client, Timestamp now) {
    pool::RequestRecord out;
    out.received = now;
    out.source = *Address::parse("127.0.0." + std::to_string(2 + client % 16) + ":40000");
    out.request.major = 4;
    out.request.licenseStatus = 2;
    out.request.minutesToExpiry = 43200;
    out.request.application = *Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059f");
    out.request.sku = *Guid::parse("b92e9980-b9d5-4821-9c94-140f632f6312");
    out.request.counted = *Guid::parse("7fde5219-fbfa-484a-82c9-34d1ad53e856");
    out.request.cmid = bench::cmidOf(client);
    out.request.requiredClients = 25;
    out.request.clientTime = FileTime::from(now);
    char name[40];
    std::snprintf(name, sizeof name, "pc-%010llu.bench.example", static_cast<unsigned long long>(client));
    out.request.machine.assign(name);
    out.counted = true;
    out.count = 50;
    return out;
}

std::chrono::nanoseconds ownThreadTime() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Pieces under way; the producer waits while there are too many.
class Window {
public:
    explicit Window(std::size_t most) : most_(most) {}
    void enter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return under_ < most_; });
        ++under_;
    }
    void leave(bool durable) {
        {
            const std::lock_guard lock(mutex_);
            --under_;
            failed_ = failed_ || !durable;
        }
        changed_.notify_all();
    }
    /// False: a piece did not become durable.
    bool drain() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return under_ == 0; });
        return !failed_;
    }

private:
    std::size_t most_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t under_ = 0;
    bool failed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Measures the store alone; prints JSON."};
    std::string directory;
    std::size_t records = 200'000;
    std::size_t piece = 64;
    std::size_t under = 4;
    std::uint64_t clients = 10'000;
    bool sequential = false;
    int core = -1;
    app.add_option("--directory", directory, "of the store; made when missing")->required();
    app.add_option("--records", records, "how many in all")->capture_default_str();
    app.add_option("--piece", piece, "records handed over at once")->capture_default_str();
    app.add_option("--under-way", under, "pieces not yet durable at once")->capture_default_str();
    app.add_option("--clients", clients, "distinct clients")->capture_default_str();
    app.add_flag("--sequential", sequential, "clients one after the other: fills a pool");
    app.add_option("--cpu", core, "run on this core only");
    CLI11_PARSE(app, argc, argv);
    if (core >= 0)
        bench::pinTo(core);

    pool::StoreConfig config;
    config.directory = directory;
    auto store = pool::Store::open(config);
    if (!store) {
        std::fprintf(stderr, "bench_store: %s\n", store.error().text().c_str());
        return 1;
    }
    std::mt19937_64 random(1);
    std::uint64_t next = 0;
    const auto histogram = std::make_unique<bench::Histogram>();
    std::mutex histogramMutex;
    Window window(under);
    std::chrono::nanoseconds producing{};
    const auto cpuBefore = *bench::cpuTime(getpid());
    const auto begin = Clock::now();
    for (std::size_t done = 0; done < records; done += piece) {
        std::vector<pool::RequestRecord> batch;
        const auto before = ownThreadTime();
        const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
        for (std::size_t i = 0; i < piece; ++i)
            batch.push_back(record(sequential ? next++ % clients : random() % clients, now));
        producing += ownThreadTime() - before;
        window.enter();
        const auto handed = Clock::now();
        (*store)->append(std::move(batch), [&, handed](pool::Durability how) {
            {
                const std::lock_guard lock(histogramMutex);
                histogram->add(static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - handed).count()));
            }
            window.leave(how == pool::Durability::durable);
        });
    }
    const bool durable = window.drain();
    const double durableSeconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const bool settled = (*store)->settle(std::chrono::minutes(5));
    const double appliedSeconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const auto cpu = *bench::cpuTime(getpid()) - cpuBefore - producing;
    const auto us = [&](double fraction) { return static_cast<double>(histogram->quantile(fraction)) / 1e3; };
    const auto count = static_cast<double>(records);
    const nlohmann::json report = {{"records", records},
                                   {"cpu_us_per_record", static_cast<double>(cpu.count()) / 1e3 / count},
                                   {"durable_per_second", count / durableSeconds},
                                   {"applied_per_second", count / appliedSeconds},
                                   {"piece_us", {{"p50", us(0.5)}, {"p99", us(0.99)}, {"max", us(1.0)}}},
                                   {"durable", durable},
                                   {"settled", settled}};
    std::printf("%s\n", report.dump().c_str());
    return durable && settled ? 0 : 1;
}
