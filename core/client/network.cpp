#include "client/network.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "Poco/Net/DNS.h"
#include "Poco/Net/HostEntry.h"
#include "Poco/Net/IPAddress.h"
#include "Poco/Net/NetException.h"
#include "Poco/Net/SocketAddress.h"
#include "Poco/Net/StreamSocket.h"
#include "Poco/Timespan.h"

#include "kms/body.h"
#include "kms/rpc_client.h"
#include "kms/stub.h"

namespace muster::client {

namespace {

constexpr std::uint32_t kWin32Facility = 0x80070000;
constexpr std::uint16_t kKmsOpnum = 0;
constexpr std::size_t kSendRoom = 1024;  // a bind with three contexts, or a request, fits
constexpr std::size_t kReceiveRoom = 2 * kms::kMaxFragment;

Reply unreachable(HResult code, std::string detail) {
    return {Reply::Kind::unreachable, code, {}, std::move(detail)};
}

Poco::Timespan left(Monotonic until) {
    const auto rest =
        std::chrono::duration_cast<std::chrono::microseconds>(until - std::chrono::steady_clock::now()).count();
    if (rest <= 0)
        throw Poco::TimeoutException("no answer in time");
    return {0, static_cast<long>(std::min<std::int64_t>(rest, 3'600'000'000))};
}

void send(Poco::Net::StreamSocket& socket, Octets octets, Monotonic until) {
    while (!octets.empty()) {
        socket.setSendTimeout(left(until));
        const int sent = socket.sendBytes(octets.data(), static_cast<int>(octets.size()));
        octets = octets.subspan(static_cast<std::size_t>(std::max(sent, 0)));
    }
}

/// One association's octets as they come in.
class Inbox {
public:
    /// Reads until the association has something to say.
    /// @return  `starved` when the host closed
    kms::ClientAssociation::Step next(Poco::Net::StreamSocket& socket, kms::ClientAssociation& association,
                                      Monotonic until) {
        using Step = kms::ClientAssociation::Step;
        while (true) {
            // What the last step's stub looked into is no longer needed.
            discard();
            const auto progress = association.advance(Octets(buffer_).first(size_));
            taken_ = progress.consumed;
            if (progress.step != Step::starved && progress.step != Step::went)
                return progress.step;
            if (progress.step == Step::went)
                continue;
            if (size_ == buffer_.size())
                return Step::broken;
            socket.setReceiveTimeout(left(until));
            const int got = socket.receiveBytes(buffer_.data() + size_, static_cast<int>(buffer_.size() - size_));
            if (got <= 0)
                return Step::starved;
            size_ += static_cast<std::size_t>(got);
        }
    }

private:
    void discard() noexcept {
        std::memmove(buffer_.data(), buffer_.data() + taken_, size_ - taken_);
        size_ -= taken_;
        taken_ = 0;
    }

    std::array<std::byte, kReceiveRoom> buffer_{};
    std::size_t size_ = 0;
    std::size_t taken_ = 0;
};

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

/// "Connection refused": POCO's own words without its class names.
std::string why(const Poco::Exception& error) {
    if (dynamic_cast<const Poco::TimeoutException*>(&error) != nullptr)
        return "no answer in time";
    if (error.code() > 0)
        return std::strerror(error.code());  // NOLINT(concurrency-mt-unsafe): glibc's is safe for known codes
    return error.displayText();
}

}  // namespace

HResult hresultOf(RpcStatus status) noexcept {
    constexpr std::uint32_t kUnknownInterface = 1717;  // RPC_S_UNKNOWN_IF
    constexpr std::uint32_t kOpnumOutOfRange = 1745;   // RPC_S_PROCNUM_OUT_OF_RANGE
    constexpr std::uint32_t kCallFailed = 1726;        // RPC_S_CALL_FAILED
    const auto value = static_cast<std::uint32_t>(status);
    switch (status) {
        case RpcStatus::unknownInterface:
            return HResult{kWin32Facility | kUnknownInterface};
        case RpcStatus::opRangeError:
            return HResult{kWin32Facility | kOpnumOutOfRange};
        default:
            return HResult{kWin32Facility | (value != 0 && value <= 0xFFFF ? value : kCallFailed)};
    }
}

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
    using Step = kms::ClientAssociation::Step;
    std::array<std::byte, kms::Request4::kSize> body{};
    kms::encodeRequest(request, body);
    if (!seal(body))
        return unreachable(HResult::rpcServerUnavailable, "the request could not be sealed");
    std::array<std::byte, kms::requestStubSize(kms::Request4::kSize)> stub{};
    kms::encodeRequestStub(body, stub);

    const std::string where = host.text();
    Poco::Net::StreamSocket socket;
    Monotonic until = std::chrono::steady_clock::now();
    std::string failure = "no address";
    bool connected = false;
    try {
        for (const Poco::Net::SocketAddress& address : resolve(host, std::get_if<SrvLookup>(&plan_.hosts), failure)) {
            until = std::min(std::chrono::steady_clock::now() + plan_.connectTime, plan_.deadline);
            try {
                socket = Poco::Net::StreamSocket();
                socket.connect(address, left(until));
                connected = true;
                break;
            } catch (const Poco::Exception& error) {
                failure = why(error);
            }
        }
        if (!connected)
            return unreachable(HResult::rpcServerUnavailable, where + ": " + failure);

        until = std::min(std::chrono::steady_clock::now() + plan_.answerTime, plan_.deadline);
        socket.setNoDelay(true);
        kms::ClientAssociation association({.features = true});
        Inbox inbox;
        std::array<std::byte, kSendRoom> room{};

        kms::Writer bind{room};
        association.bind(bind);
        send(socket, bind.written(), until);
        switch (inbox.next(socket, association, until)) {
            case Step::bound:
                break;
            case Step::refused:
                return unreachable(HResult::rpcServerUnavailable,
                                   where + ": the host refuses the association (bind_nak)");
            case Step::starved:
                return unreachable(HResult::rpcServerUnavailable, where + ": the host closed the connection");
            case Step::fault:
                return unreachable(hresultOf(association.status()), where + ": RPC fault at bind");
            default:
                return unreachable(HResult::rpcServerUnavailable,
                                   where + ": this is no RPC server: " + association.problem());
        }
        if (!association.accepted())
            return unreachable(hresultOf(RpcStatus::unknownInterface),
                               where + ": the RPC server there offers no key management service");

        kms::Writer call{room};
        association.call(kKmsOpnum, stub, call);
        send(socket, call.written(), until);
        switch (inbox.next(socket, association, until)) {
            case Step::response: {
                const std::lock_guard guard(sealMutex_);
                return readReply(association.stub(), association.order(), plan_.seal ? &*plan_.seal : nullptr);
            }
            case Step::fault:
                return unreachable(hresultOf(association.status()), where + ": RPC fault");
            case Step::starved:
                return unreachable(HResult::rpcServerUnavailable,
                                   where + ": the host closed the connection unanswered");
            default:
                return unreachable(HResult::rpcServerUnavailable, where + ": " + association.problem());
        }
    } catch (const Poco::Exception& error) {
        return unreachable(HResult::rpcServerUnavailable, where + ": " + why(error));
    }
}

}  // namespace muster::client
