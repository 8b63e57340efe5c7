#include "client/network.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "Poco/Net/DNS.h"
#include "Poco/Net/HostEntry.h"
#include "Poco/Net/IPAddress.h"
#include "Poco/Net/NetException.h"
#include "Poco/Net/SocketAddress.h"

#include "client/rpc_connection.h"
#include "kms/body.h"
#include "kms/stub.h"

namespace muster::client {

namespace {

constexpr std::uint16_t kKmsOpnum = 0;

Reply unreachable(HResult code, std::string detail) {
    return {Reply::Kind::unreachable, code, {}, std::move(detail)};
}

/// @param lookup  where the name was found; nullptr: the system's own look-up, for a name that a person gave
/// @param failure  why there is none
std::vector<Poco::Net::SocketAddress> resolve(const Endpoint& host, const SrvLookup* lookup, std::string& failure) {
    Poco::Net::IPAddress address;
    if (Poco::Net::IPAddress::tryParse(host.host, address))
        return {Poco::Net::SocketAddress(address, host.port)};
    std::vector<Poco::Net::SocketAddress> addresses;
    if (lookup != nullptr) {
        const auto found = lookup->addresses(host.host);
        if (!found)
            failure = found.error().detail;
        else
            for (const Address& one : *found)
                addresses.emplace_back(Poco::Net::IPAddress(one.host()), host.port);
        return addresses;
    }
    const Poco::Net::HostEntry entry = Poco::Net::DNS::hostByName(host.host);
    for (const Poco::Net::IPAddress& found : entry.addresses())
        if (std::find(addresses.begin(), addresses.end(), Poco::Net::SocketAddress(found, host.port)) ==
            addresses.end())
            addresses.emplace_back(found, host.port);
    return addresses;
}

}  // namespace

Reply readReply(Octets stub, kms::ByteOrder order, kms::LabSeal* seal) {
    const auto broken = [](const char* what) {
        return Reply{
            Reply::Kind::refused, HResult::invalidData, {}, std::string("the host's answer is broken: ") + what};
    };
    const auto answer = kms::decodeAnswerStub(stub, order);
    if (!answer)
        return broken(kms::text(answer.error()));
    if (answer->result != HResult::ok)
        return {Reply::Kind::refused, answer->result, {}, {}};
    Reply reply{Reply::Kind::answer, HResult::ok, {}, {}};
    if (const auto body = kms::decodeAnswer(answer->body, reply.answer); !body)
        return broken(kms::text(body.error()));
    if (reply.answer.major != 4)
        return broken("it is of another protocol version than the request");
    if (seal != nullptr && !seal->isSealed(answer->body))
        return broken("its seal is not one of this seal file; is it that of the host asked?");
    return reply;
}

RpcNetwork::RpcNetwork(NetworkPlan plan) : plan_(std::move(plan)), random_(std::random_device{}()) {}

tl::expected<std::vector<dns::Service>, LookupFailure> RpcNetwork::discover() {
    if (const auto* host = std::get_if<Endpoint>(&plan_.hosts))
        return std::vector<dns::Service>{{0, 0, host->port, host->host}};
    return std::get<SrvLookup>(plan_.hosts)();
}

bool RpcNetwork::seal(std::span<std::byte> body) {
    const std::lock_guard guard(sealMutex_);
    if (plan_.seal)
        return plan_.seal->seal(body);
    for (std::byte& octet : body.last(kms::kSealSize))
        octet = static_cast<std::byte>(random_() & 0xFFU);
    return true;
}

Reply RpcNetwork::ask(const Endpoint& host, const ActivationRequest& request) {
    std::array<std::byte, kms::Request4::kSize> body{};
    kms::encodeRequest(request, body);
    if (!seal(body))
        return unreachable(HResult::rpcServerUnavailable, "the request could not be sealed");
    std::array<std::byte, kms::requestStubSize(kms::Request4::kSize)> stub{};
    kms::encodeRequestStub(body, stub);

    const std::string where = host.text() + ": ";
    const auto failed = [&](const RpcFailure& failure) { return unreachable(failure.code, where + failure.detail); };
    RpcFailure failure{HResult::rpcServerUnavailable, "no address"};
    RpcConnection connection;
    bool connected = false;
    try {
        for (const Poco::Net::SocketAddress& address :
             resolve(host, std::get_if<SrvLookup>(&plan_.hosts), failure.detail)) {
            const auto made = connection.connect(
                address, std::min(std::chrono::steady_clock::now() + plan_.connectTime, plan_.deadline));
            connected = made.has_value();
            if (connected)
                break;
            failure = made.error();
        }
    } catch (const Poco::Exception& error) {
        failure.detail = why(error);
    }
    if (!connected)
        return failed(failure);

    const Monotonic until = std::min(std::chrono::steady_clock::now() + plan_.answerTime, plan_.deadline);
    if (const auto bound = connection.bind({.features = true}, "key management service", until); !bound)
        return failed(bound.error());
    const auto answer = connection.call(kKmsOpnum, stub, until);
    if (!answer)
        return failed(answer.error());
    const std::lock_guard guard(sealMutex_);
    return readReply(answer->stub, answer->order, plan_.seal ? &*plan_.seal : nullptr);
}

}  // namespace muster::client
