/// Plugin listener: the network front. DCE/RPC over TCP, on the host's reactors; octets in, requests to the dispatcher,
/// answers out.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>

#include "muster/plugin.h"

#include "front.h"
#include "settings.h"

namespace muster::listener {

namespace {

constexpr std::uint32_t kAddressMissing = 21001;
constexpr std::uint32_t kSettingsKept = 21002;

constexpr std::array kEvents{
    EventSpec{.id = kAddressMissing,
              .severity = Severity::warning,
              .message = "{address} is not served: {reason}",
              .explain =
                  "An address of the setting listener.addresses could not be opened because the machine does not "
                  "have it, for example because IPv6 is switched off. The others are served. Remove the address "
                  "from the setting, or give it to the machine and restart the listener."},
    EventSpec{.id = kSettingsKept,
              .severity = Severity::error,
              .message = "The listener goes on with its earlier settings: {reason}",
              .explain = "A change of the section [listener] could not be applied. Correct it; nothing has changed."},
};

constexpr std::array kRejectFields{
    Field{.name = "reason", .type = FieldType::text, .help = "What was wrong.", .column = true},
    Field{.name = "count", .type = FieldType::integer, .help = "How often since start.", .column = true},
};
constexpr std::array kAnswerFields{
    Field{.name = "addresses", .type = FieldType::addresses, .help = "Addresses that are served.", .column = true},
    Field{.name = "missing",
          .type = FieldType::texts,
          .help = "Addresses that the machine does not have.",
          .column = true},
    Field{.name = "connections", .type = FieldType::integer, .help = "Connections open now.", .column = true},
    Field{.name = "maxConnections", .type = FieldType::integer, .help = "The setting max-connections.", .column = true},
    Field{.name = "accepted", .type = FieldType::integer, .help = "Connections accepted since start.", .column = true},
    Field{.name = "requests", .type = FieldType::integer, .help = "Activation requests since start.", .column = true},
    Field{.name = "evicted", .type = FieldType::integer, .help = "Idle connections that made room for new ones."},
    Field{.name = "notAllowed", .type = FieldType::integer, .help = "Connections closed because of their network."},
    Field{.name = "idleClosed", .type = FieldType::integer, .help = "Connections that sent nothing whole in time."},
    Field{.name = "aged", .type = FieldType::integer, .help = "Associations closed because of their age."},
    Field{.name = "rateLimited", .type = FieldType::integer, .help = "Requests beyond the setting rate-per-source."},
    Field{.name = "exhausted", .type = FieldType::integer, .help = "Times without a descriptor for a connection."},
    Field{.name = "rejects",
          .type = FieldType::objects,
          .help = "What peers sent and was not taken, by reason; those that happened.",
          .fields = kRejectFields},
};

/// What a peer that never reads can make the kernel hold for it, in each direction: the kernel doubles it. Accepted
/// sockets inherit it.
constexpr int kKernelBuffer = 32 * 1024;

class Listener final : public Plugin {
public:
    explicit Listener(Host& host) : host_(host) {}

    void start() override;
    void stop() noexcept override;
    void settingsChanged() override;

private:
    struct Socket {
        Address asked;  ///< as the setting says
        Address bound;  ///< with the port that the system chose for 0
        int fd = -1;
    };

    /// Opens what is not open yet; throws when nothing could be, or when somebody else has an address.
    void open(const std::vector<Address>& addresses);
    void listen(const Socket& socket);
    static Address boundAddress(int fd, const Address& asked) noexcept;
    Reply show();

