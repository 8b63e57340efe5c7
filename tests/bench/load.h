/// The load generator: many simulated clients on one thread and one epoll.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <sys/types.h>
#include <vector>

#include "muster/types.h"

#include "canned.h"
#include "histogram.h"
#include "process_usage.h"

namespace muster::bench {

struct LoadOptions {
    enum class Mode : std::uint8_t {
        churn,      ///< connect, bind, one request, close (the client first, so that TIME_WAIT is on its side)
        keepalive,  ///< bind once, then request after request
        idle,       ///< bind and hold
    };
    Mode mode = Mode::churn;
    Address target;
    unsigned connections = 32;   ///< at once; open loop: at most
    double seconds = 3;          ///< of the measured part
    double warmup = 0.25;        ///< seconds before it; their latencies are dropped, their CPU time is not
    double settle = 0;           ///< at most so many seconds more until the server rests; its CPU then is counted too
    std::uint64_t requests = 0;  ///< end after so many answers instead; 0: by time
    double rate = 0;             ///< exchanges a second, latency from the due time; 0: closed loop
    std::uint64_t clients = 10'000;
    std::uint64_t firstClient = 0;
    bool sequential = false;  ///< clients one after the other instead of at random
    std::uint64_t seed = 1;
    unsigned sources = 16;   ///< addresses 127.0.0.2 and on; 0: the system's choice
    bool verify = false;     ///< check CMID, time and seal of every answer
    bool persist = false;    ///< a broken connection is made anew, for ever; else 1000 errors end the run
    std::string sealingKey;  ///< hexadecimal digits of the lab's seal key; empty: requests are not sealed
    std::string ackLog;      ///< every acknowledged CMID is appended here, one GUID a line
    pid_t server = 0;        ///< whose CPU time and memory are reported
};

struct LoadReport {
    std::uint64_t exchanges = 0;          ///< granted answers, warm-up included
    std::uint64_t measuredExchanges = 0;  ///< after the warm-up
    double measuredSeconds = 0;
    std::uint64_t connected = 0;  ///< idle: connections bound and held
    std::map<std::string, std::uint64_t> errors;
    std::map<std::string, std::uint64_t> refusals;  ///< HRESULTs other than zero
    Histogram latency;
    std::optional<double> serverCpuMicroseconds;  ///< all of it, from before the first connect to after settling
    std::optional<double> busyCpuMicroseconds;    ///< of the measured part only
    double settledSeconds = 0;
    std::optional<Memory> memoryBefore;
    std::optional<Memory> memoryHeld;  ///< at the end of the measured part
    double generatorCores = 0;         ///< of this process in the measured part: near 1, the generator is the limit
    std::uint64_t errorCount() const;
};

class Load {
public:
    explicit Load(LoadOptions options);
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load();

    /// Runs to the end. @error std::runtime_error  what the options name cannot be opened
    const LoadReport& run();
    /// From a signal handler: the run ends at once and reports what it has.
    void stop() noexcept { stopping_ = 1; }

private:
    using Clock = std::chrono::steady_clock;
    enum class State : std::uint8_t { closed, binding, ready, asked };

    struct Connection {
        int fd = -1;
        State state = State::closed;
        bool bindSent = false;
        unsigned source = 0;  ///< index of its address
        std::uint16_t size = 0;
        std::uint32_t callId = 1;
        Guid cmid;
        FileTime asked;
        Clock::time_point due;      ///< latency counts from here
        Clock::time_point touched;  ///< for the limit of silence
        std::array<std::byte, 1024> buffer{};
    };

    void open(std::size_t index);
    void sendBind(Connection& connection, std::size_t index);
    void ask(Connection& connection, std::size_t index);
    void readable(std::size_t index);
    /// One whole PDU. False: the connection was closed meanwhile.
    bool take(Connection& connection, std::size_t index, const std::byte* pdu, std::size_t size);
    bool takeResponse(Connection& connection, std::size_t index, const std::byte* pdu, std::size_t size);
    bool verified(const Connection& connection, const std::byte* body, std::size_t size);
    void granted(Connection& connection, std::size_t index);
    void fail(std::size_t index, const std::string& what);
    void shut(Connection& connection);
    /// A free slot takes the next exchange, or waits for its due time.
    void next(std::size_t index);
    void startDue();
    void retryBroken();
    void closeSilent();
    void flushAcknowledged();
    bool finished() const;
    /// As many requests as wanted are answered or under way.
    bool exhausted() const;
    std::chrono::nanoseconds untilDue() const;
    std::uint64_t pickClient(unsigned source);
    void beginMeasuring();
    void endMeasuring();
    void settle();

    LoadOptions options_;
    LoadReport report_;
    RequestMaker maker_;
    std::array<std::byte, kBindSize> bind_;
    std::unique_ptr<Seal> seal_;
    std::vector<Connection> connections_;
    std::deque<std::size_t> idle_;  ///< open loop: slots without work
    std::deque<std::pair<Clock::time_point, std::size_t>> broken_;
    std::size_t toOpen_ = 0;  ///< slots not yet opened for the first time
    unsigned opening_ = 0;
    std::mt19937_64 random_;
    std::array<std::uint64_t, 250> sequence_{};  ///< per source: how many of its clients had their turn
    std::uint64_t asked_ = 0;                    ///< requests answered or under way
    std::uint64_t errors_ = 0;
    int epoll_ = -1;
    int ackFile_ = -1;
    std::string acknowledged_;
    unsigned sourceTurn_ = 0;
    Clock::time_point begin_;
    Clock::time_point measureFrom_;
    Clock::time_point nextDue_;
    std::uint64_t dueCount_ = 0;
    bool measuring_ = false;
    std::optional<std::chrono::nanoseconds> cpuAtStart_;
    std::optional<std::chrono::nanoseconds> cpuAtMeasure_;
    std::chrono::nanoseconds ownCpuAtMeasure_{};
    volatile int stopping_ = 0;
};

}  // namespace muster::bench
