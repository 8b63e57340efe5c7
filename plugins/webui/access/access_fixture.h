/// What the tests of this room share: clocks that are moved by hand, a folder that goes again, and a cheap hasher.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "muster/types.h"

#include "clocks.h"
#include "password.h"

namespace muster::webui::test {

/// Begins on 2026-11-27; any thread may read it while another moves it.
class ManualClocks {
public:
    Clocks clocks() {
        return {[this] { return Timestamp(std::chrono::milliseconds(wall_.load())); },
                [this] { return Monotonic(std::chrono::milliseconds(steady_.load())); }};
    }
    void pass(std::chrono::milliseconds time) {
        wall_ += time.count();
        steady_ += time.count();
    }
    void stepWall(std::chrono::milliseconds time) { wall_ += time.count(); }
    Timestamp wall() const { return Timestamp(std::chrono::milliseconds(wall_.load())); }

private:
    std::atomic<std::int64_t> wall_{1'795'737'600'000};
    std::atomic<std::int64_t> steady_{1'000'000};
};

class Folder {
public:
    Folder() {
        char name[] = "/tmp/muster-access-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string read(const std::string& name) const {
        std::ifstream in(path_ / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
    /// From now on no file of that name can be written: the folder of its temporary name is in the way.
    void block(const std::string& name) const { std::filesystem::create_directory(path_ / (name + ".new")); }
    void unblock(const std::string& name) const { std::filesystem::remove(path_ / (name + ".new")); }

private:
    std::filesystem::path path_;
};

constexpr PasswordCost kCheap{64, 1};
constexpr const char* kPassword = "lantern orchid 42 quay";
constexpr const char* kOther = "seven slow rivers, two";

inline Address from(const char* host) {
    const std::string text = host;
    return Address::parse((text.find(':') == std::string::npos ? text : "[" + text + "]") + ":49152").value();
}

/// As an app reads it: RFC 4648 6, upper case, without padding.
inline std::string fromBase32(const std::string& text) {
    std::string octets;
    std::uint32_t bits = 0;
    unsigned have = 0;
    for (const char c : text) {
        bits = bits << 5U | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
        have += 5;
        if (have >= 8) {
            have -= 8;
            octets.push_back(static_cast<char>(bits >> have & 0xffU));
        }
    }
    return octets;
}

/// Runs `work(i)` on `count` threads at once.
template <class Work>
void onThreads(std::size_t count, Work work) {
    std::atomic<std::size_t> ready{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            for (++ready; ready < count;)
                std::this_thread::yield();
            work(i);
        });
    for (std::thread& thread : threads)
        thread.join();
}

}  // namespace muster::webui::test
