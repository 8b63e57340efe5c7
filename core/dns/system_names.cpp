#include "dns/system_names.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

#include "dns/message.h"

namespace muster::dns {

namespace {

constexpr std::size_t kMaxServers = 3;  // glibc's MAXNS
constexpr std::size_t kMaxSearch = 6;
constexpr unsigned kMaxDots = 15;
constexpr std::size_t kMaxNumeric = 64;  // octets of an IPv6 address with its interface
constexpr std::size_t kMaxHosts = std::size_t{1024} * 1024;
constexpr std::size_t kMaxResolverFile = std::size_t{64} * 1024;

std::string beginning(const std::string& file, std::size_t limit) {
    std::ifstream in(file, std::ios::binary);
    std::string text(limit, '\0');
    in.read(text.data(), static_cast<std::streamsize>(limit));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    return text;
}

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> found;
    while (true) {
        const std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos)
            return found;
        line.remove_prefix(begin);
        const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
        found.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

template <class Take>
void eachLine(std::string_view text, std::string_view comments, const Take& take) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        const auto found = words(line.substr(0, line.find_first_of(comments)));
        if (!found.empty())
            take(found);
        text.remove_prefix(std::min(text.size(), end + 1));
    }
}

}  // namespace

std::optional<Address> numericAddress(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']'))
        text = text.substr(1, text.size() - 2);
    if (text.size() > kMaxNumeric || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    const bool v6 = text.find(':') != std::string_view::npos;
    const auto address = Address::parse(v6 ? "[" + std::string(text) + "]:0" : std::string(text) + ":0");
    return address && address->isV4() && address->scopeId != 0 ? std::nullopt : address;  // "::ffff:10.0.0.7%2"
}

std::vector<Address> addressesInHosts(const std::string& file, std::string_view name) {
    std::vector<Address> found;
    eachLine(beginning(file, kMaxHosts), "#", [&](const std::vector<std::string_view>& line) {
        if (line.size() < 2 || found.size() == kMaxAddresses)
            return;
        if (std::none_of(line.begin() + 1, line.end(),
                         [&](std::string_view alias) { return plainName(alias) == name; }))
            return;
        if (const auto address = numericAddress(line[0]);
            address && std::find(found.begin(), found.end(), *address) == found.end())
            found.push_back(*address);
    });
    return found;
}

ResolverConfiguration readResolverConfiguration(const std::string& file) {
    ResolverConfiguration configuration;
    eachLine(beginning(file, kMaxResolverFile), "#;", [&](const std::vector<std::string_view>& line) {
        if (line[0] == "nameserver" && line.size() > 1 && configuration.servers.size() < kMaxServers) {
            if (auto server = numericAddress(line[1])) {
                server->port = 53;
                configuration.servers.push_back(*server);
            }
        } else if (line[0] == "search" || line[0] == "domain") {
            configuration.search.clear();  // the last of them holds
            for (std::size_t i = 1; i < line.size() && configuration.search.size() < kMaxSearch; ++i)
                if (auto domain = plainName(line[i]))
                    configuration.search.push_back(std::move(*domain));
        } else if (line[0] == "options") {
            for (const std::string_view option : line) {
                constexpr std::string_view kDots = "ndots:";
                unsigned dots = 0;
                if (option.starts_with(kDots) &&
                    std::from_chars(option.data() + kDots.size(), option.data() + option.size(), dots).ec ==
                        std::errc())
                    configuration.dots = std::min(dots, kMaxDots);
            }
        }
    });
    if (configuration.servers.empty()) {
        auto local = numericAddress("127.0.0.1");
        local->port = 53;
        configuration.servers.push_back(*local);
    }
    return configuration;
}

std::vector<std::string> candidates(const std::string& name, bool dotted, const ResolverConfiguration& configuration) {
    if (dotted)
        return {name};
    std::vector<std::string> names;
    for (const std::string& domain : configuration.search) {
        std::string whole = name;
        whole.append(".").append(domain);
        if (plainName(whole))
            names.push_back(std::move(whole));
    }
    const bool asItIsFirst = static_cast<std::size_t>(std::count(name.begin(), name.end(), '.')) >= configuration.dots;
    names.insert(asItIsFirst ? names.begin() : names.end(), name);
    return names;
}

}  // namespace muster::dns
