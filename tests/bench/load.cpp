#include "load.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace muster::bench {
namespace {

constexpr std::chrono::milliseconds kRetryAfter{10};
constexpr std::chrono::seconds kSilence{10};  // an answer that takes longer counts as an error
constexpr std::uint64_t kTolerated = 1000;
constexpr unsigned kOpeningAtOnce = 128;  // a full accept queue costs a second: stay far below

// Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect(), per destination, so 28,000 ports serve each source.
constexpr int kBindAddressNoPort = 24;

FileTime now() {
    return FileTime::from(std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
}

std::string errnoText(const char* what) {
    return std::string(what) + ": " + std::generic_category().message(errno);
}

}  // namespace

std::uint64_t LoadReport::errorCount() const {
    std::uint64_t sum = 0;
    for (const auto& [what, count] : errors)
        sum += count;
    return sum;
}

Load::Load(LoadOptions options)
    : options_(std::move(options)), bind_(bindPdu()), connections_(options_.connections), random_(options_.seed) {
    if (!options_.sealingKey.empty()) {
        const auto key = Seal::sealingKey(options_.sealingKey);
        if (!key)
            throw std::runtime_error("the seal key file does not hold 32 hexadecimal digits");
        seal_ = std::make_unique<Seal>(*key);
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0)
        throw std::runtime_error(errnoText("epoll_create1"));
    if (!options_.ackLog.empty()) {
        ackFile_ = ::open(options_.ackLog.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (ackFile_ < 0)
            throw std::runtime_error(errnoText(options_.ackLog.c_str()));
    }
}

Load::~Load() {
    for (auto& connection : connections_)
        shut(connection);
    if (ackFile_ >= 0)
        close(ackFile_);
    close(epoll_);
}

const LoadReport& Load::run() {
    if (options_.server != 0) {
        cpuAtStart_ = cpuTime(options_.server);
        report_.memoryBefore = memory(options_.server);
        if (!cpuAtStart_)
            throw std::runtime_error("there is no process " + std::to_string(options_.server));
    }
    begin_ = Clock::now();
    nextDue_ = begin_;
    const bool openLoopChurn = options_.rate > 0 && options_.mode == LoadOptions::Mode::churn;
    if (openLoopChurn)
        for (std::size_t i = 0; i < connections_.size(); ++i)
            idle_.push_back(i);
    else
        toOpen_ = connections_.size();

    std::array<epoll_event, 512> events{};
    auto lastSweep = begin_;
    while (!finished()) {
        while (toOpen_ > 0 && opening_ < kOpeningAtOnce)
            open(--toOpen_);
        startDue();
        const timespec wait{.tv_sec = 0, .tv_nsec = untilDue().count()};
        const int ready = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
        for (int i = 0; i < ready; ++i)
            readable(events[static_cast<std::size_t>(i)].data.u64);
        flushAcknowledged();
        retryBroken();
        const auto time = Clock::now();
        if (!measuring_ && std::chrono::duration<double>(time - begin_).count() >= options_.warmup)
            beginMeasuring();
        if (time - lastSweep > std::chrono::seconds(1)) {
            closeSilent();
            lastSweep = time;
        }
    }
    endMeasuring();
    for (auto& connection : connections_)
        shut(connection);
    if (options_.settle > 0 && options_.server != 0)
        settle();
    if (cpuAtStart_)
        if (const auto used = cpuTime(options_.server))
            report_.serverCpuMicroseconds = static_cast<double>((*used - *cpuAtStart_).count()) / 1e3;
    return report_;
}

bool Load::finished() const {
    if (stopping_ != 0 || (!options_.persist && errors_ >= kTolerated))
        return true;
    if (options_.requests > 0)
        return report_.exchanges >= options_.requests;
    return measuring_ && std::chrono::duration<double>(Clock::now() - measureFrom_).count() >= options_.seconds;
}

bool Load::exhausted() const {
    return options_.requests > 0 && asked_ >= options_.requests;
}

void Load::beginMeasuring() {
    measuring_ = true;
    measureFrom_ = Clock::now();
    report_.latency.clear();
    report_.measuredExchanges = 0;
    ownCpuAtMeasure_ = cpuTime(getpid()).value_or(std::chrono::nanoseconds{});
    if (options_.server != 0)
        cpuAtMeasure_ = cpuTime(options_.server);
}

void Load::endMeasuring() {
    if (!measuring_)
        measureFrom_ = begin_;
    report_.measuredSeconds = std::chrono::duration<double>(Clock::now() - measureFrom_).count();
    const auto own = cpuTime(getpid()).value_or(std::chrono::nanoseconds{}) - ownCpuAtMeasure_;
    report_.generatorCores = std::chrono::duration<double>(own).count() / report_.measuredSeconds;
    if (cpuAtMeasure_)
        if (const auto used = cpuTime(options_.server))
            report_.busyCpuMicroseconds = static_cast<double>((*used - *cpuAtMeasure_).count()) / 1e3;
    if (options_.server != 0)
        report_.memoryHeld = memory(options_.server);
    for (const auto& connection : connections_)
        report_.connected += connection.state == State::ready ? 1 : 0;
}

/// What the server still does for answers already given (applying an intake, checkpoints) belongs to their price.
void Load::settle() {
    constexpr std::chrono::milliseconds kStep{50};
    const auto from = Clock::now();
    auto before = cpuTime(options_.server);
    for (int calm = 0;
         calm < 4 && before && std::chrono::duration<double>(Clock::now() - from).count() < options_.settle;) {
        std::this_thread::sleep_for(kStep);
        const auto after = cpuTime(options_.server);
        if (!after)
            break;
        calm = *after - *before < kStep / 50 ? calm + 1 : 0;
        before = after;
    }
    report_.settledSeconds = std::chrono::duration<double>(Clock::now() - from).count();
}

/// A machine keeps its address: client n comes from source n modulo the number of sources, as far as there are enough
/// clients for all. One after the other, each source takes its own, and helps another when it is through.
std::uint64_t Load::pickClient(unsigned source) {
    const std::uint64_t sources = std::max(1u, std::min<unsigned>(options_.sources, 250));
    std::uint64_t offset = 0;
    if (options_.clients < sources) {
        offset = options_.sequential ? sequence_[0]++ % options_.clients : random_() % options_.clients;
    } else if (options_.sequential) {
        std::uint64_t from = source;
        for (std::uint64_t i = 0; i < sources; ++i, from = (from + 1) % sources)
            if (sequence_[from] * sources + from < options_.clients)
                break;
        offset = (sequence_[from]++ * sources + from) % options_.clients;
    } else {
        const std::uint64_t share = (options_.clients - source + sources - 1) / sources;
        offset = random_() % share * sources + source;
    }
    return options_.firstClient + offset;
}

void Load::open(std::size_t index) {
    auto& connection = connections_[index];
    connection.size = 0;
    connection.callId = 1;
    connection.bindSent = false;
    connection.touched = Clock::now();
    if (options_.rate <= 0)
        connection.due = connection.touched;
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection.fd < 0) {
        fail(index, errnoText("socket"));
        return;
    }
    ++opening_;
    connection.state = State::binding;
    const int yes = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (options_.sources > 0) {
        connection.source = sourceTurn_++ % options_.sources;
        sockaddr_in source{};
        source.sin_family = AF_INET;
        source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + connection.source);
        setsockopt(connection.fd, IPPROTO_IP, kBindAddressNoPort, &yes, sizeof yes);
        if (::bind(connection.fd, reinterpret_cast<sockaddr*>(&source), sizeof source) != 0) {
            fail(index, errnoText("bind"));
            return;
        }
    }
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(options_.target.port);
    std::memcpy(&name.sin_addr, options_.target.octets.data() + 12, 4);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 && errno != EINPROGRESS) {
        fail(index, errnoText("connect"));
        return;
    }
    epoll_event event{};
    event.data.u64 = index;
    // On loopback the handshake is over when connect() returns, so the bind can go at once; else wait until it is.
    const auto sent = send(connection.fd, bind_.data(), bind_.size(), MSG_NOSIGNAL);
    connection.bindSent = sent == static_cast<ssize_t>(bind_.size());
    if (!connection.bindSent && errno != EAGAIN && errno != ENOTCONN) {
        fail(index, errnoText("connect"));
        return;
    }
    event.events = connection.bindSent ? EPOLLIN : EPOLLOUT;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
}

