/// bench_fdatasync: what one durable append costs on the file system that holds the state: write, fdatasync, repeat.
/// Over blocks that are there already, as the intake does it: the least that a sync can cost.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include "CLI/CLI.hpp"
#include "nlohmann/json.hpp"

#include "histogram.h"
#include "process_usage.h"

int main(int argc, char** argv) {
    CLI::App app{"Measures append + fdatasync in a directory; prints JSON."};
    std::string directory = ".";
    std::size_t size = 512;
    unsigned count = 1000;
    unsigned rate = 0;
    bool growing = false;
    int core = -1;
    app.add_option("--directory", directory, "where to write; the file is removed again")->capture_default_str();
    app.add_option("--size", size, "octets of one append")->capture_default_str();
    app.add_option("--count", count, "how many")->capture_default_str();
    app.add_option("--rate", rate, "appends a second; 0: one after the other")->capture_default_str();
    app.add_flag("--growing", growing, "append to a file that grows; else over one whose blocks are on disk already");
    app.add_option("--cpu", core, "run on this core only");
    CLI11_PARSE(app, argc, argv);
    if (core >= 0)
        muster::bench::pinTo(core);

    std::string path = directory + "/bench-fdatasync.XXXXXX";
    const int fd = mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) {
        std::fprintf(stderr, "bench_fdatasync: %s: %s\n", directory.c_str(),
                     std::generic_category().message(errno).c_str());
        return 1;
    }
    using Clock = std::chrono::steady_clock;
    const std::vector<char> octets(size, 'm');
    if (!growing) {
        const std::vector<char> blocks(size * count, '\0');
        if (write(fd, blocks.data(), blocks.size()) != static_cast<ssize_t>(blocks.size()) || fsync(fd) != 0 ||
            lseek(fd, 0, SEEK_SET) != 0) {
            std::fprintf(stderr, "bench_fdatasync: %s: %s\n", directory.c_str(),
                         std::generic_category().message(errno).c_str());
            unlink(path.c_str());
            return 1;
        }
    }
    const auto histogram = std::make_unique<muster::bench::Histogram>();
    const auto begin = Clock::now();
    for (unsigned i = 0; i < count; ++i) {
        if (rate > 0)
            std::this_thread::sleep_until(begin + std::chrono::nanoseconds(1'000'000'000ull * i / rate));
        const auto start = Clock::now();
        if (write(fd, octets.data(), octets.size()) != static_cast<ssize_t>(octets.size()) || fdatasync(fd) != 0) {
            std::fprintf(stderr, "bench_fdatasync: %s: %s\n", directory.c_str(),
                         std::generic_category().message(errno).c_str());
            unlink(path.c_str());
            return 1;
        }
        histogram->add(static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - start).count()));
    }
    close(fd);
    unlink(path.c_str());
    const auto us = [&](double fraction) { return static_cast<double>(histogram->quantile(fraction)) / 1e3; };
    const nlohmann::json report = {{"count", count},     {"size", size},         {"p50_us", us(0.5)},
                                   {"p99_us", us(0.99)}, {"p999_us", us(0.999)}, {"max_us", us(1.0)}};
    std::printf("%s\n", report.dump().c_str());
    return 0;
}
