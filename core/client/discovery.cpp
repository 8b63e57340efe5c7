#include "client/discovery.h"

#include <algorithm>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <array>
#include <charconv>
#include <cstring>
#include <iterator>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <numeric>
#include <resolv.h>
#include <unistd.h>
#include <utility>

namespace muster::client {

namespace {

constexpr std::size_t kMaxRecords = 256;
constexpr std::size_t kMaxMessage = 65535;
constexpr std::size_t kSrvFixed = 6;  // priority, weight, port (RFC 2782)

// What a Windows resolver says ([MS-ERREF] 2.2, as HRESULTs).
constexpr HResult kNameError{0x8007232B};      // DNS_ERROR_RCODE_NAME_ERROR
constexpr HResult kServerFailure{0x8007232A};  // DNS_ERROR_RCODE_SERVER_FAILURE
constexpr HResult kNoRecords{0x8007251D};      // DNS_INFO_NO_RECORDS

std::optional<std::uint16_t> portFrom(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

bool plainHost(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
    });
}

bool isV6(std::string_view text) {
    in6_addr address{};
    const std::string bare(text.substr(0, text.find('%')));
    return inet_pton(AF_INET6, bare.c_str(), &address) == 1;
}

using ResolverState = struct __res_state;  // glibc has a function of that name as well

struct CloseResolver {
    void operator()(ResolverState* state) const noexcept {
        res_nclose(state);
        delete state;
    }
};

std::uint16_t word(const std::uint8_t* at) noexcept {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

}  // namespace

std::string Endpoint::text() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    if (isV6(text))
        return Endpoint{std::string(text), kDefaultPort};
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !isV6(text.substr(1, close - 1)))
            return std::nullopt;
        Endpoint endpoint{std::string(text.substr(1, close - 1)), kDefaultPort};
        const std::string_view rest = text.substr(close + 1);
        if (rest.empty())
            return endpoint;
        const auto port = rest.front() == ':' ? portFrom(rest.substr(1)) : std::nullopt;
        if (!port)
            return std::nullopt;
        endpoint.port = *port;
        return endpoint;
    }
    const std::size_t colon = text.find(':');
    if (!plainHost(text.substr(0, colon)))
        return std::nullopt;
    Endpoint endpoint{std::string(text.substr(0, colon)), kDefaultPort};
    if (colon != std::string_view::npos) {
        const auto port = portFrom(text.substr(colon + 1));
        if (!port)
            return std::nullopt;
        endpoint.port = *port;
    }
    return endpoint;
}

Result<std::vector<Srv>> parseSrv(Octets message) {
    if (message.size() > kMaxMessage)
        return fail(Code::malformed, "DNS answer", "longer than 65535 octets");
    const auto* data = reinterpret_cast<const std::uint8_t*>(message.data());
    ns_msg parsed{};
    if (ns_initparse(data, static_cast<int>(message.size()), &parsed) != 0)
        return fail(Code::malformed, "DNS answer", "it ends early or contradicts its own counts");
    std::vector<Srv> records;
    const int count = ns_msg_count(parsed, ns_s_an);
    for (int i = 0; i < count && records.size() < kMaxRecords; ++i) {
        ns_rr record{};
        if (ns_parserr(&parsed, ns_s_an, i, &record) != 0)
            return fail(Code::malformed, "DNS answer", "record " + std::to_string(i) + " cannot be read");
        if (ns_rr_type(record) != ns_t_srv || ns_rr_class(record) != ns_c_in)
            continue;
        if (ns_rr_rdlen(record) <= kSrvFixed)
            return fail(Code::malformed, "DNS answer", "an SRV record without a target");
        std::array<char, NS_MAXDNAME> target{};
        const std::uint8_t* rdata = ns_rr_rdata(record);
        if (ns_name_uncompress(ns_msg_base(parsed), ns_msg_end(parsed), rdata + kSrvFixed, target.data(),
                               target.size()) < 0)
            return fail(Code::malformed, "DNS answer", "an SRV record whose target cannot be read");
        std::string_view name(target.data());
        if (name.ends_with('.'))
            name.remove_suffix(1);
        if (!plainHost(name) || word(rdata + 4) == 0)
            continue;
        records.push_back({word(rdata), word(rdata + 2), {std::string(name), word(rdata + 4)}});
    }
    return records;
}