    Host& host_;
    std::mutex mutex_;  ///< of the next three: the control thread changes, front ends read
    std::vector<Socket> sockets_;
    std::vector<std::string> missing_;
    std::shared_ptr<const Limits> limits_;
    std::unique_ptr<Shared> shared_;
    std::vector<std::shared_ptr<Front>> fronts_;
    std::vector<Front*> all_;
};

void Listener::start() {
    auto limits = readLimits(host_);
    if (!limits)
        throw Fault(limits.error());
    limits_ = std::make_shared<const Limits>(std::move(*limits));
    shared_ = std::make_unique<Shared>(host_, limits_->connections);
    for (unsigned i = 0; i < host_.reactorCount(); ++i) {
        fronts_.push_back(std::make_shared<Front>(host_.reactor(i), host_.dispatcher(), *shared_, all_));
        all_.push_back(fronts_.back().get());
    }
    host_.onReactors([this](Reactor& reactor) { fronts_[reactor.index()]->apply(limits_); });
    host_.operation({.method = "GET",
                     .path = "/listener",
                     .role = Role::viewer,
                     .support = true,
                     .cli = "listener show",
                     .summary = "Where clients are served, how many are connected, and what was refused.",
                     .answer = kAnswerFields},
                    [this](const Call&) -> Result<Reply> { return show(); });
    open(limits_->addresses);
}

void Listener::stop() noexcept {
    if (fronts_.empty())
        return;
    try {
        host_.onReactors([this](Reactor& reactor) { fronts_[reactor.index()]->stop(); });
    } catch (
        const std::exception&) {  // NOLINT(bugprone-empty-catch): the reactors have stopped, and with them all fronts
    }
    all_.clear();
    fronts_.clear();
}

void Listener::settingsChanged() {
    auto read = readLimits(host_);
    if (!read) {
        host_.event(kSettingsKept, json({{"reason", read.error().text()}}));
        return;
    }
    const auto limits = std::make_shared<const Limits>(std::move(*read));
    std::vector<Socket> gone;
    {
        const std::lock_guard lock(mutex_);
        for (const Socket& socket : sockets_)
            if (std::find(limits->addresses.begin(), limits->addresses.end(), socket.asked) == limits->addresses.end())
                gone.push_back(socket);
    }
    try {
        open(limits->addresses);
    } catch (const Fault& fault) {
        host_.event(kSettingsKept, json({{"reason", fault.error().text()}}));
        return;
    }
    host_.onReactors([&](Reactor& reactor) {
        Front& front = *fronts_[reactor.index()];
        for (const Socket& socket : gone)
            front.unlisten(socket.fd);
        front.apply(limits);
    });
    const std::lock_guard lock(mutex_);
    for (const Socket& socket : gone) {
        host_.closeListenSocket(socket.asked);
        sockets_.erase(
            std::remove_if(sockets_.begin(), sockets_.end(), [&](const Socket& s) { return s.fd == socket.fd; }),
            sockets_.end());
    }
    limits_ = limits;
}

void Listener::open(const std::vector<Address>& addresses) {
    std::vector<Socket> opened;
    std::vector<std::string> missing;
    std::string reasons;
    bool kept = false;
    for (const Address& address : addresses) {
        const bool known =
            std::any_of(sockets_.begin(), sockets_.end(), [&](const Socket& s) { return s.asked == address; });
        if (known) {
            kept = true;
            continue;
        }
        const auto fd = host_.listenSocket(address);
        if (fd) {
            opened.push_back({address, boundAddress(*fd, address), *fd});
            continue;
        }
        if (fd.error().code != Code::missing) {
            for (const Socket& socket : opened)
                host_.closeListenSocket(socket.asked);
            throw Fault(fd.error());
        }
        missing.push_back(address.text());
        reasons += (reasons.empty() ? "" : "; ") + fd.error().text();
        host_.log(Severity::warning, address.text() + " is not served: " + fd.error().detail);
        host_.event(kAddressMissing, json({{"address", address.text()}, {"reason", fd.error().detail}}));
    }
    if (opened.empty() && !kept)
        throw Fault({Code::missing, "setting listener.addresses", "no address could be opened: " + reasons});
    for (const Socket& socket : opened)
        listen(socket);
    const std::lock_guard lock(mutex_);
    missing_ = std::move(missing);
    sockets_.insert(sockets_.end(), opened.begin(), opened.end());
}

void Listener::listen(const Socket& socket) {
    setsockopt(socket.fd, SOL_SOCKET, SO_SNDBUF, &kKernelBuffer, sizeof kKernelBuffer);
    setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, &kKernelBuffer, sizeof kKernelBuffer);
    const bool shared = host_.reactorCount() > 1;
    host_.onReactors([&](Reactor& reactor) {
        if (auto listening = fronts_[reactor.index()]->listen(socket.fd, socket.bound.port, shared); !listening)
            throw Fault(listening.error());
    });
}

Address Listener::boundAddress(int fd, const Address& asked) noexcept {
    Address bound = asked;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
        return bound;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    std::memcpy(&v4, &storage, sizeof v4);
    std::memcpy(&v6, &storage, sizeof v6);
    bound.port = ntohs(storage.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
    return bound;
}

Reply Listener::show() {
    Json::Array addresses;
    Json::Array missing;
    std::size_t limit = 0;
    {
        const std::lock_guard lock(mutex_);
        for (const Socket& socket : sockets_)
            addresses.emplace_back(socket.bound.text());
        for (const std::string& text : missing_)
            missing.emplace_back(text);
        limit = limits_->connections;
    }
    Json::Array rejects;
    for (std::size_t i = 1; i < shared_->rejects.size(); ++i)
        if (const std::uint64_t count = shared_->rejects[i]->value(); count != 0)
            rejects.push_back(json({{"reason", kms::name(static_cast<kms::Reject>(i))}, {"count", count}}));
    return {json({{"addresses", std::move(addresses)},
                  {"missing", std::move(missing)},
                  {"connections", shared_->open.value()},
                  {"maxConnections", static_cast<std::uint64_t>(limit)},
                  {"accepted", shared_->accepted.value()},
                  {"requests", shared_->requests.value()},
                  {"evicted", shared_->evicted.value()},
                  {"notAllowed", shared_->notAllowed.value()},
                  {"idleClosed", shared_->idleClosed.value()},
                  {"aged", shared_->aged.value()},
                  {"rateLimited", shared_->rateLimited.value()},
                  {"exhausted", shared_->exhausted.value()},
                  {"rejects", std::move(rejects)}})};
}

}  // namespace

}  // namespace muster::listener

MUSTER_PLUGIN(listener, muster::listener::Listener, "1.0.0", .kind = muster::Kind::listener,
              .settings = muster::listener::kSettings, .events = muster::listener::kEvents);
