/// A responder by itself: for the tests with foreign askers and a foreign parent.
///
///     dns-responder-probe ADDRESS:PORT RATE DOMAIN NAMESERVER PRIORITY WEIGHT PORT TARGET [HOSTADDRESS]...
///
/// Says "ready" when it listens, and runs until its standard input ends.
#include <charconv>
#include <cstdio>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include "dns/system_names.h"
#include "host/reactor/epoll_reactor.h"
#include "responder.h"

using namespace muster;
using namespace muster::publisher;

namespace {

class Input final : public Watcher {
public:
    explicit Input(reactor::EpollReactor& reactor) : reactor_(reactor) {}
    void ready(std::uint32_t) noexcept override {
        char octet = 0;
        if (::read(STDIN_FILENO, &octet, 1) <= 0)
            reactor_.stop();
    }

private:
    reactor::EpollReactor& reactor_;
};

template <class Number>
bool take(const std::string& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

int run(const std::vector<std::string>& words) {
    const auto address = words.size() < 8 ? std::nullopt : Address::parse(words[0]);
    ResponderSettings settings;
    dns::Service service;
    if (!address || !take(words[1], settings.rate) || !take(words[4], service.priority) ||
        !take(words[5], service.weight) || !take(words[6], service.port)) {
        std::fputs(
            "dns-responder-probe ADDRESS:PORT RATE DOMAIN NAMESERVER PRIORITY WEIGHT PORT TARGET "
            "[HOSTADDRESS]...\n",
            stderr);
        return 64;
    }
    service.target = words[7];
    ResponderZone zone;
    zone.domain = words[2];
    zone.nameServer = words[3];
    zone.services = {service};
    zone.ttl = std::chrono::seconds(1200);
    zone.serial = 7;
    zone.hosts.push_back({service.target, {}});
    for (std::size_t i = 8; i < words.size(); ++i)
        if (const auto host = dns::numericAddress(words[i]))
            zone.hosts.back().addresses.push_back(*host);
    settings.zones.push_back(std::move(zone));

    reactor::EpollReactor reactor;
    NameResponder responder(reactor);
    responder.apply(std::move(settings));
    const auto sockets = NameResponder::open(*address);
    if (!sockets || !responder.listen(*sockets)) {
        std::fprintf(stderr, "%s\n", sockets ? "the sockets cannot be watched" : sockets.error().text().c_str());
        return 1;
    }
    Input input(reactor);
    if (!reactor.watch(STDIN_FILENO, EPOLLIN, input))
        return 1;
    std::puts("ready");
    std::fflush(stdout);
    reactor.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return run({argv + 1, argv + argc});
}
