#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>

#include "muster/private_file.h"

#include "system/box.h"
#include "system/files.h"
#include "system/kept.h"
#include "system/texts.h"

namespace muster::system {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kReloadLimit = 10s;
constexpr milliseconds kTryAgain = 5s;  // going back, where it failed
constexpr std::size_t kMaxTrialFile = kMaxPacket + 256;

/// "BOOT DEADLINE\n", then the settings.
std::string trialFile(const std::string& boot, milliseconds deadline, const std::string& settings) {
    return boot + " " + std::to_string(deadline.count()) + "\n" + settings;
}

struct TrialFile {
    std::string boot;
    milliseconds deadline{0};
    NetworkSettings settings;
};

std::optional<TrialFile> readTrialFile(const std::string& text) {
    const std::size_t line = text.find('\n');
    const std::size_t blank = text.substr(0, line).find(' ');
    if (line == std::string::npos || blank == std::string::npos)
        return std::nullopt;
    TrialFile file;
    file.boot = text.substr(0, blank);
    const std::string number = text.substr(blank + 1, line - blank - 1);
    if (number.empty() || number.size() > 15 || number.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    file.deadline = milliseconds(std::stoll(number));
    auto settings = fromKept<NetworkSettings>(Verb::networkSet, text.substr(line + 1));
    if (!settings)
        return std::nullopt;
    file.settings = std::move(*settings);
    return file;
}

std::optional<Address> addressOf(const sockaddr* address) {
    Address out;
    if (address == nullptr)
        return std::nullopt;
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof v6);
        std::memcpy(out.octets.data(), &v6.sin6_addr, out.octets.size());
        return out;
    }
    if (address->sa_family != AF_INET)
        return std::nullopt;
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    out.octets[10] = out.octets[11] = 0xff;
    std::memcpy(out.octets.data() + 12, &v4.sin_addr, 4);
    return out;
}

}  // namespace

std::vector<LivePort> livePorts() {
    std::vector<LivePort> ports;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0)
        return ports;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(all, &::freeifaddrs);
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        if ((one->ifa_flags & IFF_LOOPBACK) != 0 || one->ifa_name == nullptr)
            continue;
        const std::string name = plain(one->ifa_name, kMaxName);
        auto port = std::find_if(ports.begin(), ports.end(), [&](const LivePort& known) { return known.name == name; });
        if (port == ports.end()) {
            if (ports.size() == kMaxLive)
                continue;
            ports.push_back({name, (one->ifa_flags & IFF_RUNNING) != 0, {}, {}});
            port = std::prev(ports.end());
        }
        if (one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_PACKET) {
            sockaddr_ll link{};
            std::memcpy(&link, one->ifa_addr, sizeof link);
            if (link.sll_halen == 6) {
                std::array<char, 18> text{};
                std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", link.sll_addr[0],
                              link.sll_addr[1], link.sll_addr[2], link.sll_addr[3], link.sll_addr[4], link.sll_addr[5]);
                port->mac = text.data();
            }
            continue;
        }
        const auto address = addressOf(one->ifa_addr);
        const auto mask = addressOf(one->ifa_netmask);
        if (!address || !mask || port->addresses.size() == kMaxLive)
            continue;
        Prefix prefix{*address, 0};
        for (std::size_t i = address->isV4() ? 12 : 0; i < mask->octets.size(); ++i)
            prefix.bits = static_cast<std::uint8_t>(prefix.bits + std::popcount(mask->octets.at(i)));
        port->addresses.push_back(prefix);
    }
    return ports;
}

Network::Network(const Places& places, const Programs& programs, const BootClock& clock, milliseconds trial,
                 const Log& log)
    : places_(places), programs_(programs), clock_(clock), limit_(trial), log_(log) {}