std::vector<Endpoint> order(std::vector<Srv> records, bool byWeight, std::mt19937_64& random) {
    std::shuffle(records.begin(), records.end(), random);
    std::vector<Endpoint> out;
    out.reserve(records.size());
    if (byWeight) {
        std::stable_sort(records.begin(), records.end(),
                         [](const Srv& a, const Srv& b) { return a.priority < b.priority; });
        for (auto first = records.begin(); first != records.end();) {
            auto last = std::find_if(first, records.end(), [&](const Srv& r) { return r.priority != first->priority; });
            // RFC 2782: those of weight 0 first, so that they have a small chance; then one running sum after the
            // other.
            std::stable_partition(first, last, [](const Srv& r) { return r.weight == 0; });
            for (; first != last; ++first) {
                const std::uint64_t sum = std::accumulate(first, last, std::uint64_t{0},
                                                          [](std::uint64_t n, const Srv& r) { return n + r.weight; });
                std::uint64_t drawn = std::uniform_int_distribution<std::uint64_t>(0, sum)(random);
                auto chosen = first;
                while (drawn > chosen->weight) {
                    drawn -= chosen->weight;
                    ++chosen;
                }
                std::rotate(first, chosen, std::next(chosen));
            }
        }
    }
    std::transform(records.begin(), records.end(), std::back_inserter(out),
                   [](const Srv& record) { return record.target; });
    return out;
}

SrvLookup::SrvLookup(std::string domain, std::optional<Address> server)
    : name_("_vlmcs._tcp." + std::move(domain)), server_(server) {}

tl::expected<std::vector<Srv>, LookupFailure> SrvLookup::operator()() const {
    const std::unique_ptr<ResolverState, CloseResolver> state(new ResolverState{});
    if (res_ninit(state.get()) != 0)
        return tl::unexpected(LookupFailure{kServerFailure, "the system's resolver cannot be set up"});
    if (server_) {
        state->nscount = 1;
        sockaddr_in& to = state->nsaddr_list[0];
        to = {};
        to.sin_family = AF_INET;
        to.sin_port = htons(server_->port);
        std::memcpy(&to.sin_addr, server_->octets.data() + 12, 4);
    }
    std::vector<std::uint8_t> message(kMaxMessage);
    const int size =
        res_nquery(state.get(), name_.c_str(), ns_c_in, ns_t_srv, message.data(), static_cast<int>(message.size()));
    if (size < 0) {
        switch (state->res_h_errno) {
            case HOST_NOT_FOUND:
                return tl::unexpected(LookupFailure{kNameError, "DNS has no name " + name_});
            case NO_DATA:
                return tl::unexpected(LookupFailure{kNoRecords, "DNS has no SRV record at " + name_});
            default:
                return tl::unexpected(LookupFailure{kServerFailure, "no DNS server answered for " + name_});
        }
    }
    const std::size_t length = std::min(static_cast<std::size_t>(size), message.size());
    auto records = parseSrv(std::as_bytes(std::span(message)).first(length));
    if (!records)
        return tl::unexpected(LookupFailure{kServerFailure, records.error().text()});
    if (records->empty())
        return tl::unexpected(LookupFailure{kNoRecords, "DNS has no usable SRV record at " + name_});
    return std::move(*records);
}

std::string systemDomain() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) == 0) {
        const std::string_view name(host.data());
        if (const std::size_t dot = name.find('.'); dot != std::string_view::npos && dot + 1 < name.size())
            return std::string(name.substr(dot + 1));
    }
    const std::unique_ptr<ResolverState, CloseResolver> state(new ResolverState{});
    if (res_ninit(state.get()) == 0 && state->dnsrch[0] != nullptr)
        return state->dnsrch[0];
    return {};
}

}  // namespace muster::client
