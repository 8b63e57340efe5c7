#include "settings.h"

#include <algorithm>
#include <array>

namespace muster::webui {

namespace {

constexpr std::array kFields{
    Field{.name = "addresses",
          .type = FieldType::addresses,
          .help = "Where the page and the API are served over TLS; none: they are not.",
          .fallback = "[]",
          .minimum = 0,
          .maximum = 16,
          .restart = true},
    Field{.name = "redirect-addresses",
          .type = FieldType::addresses,
          .help = "Where unencrypted requests are told the https address, and nothing else.",
          .fallback = "[]",
          .minimum = 0,
          .maximum = 16,
          .restart = true},
    Field{.name = "names",
          .type = FieldType::texts,
          .help =
              "Names and addresses by which browsers reach this appliance, for its certificate, beside those that the "
              "machine knows.",
          .fallback = "[]",
          .minimum = 0,
          .maximum = 32,
          .restart = true},
    Field{.name = "threads",
          .type = FieldType::integer,
          .help = "Connections that are served at once; open live views may hold half of them.",
          .fallback = "64",
          .minimum = 4,
          .maximum = 512,
          .restart = true},
    Field{.name = "max-connections",
          .type = FieldType::integer,
          .help = "Connections at once; beyond it the oldest that is idle gives way.",
          .fallback = "256",
          .minimum = 8,
          .maximum = 4096,
          .restart = true},
    Field{.name = "max-connections-per-source",
          .type = FieldType::integer,
          .help = "The same from one address.",
          .fallback = "128",
          .minimum = 4,
          .maximum = 4096,
          .restart = true},
    Field{.name = "session-idle",
          .type = FieldType::duration,
          .help = "A log-in ends when it was not used for so long.",
          .fallback = "15m",
          .minimum = 60'000,
          .maximum = 86'400'000},
    Field{.name = "session-limit",
          .type = FieldType::duration,
          .help = "A log-in ends after so long, however much it is used.",
          .fallback = "12h",
          .minimum = 300'000,
          .maximum = 604'800'000},
};

Result<std::vector<Address>> addresses(const Host& host, const char* key) {
    std::vector<Address> all;
    for (const std::string& text : host.setting(key, std::vector<std::string>())) {
        const auto address = Address::parse(text);
        if (!address)
            return fail(Code::malformed, "setting webui." + std::string(key),
                        "\"" + text + "\" found, ADDRESS:PORT such as 0.0.0.0:443 allowed");
        if (std::find(all.begin(), all.end(), *address) != all.end())
            return fail(Code::malformed, "setting webui." + std::string(key), text + " is there twice; remove one");
        all.push_back(*address);
    }
    return all;
}

std::chrono::seconds seconds(const Host& host, const char* key, std::chrono::milliseconds fallback) {
    return std::chrono::duration_cast<std::chrono::seconds>(host.setting(key, fallback));
}

}  // namespace

const std::span<const Field> kSettings{kFields};

Result<Settings> readSettings(const Host& host) {
    Settings settings;
    auto listening = addresses(host, "addresses");
    if (!listening)
        return fail(listening.error());
    auto redirects = addresses(host, "redirect-addresses");
    if (!redirects)
        return fail(redirects.error());
    settings.addresses = std::move(*listening);
    settings.redirects = std::move(*redirects);
    settings.names = host.setting("names", std::vector<std::string>());
    settings.threads = static_cast<int>(host.setting("threads", std::int64_t{64}));
    settings.connections = static_cast<std::size_t>(host.setting("max-connections", std::int64_t{256}));
    settings.connectionsPerSource =
        static_cast<std::size_t>(host.setting("max-connections-per-source", std::int64_t{128}));
    settings.idle = seconds(host, "session-idle", std::chrono::minutes(15));
    settings.total = seconds(host, "session-limit", std::chrono::hours(12));
    return settings;
}

}  // namespace muster::webui