void Load::sendBind(Connection& connection, std::size_t index) {
    if (send(connection.fd, bind_.data(), bind_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bind_.size())) {
        fail(index, errnoText("connect"));
        return;
    }
    connection.bindSent = true;
    epoll_event event{};
    event.data.u64 = index;
    event.events = EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
}

void Load::ask(Connection& connection, std::size_t index) {
    const auto client = pickClient(connection.source);
    ++asked_;
    std::array<std::byte, kRequestSize> pdu{};
    connection.asked = now();
    connection.cmid = cmidOf(client);
    maker_.write(pdu, client, ++connection.callId, connection.asked, seal_.get());
    connection.state = State::asked;
    connection.touched = Clock::now();
    if (options_.mode == LoadOptions::Mode::keepalive && options_.rate <= 0)
        connection.due = connection.touched;
    if (send(connection.fd, pdu.data(), pdu.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(pdu.size()))
        fail(index, errnoText("send"));
}

void Load::readable(std::size_t index) {
    auto& connection = connections_[index];
    if (connection.fd < 0)
        return;
    if (!connection.bindSent) {
        sendBind(connection, index);
        return;
    }
    const auto got =
        recv(connection.fd, connection.buffer.data() + connection.size, connection.buffer.size() - connection.size, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        fail(index, got == 0 ? "closed by the server" : errnoText("recv"));
        return;
    }
    connection.size = static_cast<std::uint16_t>(connection.size + got);
    while (connection.size >= kHeaderSize) {
        const auto* pdu = connection.buffer.data();
        const std::size_t length = read16(pdu + 8);
        if (pdu[0] != std::byte{5} || length < kHeaderSize || length > connection.buffer.size()) {
            fail(index, "not a PDU");
            return;
        }
        if (connection.size < length)
            return;
        if (!take(connection, index, pdu, length))
            return;
        connection.size = static_cast<std::uint16_t>(connection.size - length);
        std::memmove(connection.buffer.data(), connection.buffer.data() + length, connection.size);
    }
}

bool Load::take(Connection& connection, std::size_t index, const std::byte* pdu, std::size_t size) {
    const auto type = static_cast<PduType>(pdu[2]);
    if (read32(pdu + 12) != connection.callId) {
        fail(index, "wrong call id");
        return false;
    }
    if (connection.state == State::binding) {
        if (type != PduType::bindAck || size < 24) {
            fail(index, type == PduType::bindNak ? "bind_nak" : "no bind_ack");
            return false;
        }
        const std::size_t results = (std::size_t{26} + read16(pdu + 24) + 3) & ~std::size_t{3};
        if (results + 8 > size || read16(pdu + results + 4) != 0) {
            fail(index, "context refused");
            return false;
        }
        --opening_;
        connection.state = State::ready;
        if (options_.mode == LoadOptions::Mode::idle)
            return true;
        if (options_.mode == LoadOptions::Mode::keepalive && options_.rate > 0) {
            idle_.push_back(index);
            return true;
        }
        if (!exhausted())
            ask(connection, index);
        return connection.fd >= 0;
    }
    if (connection.state != State::asked || type != PduType::response) {
        fail(index, type == PduType::fault ? "fault" : "unexpected PDU");
        return false;
    }
    return takeResponse(connection, index, pdu, size);
}

bool Load::takeResponse(Connection& connection, std::size_t index, const std::byte* pdu, std::size_t size) {
    if (size < 36) {
        fail(index, "short answer");
        return false;
    }
    const auto result = read32(pdu + size - 4);
    const std::size_t body = read32(pdu + 24);
    if (result != 0) {
        ++report_.refusals[text(static_cast<HResult>(result))];
        fail(index, "refused");
        return false;
    }
    if (body < 60 || 36 + body + 4 > size) {
        fail(index, "short answer");
        return false;
    }
    if (options_.verify && !verified(connection, pdu + 36, body)) {
        fail(index, "wrong answer");
        return false;
    }
    granted(connection, index);
    return options_.mode != LoadOptions::Mode::churn && connection.fd >= 0;  // churn: the slot is a new connection
}

bool Load::verified(const Connection& connection, const std::byte* body, std::size_t size) {
    const std::size_t epid = read32(body + 4);
    if (epid > 128 || size != 60 + epid || read32(body) != 0x00040000)
        return false;
    const auto* echo = body + 8 + epid;
    const std::uint64_t ticks = read32(echo + 16) | std::uint64_t{read32(echo + 20)} << 32;
    if (std::memcmp(echo, connection.cmid.octets.data(), 16) != 0 || ticks != connection.asked.ticks)
        return false;
    if (!seal_)
        return true;
    const auto mac = seal_->over({body, size - 16});
    return std::memcmp(mac.data(), body + size - 16, 16) == 0;
}

void Load::granted(Connection& connection, std::size_t index) {
    const auto time = Clock::now();
    report_.latency.add(static_cast<std::uint64_t>(std::chrono::nanoseconds(time - connection.due).count()));
    ++report_.exchanges;
    ++report_.measuredExchanges;
    if (ackFile_ >= 0) {
        acknowledged_ += connection.cmid.text();
        acknowledged_ += '\n';
    }
    connection.state = State::ready;
    if (options_.mode == LoadOptions::Mode::churn)
        shut(connection);
    next(index);
}

void Load::next(std::size_t index) {
    if (exhausted())
        return;
    if (options_.rate > 0)
        idle_.push_back(index);
    else if (options_.mode == LoadOptions::Mode::churn)
        open(index);
    else
        ask(connections_[index], index);
}

void Load::startDue() {
    if (options_.rate <= 0)
        return;
    const auto time = Clock::now();
    while (nextDue_ <= time && !idle_.empty() && !exhausted()) {
        const auto index = idle_.front();
        idle_.pop_front();
        auto& connection = connections_[index];
        if (options_.mode == LoadOptions::Mode::keepalive && connection.state != State::ready)
            continue;  // broke while it waited for work; it comes back when it is bound again
        connection.due = nextDue_;
        nextDue_ = begin_ + std::chrono::nanoseconds(
                                static_cast<std::int64_t>(1e9 * static_cast<double>(++dueCount_) / options_.rate));
        if (options_.mode == LoadOptions::Mode::churn)
            open(index);
        else
            ask(connection, index);
    }
}

std::chrono::nanoseconds Load::untilDue() const {
    constexpr std::chrono::nanoseconds kTick = std::chrono::milliseconds(10);  // for the end of the run, and signals
    if (options_.rate <= 0 || idle_.empty())
        return kTick;
    return std::clamp<std::chrono::nanoseconds>(nextDue_ - Clock::now(), std::chrono::nanoseconds(0), kTick);
}

void Load::fail(std::size_t index, const std::string& what) {
    auto& connection = connections_[index];
    ++report_.errors[what];
    ++errors_;
    if (connection.state == State::asked)
        --asked_;
    shut(connection);
    broken_.emplace_back(Clock::now() + kRetryAfter, index);
}

void Load::retryBroken() {
    const auto time = Clock::now();
    while (!broken_.empty() && broken_.front().first <= time && opening_ < kOpeningAtOnce) {
        const auto index = broken_.front().second;
        broken_.pop_front();
        if (options_.rate > 0 && options_.mode == LoadOptions::Mode::churn)
            idle_.push_back(index);
        else
            open(index);
    }
}

void Load::closeSilent() {
    if (options_.mode == LoadOptions::Mode::idle)
        return;
    const auto time = Clock::now();
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        const auto& connection = connections_[i];
        if (connection.fd >= 0 && connection.state != State::ready && time - connection.touched > kSilence)
            fail(i, "no answer in 10 s");
    }
}

void Load::shut(Connection& connection) {
    if (connection.fd < 0)
        return;
    if (connection.state == State::binding)
        --opening_;
    close(connection.fd);
    connection.fd = -1;
    connection.state = State::closed;
    connection.size = 0;
}

void Load::flushAcknowledged() {
    if (acknowledged_.empty())
        return;
    if (write(ackFile_, acknowledged_.data(), acknowledged_.size()) != static_cast<ssize_t>(acknowledged_.size()))
        throw std::runtime_error(errnoText(options_.ackLog.c_str()));
    acknowledged_.clear();
}

}  // namespace muster::bench