void Network::load() {
    kept_ = readKept<NetworkSettings>(places_.keep / "network", Verb::networkSet, log_).value_or(NetworkSettings());
    const auto text = readPrivateFile((places_.keep / "network.trial").string(), kMaxTrialFile);
    if (!text) {
        if (text.error().code != Code::missing)
            log_(true, text.error().text());
        return;
    }
    auto file = readTrialFile(*text);
    if (file && file->boot == clock_.boot && file->deadline > clock_.now() && file->deadline <= clock_.now() + limit_) {
        trial_ = std::move(file->settings);
        deadline_ = file->deadline;
        return;
    }
    log_(true, "network settings that nobody confirmed are given up: those before them are in force again");
    if (auto removed = removeFile(places_.keep / "network.trial"); !removed)
        log_(true, removed.error().text());
}

void Network::start(bool first) {
    load();
    if (auto applied = apply(inForce(), !first); !applied)
        log_(true, applied.error().text());
}

Result<void> Network::apply(const NetworkSettings& settings, bool tell) {
    const auto ports = putFiles(places_.run / "systemd/network", networkFiles(settings), "10-muster-", ".network");
    if (!ports)
        return fail(ports.error());
    const auto names = putFiles(places_.run / "systemd/resolved.conf.d", resolvedFiles(settings), "muster", ".conf");
    if (!names)
        return fail(names.error());
    if (!tell)
        return {};
    if (auto done = programs_.run(Command::reloadNetwork, {}, kReloadLimit); !done)
        return fail(done.error());
    if (*names)
        if (auto done = programs_.run(Command::restartResolved, {}, kReloadLimit); !done)
            return fail(done.error());
    return {};
}

NetworkState Network::state() const {
    NetworkState state;
    state.settings = inForce();
    if (trial_ && deadline_) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(*deadline_ - clock_.now()).count();
        state.secondsLeft = static_cast<std::uint32_t>(std::max<std::int64_t>(left, 1));
    }
    state.ports = livePorts();
    return state;
}

Result<NetworkState> Network::set(const NetworkSettings& settings) {
    if (settings == kept_)
        return trial_ ? revert() : Result<NetworkState>(state());
    const milliseconds deadline = clock_.now() + limit_;
    // First what undoes it, then the change.
    if (auto put = putFile(places_.keep / "network.trial",
                           trialFile(clock_.boot, deadline, toKept(Verb::networkSet, settings)), kPrivate);
        !put)
        return fail(put.error());
    trial_ = settings;
    deadline_ = deadline;
    if (auto applied = apply(settings, true); !applied) {
        const Error error = applied.error();
        static_cast<void>(goBack("they could not be put in force"));
        return fail(error);
    }
    log_(false, "new network settings are on trial for " + std::to_string(limit_.count() / 1000) + " s");
    return state();
}

Result<NetworkState> Network::confirm() {
    if (!trial_)
        return fail(Code::conflict, "network settings",
                    "none wait to be confirmed; if they were changed, the time ran out and those before are in force");
    if (auto put = putFile(places_.keep / "network", toKept(Verb::networkSet, *trial_), kPrivate); !put)
        return fail(put.error());
    kept_ = *trial_;
    trial_.reset();
    deadline_.reset();
    if (auto removed = removeFile(places_.keep / "network.trial"); !removed)
        log_(true, removed.error().text());  // it is the same as what is kept now
    log_(false, "the network settings are confirmed");
    return state();
}

Result<NetworkState> Network::revert() {
    if (!trial_)
        return fail(Code::conflict, "network settings", "none are on trial");
    if (auto done = goBack("as was asked for"); !done)
        return fail(done.error());
    return state();
}

Result<void> Network::goBack(const char* why) {
    log_(true, std::string("the network settings before are in force again: ") + why);
    trial_.reset();
    deadline_.reset();
    auto applied = apply(kept_, true);
    if (!applied) {
        log_(true, applied.error().text() + "; it is tried again");
        deadline_ = clock_.now() + kTryAgain;
    }
    if (auto removed = removeFile(places_.keep / "network.trial"); !removed)
        log_(true, removed.error().text());
    return applied;
}

void Network::tick() {
    if (deadline_ && clock_.now() >= *deadline_)
        static_cast<void>(goBack(trial_ ? "nobody confirmed the new ones in time" : "once more"));
}

}  // namespace muster::system
