#include "settings.h"

#include <algorithm>
#include <array>

namespace muster::listener {

namespace {

constexpr std::array kFields{
    Field{.name = "addresses",
          .type = FieldType::addresses,
          .help =
              "Where clients are served: address and port, IPv4 and IPv6; each is optional where the machine lacks it.",
          .fallback = "[\"0.0.0.0:1688\", \"[::]:1688\"]",
          .minimum = 1,
          .maximum = 64},
    Field{.name = "allow",
          .type = FieldType::networks,
          .help = "Networks that are served; connections from elsewhere are closed and counted.",
          .fallback = "[\"127.0.0.0/8\", \"::1/128\", \"169.254.0.0/16\", \"fe80::/10\", \"10.0.0.0/8\", "
                      "\"172.16.0.0/12\", \"192.168.0.0/16\", \"fc00::/7\"]",
          .minimum = 0,
          .maximum = 1024},
    Field{.name = "max-connections",
          .type = FieldType::integer,
          .help = "Connections at a time; a new one beyond it takes the place of the one idle longest.",
          .fallback = "4096",
          .minimum = 1,
          .maximum = 65'000,
          .restart = true},
    Field{.name = "max-connections-per-source",
          .type = FieldType::integer,
          .help = "Connections at a time from one address (IPv6: from one /64); loopback is exempt.",
          .fallback = "256",
          .minimum = 1,
          .maximum = 65'000},
    Field{.name = "idle-timeout",
          .type = FieldType::duration,
          .help = "A connection that sends no whole PDU for so long is closed.",
          .fallback = "30s",
          .minimum = 10,
          .maximum = 3'600'000},
    Field{.name = "association-timeout",
          .type = FieldType::duration,
          .help = "An association that is older is closed when no call of it waits; 0s: never.",
          .fallback = "10m",
          .minimum = 0,
          .maximum = 86'400'000},
    Field{.name = "rate-per-source",
          .type = FieldType::integer,
          .help =
              "Requests a minute from one address (IPv6: from one /64), answered by a fault beyond it; 0: no limit. "
              "Loopback is exempt.",
          .fallback = "0",
          .minimum = 0,
          .maximum = 1'000'000},
};

}  // namespace

const std::span<const Field> kSettings{kFields};

Result<Limits> readLimits(const Host& host) {
    Limits limits;
    for (const std::string& text : host.setting("addresses", std::vector<std::string>{})) {
        const auto address = Address::parse(text);
        if (!address)
            return fail(Code::malformed, "setting listener.addresses",
                        "\"" + text + "\" is no address with a port; write 0.0.0.0:1688 or [::]:1688");
        if (std::find(limits.addresses.begin(), limits.addresses.end(), *address) != limits.addresses.end() &&
            address->port != 0)
            return fail(Code::malformed, "setting listener.addresses", "\"" + text + "\" is there twice; name it once");
        limits.addresses.push_back(*address);
    }
    if (limits.addresses.empty())
        return fail(Code::malformed, "setting listener.addresses",
                    "the list is empty, so that nobody could be served; name at least one address");
    auto allow = Networks::parse(host.setting("allow", std::vector<std::string>{}));
    if (!allow)
        return fail(Code::malformed, "setting listener.allow", allow.error().text());
    limits.allow = std::move(*allow);
    limits.connections = static_cast<std::size_t>(host.setting("max-connections", std::int64_t{4096}));
    limits.connectionsPerSource =
        static_cast<std::size_t>(host.setting("max-connections-per-source", std::int64_t{256}));
    limits.idle = host.setting("idle-timeout", std::chrono::milliseconds(30'000));
    limits.total = host.setting("association-timeout", std::chrono::milliseconds(600'000));
    limits.ratePerSource = static_cast<std::uint32_t>(host.setting("rate-per-source", std::int64_t{0}));
    return limits;
}

}  // namespace muster::listener
