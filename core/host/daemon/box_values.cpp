#include "host/daemon/box_values.h"

#include <optional>
#include <utility>

#include "api/problem.h"
#include "api/values.h"

namespace muster::daemon {

namespace {

Json list(const std::vector<Address>& addresses) {
    Json out{Json::Array()};
    for (const Address& one : addresses)
        out.push(one.host());
    return out;
}

Json list(const std::vector<system::Prefix>& prefixes) {
    Json out{Json::Array()};
    for (const system::Prefix& one : prefixes)
        out.push(one.text());
    return out;
}

template <class T>
Json list(const std::vector<T>& values) {
    return Json(Json::Array(values.begin(), values.end()));
}

Json shown(const system::NetworkSettings& settings) {
    Json ports{Json::Array()};
    for (const system::Port& port : settings.ports) {
        Json one = json({{"name", port.name},
                         {"ipv4", name(port.ipv4)},
                         {"ipv6", name(port.ipv6)},
                         {"addresses", list(port.addresses)}});
        if (port.gateway4)
            one.set("gateway4", port.gateway4->host());
        if (port.gateway6)
            one.set("gateway6", port.gateway6->host());
        ports.push(std::move(one));
    }
    return json({{"ports", std::move(ports)},
                 {"nameServers", list(settings.nameServers)},
                 {"domains", list(settings.domains)}});
}

Json shown(const system::TimeSettings& settings) {
    return json({{"ntp", settings.ntp}, {"servers", list(settings.servers)}, {"zone", settings.zone}});
}

std::string text(const Json& object, const char* member) {
    const Json* const found = object.find(member);
    return found != nullptr && found->string() != nullptr ? *found->string() : std::string();
}

std::optional<Address> address(const std::string& text, const std::string& field, std::vector<system::Wrong>& wrong) {
    auto parsed = system::parseAddress(text);
    if (!parsed)
        wrong.push_back({field, api::inQuotes(text), "an address such as 10.0.0.1 or 2001:db8::1"});
    return parsed;
}

}  // namespace

Json shown(const system::NetworkState& state) {
    Json out = shown(state.settings);
    out.set("secondsLeft", state.secondsLeft);
    Json live{Json::Array()};
    for (const system::LivePort& port : state.ports)
        live.push(json({{"name", port.name}, {"up", port.up}, {"mac", port.mac}, {"addresses", list(port.addresses)}}));
    out.set("live", std::move(live));
    return out;
}

Json shown(const system::TimeState& state) {
    Json out = shown(state.settings);
    out.set("synchronized", state.synchronized);
    out.set("now", isoTime(Timestamp(std::chrono::seconds(state.now))));
    return out;
}

Json shown(const system::Hostname& hostname) {
    return json({{"hostname", hostname.name}});
}

Json shown(const system::OpenPorts& ports) {
    return json({{"tcp", list(ports.tcp)}, {"udp", list(ports.udp)}});
}

Json shown(const system::SlotsState& state) {
    Json slots{Json::Array()};
    for (const system::Slot& slot : state.slots) {
        Json one = json({{"name", slot.name}, {"state", slot.state}});
        for (const auto& [member, text] :
             {std::pair("boot", &slot.bootName), std::pair("health", &slot.health), std::pair("version", &slot.version),
              std::pair("installed", &slot.installed)})
            if (!text->empty())
                one.set(member, *text);
        slots.push(std::move(one));
    }
    return json({{"compatible", state.compatible},
                 {"booted", state.booted},
                 {"primary", state.primary},
                 {"slots", std::move(slots)}});
}

Json shown(const system::UpdateState& state) {
    constexpr const char* kPhases[] = {"none", "installing", "installed", "failed", "running", "went-back"};
    Json out = json({{"phase", kPhases[static_cast<std::size_t>(state.phase)]},
                     {"percent", std::int64_t{state.percent}},
                     {"words", state.words}});
    if (!state.slot.empty())
        out.set("slot", state.slot);
    if (!state.version.empty())
        out.set("version", state.version);
    return out;
}

Json shown(const system::Hello& hello) {
    return json({{"version", hello.version}, {"slots", hello.slots}});
}

Json shown(std::monostate) {
    return json({{"begun", true}});
}

std::vector<std::string> texts(const Json& object, const char* member) {
    std::vector<std::string> out;
    if (const Json* found = object.find(member); found != nullptr && found->array() != nullptr)
        for (const Json& one : *found->array())
            if (one.string() != nullptr && !one.string()->empty())
                out.push_back(*one.string());
    return out;
}

void changeBy(const Json& body, system::NetworkSettings& settings, std::vector<system::Wrong>& wrong) {
    if (const Json* ports = body.find("ports"); ports != nullptr && ports->array() != nullptr) {
        settings.ports.clear();
        for (const Json& item : *ports->array()) {
            const std::string at = "ports[" + std::to_string(settings.ports.size()) + "].";
            system::Port port;
            port.name = text(item, "name");
            port.ipv4 = system::addressingOf(text(item, "ipv4")).value_or(system::Addressing::automatic);
            port.ipv6 = system::addressingOf(text(item, "ipv6")).value_or(system::Addressing::automatic);
            std::size_t number = 0;
            for (const std::string& one : texts(item, "addresses")) {
                const std::string field = at + "addresses[" + std::to_string(number++) + "]";
                if (const auto prefix = system::Prefix::parse(one))
                    port.addresses.push_back(*prefix);
                else
                    wrong.push_back({field, api::inQuotes(one), "an address with its network's bits, as 10.0.0.7/24"});
            }
            if (const std::string router = text(item, "gateway4"); !router.empty())
                port.gateway4 = address(router, at + "gateway4", wrong);
            if (const std::string router = text(item, "gateway6"); !router.empty())
                port.gateway6 = address(router, at + "gateway6", wrong);
            settings.ports.push_back(std::move(port));
        }
    }
    if (body.find("nameServers") != nullptr) {
        settings.nameServers.clear();
        std::size_t number = 0;
        for (const std::string& one : texts(body, "nameServers"))
            if (const auto server = address(one, "nameServers[" + std::to_string(number++) + "]", wrong))
                settings.nameServers.push_back(*server);
    }
    if (body.find("domains") != nullptr)
        settings.domains = texts(body, "domains");
    if (wrong.empty())
        wrong = findings(settings);
}

}  // namespace muster::daemon
