#include "client/rpc_connection.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "Poco/Net/NetException.h"
#include "Poco/Net/StreamSocketImpl.h"
#include "Poco/Timespan.h"

namespace muster::client {

namespace {

constexpr std::uint32_t kWin32Facility = 0x80070000;

Poco::Timespan left(Monotonic until) {
    const auto rest =
        std::chrono::duration_cast<std::chrono::microseconds>(until - std::chrono::steady_clock::now()).count();
    if (rest <= 0)
        throw Poco::TimeoutException("no answer in time");
    return {0, static_cast<long>(std::min<std::int64_t>(rest, 3'600'000'000))};
}

tl::unexpected<RpcFailure> failed(HResult code, std::string detail) {
    return tl::unexpected(RpcFailure{code, std::move(detail)});
}

tl::unexpected<RpcFailure> failed(std::string detail) {
    return failed(HResult::rpcServerUnavailable, std::move(detail));
}

tl::unexpected<RpcFailure> failed(const Poco::Exception& error) {
    return failed(why(error));
}

}  // namespace

std::string why(const Poco::Exception& error) {
    if (dynamic_cast<const Poco::TimeoutException*>(&error) != nullptr)
        return "no answer in time";
    if (error.code() > 0)
        return std::strerror(error.code());  // NOLINT(concurrency-mt-unsafe): glibc's is safe for known codes
    return error.displayText();
}

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

RpcConnection::Expected<void> RpcConnection::connect(const Poco::Net::SocketAddress& address, Monotonic until) {
    try {
        if (!std::exchange(placed_, false))
            socket_ = Poco::Net::StreamSocket();
        socket_.connect(address, left(until));
        socket_.setNoDelay(true);
        return {};
    } catch (const Poco::Exception& error) {
        return failed(error);
    }
}

RpcConnection::Expected<Poco::Net::SocketAddress> RpcConnection::comeFrom(const Poco::Net::IPAddress& address) {
    try {
        socket_ = Poco::Net::StreamSocket(address.family());
        socket_.impl()->bind(Poco::Net::SocketAddress(address, 0), false);
        placed_ = true;
        return socket_.address();
    } catch (const Poco::Exception& error) {
        return failed(error);
    }
}

RpcConnection::Expected<void> RpcConnection::bind(const kms::BindOffer& offer, const char* service, Monotonic until) {
    association_ = kms::ClientAssociation(offer);
    size_ = taken_ = 0;
    try {
        kms::Writer out{room_};
        association_.bind(out);
        send(out.written(), until);
        switch (next(until)) {
            case Step::bound:
                break;
            case Step::refused:
                return failed("the host refuses the association (bind_nak)");
            case Step::starved:
                return failed("the host closed the connection");
            case Step::fault:
                return failed(hresultOf(association_.status()), "RPC fault at bind");
            default:
                return failed(std::string("this is no RPC server: ") + association_.problem());
        }
    } catch (const Poco::Exception& error) {
        return failed(error);
    }
    if (!association_.accepted())
        return failed(hresultOf(RpcStatus::unknownInterface), std::string("the RPC server there offers no ") + service);
    return {};
}

RpcConnection::Expected<RpcConnection::Answer> RpcConnection::call(std::uint16_t opnum, Octets stub, Monotonic until) {
    try {
        kms::Writer out{room_};
        association_.call(opnum, stub, out);
        send(out.written(), until);
        switch (next(until)) {
            case Step::response:
                return Answer{association_.stub(), association_.order()};
            case Step::fault:
                return failed(hresultOf(association_.status()), "RPC fault");
            case Step::starved:
                return failed("the host closed the connection unanswered");
            default:
                return failed(association_.problem());
        }
    } catch (const Poco::Exception& error) {
        return failed(error);
    }
}

void RpcConnection::send(Octets octets, Monotonic until) {
    while (!octets.empty()) {
        socket_.setSendTimeout(left(until));
        const int sent = socket_.sendBytes(octets.data(), static_cast<int>(octets.size()));
        octets = octets.subspan(static_cast<std::size_t>(std::max(sent, 0)));
    }
}

RpcConnection::Step RpcConnection::next(Monotonic until) {
    while (true) {
        // What the last step's stub looked into is no longer needed.
        discard();
        const auto progress = association_.advance(Octets(buffer_).first(size_));
        taken_ = progress.consumed;
        if (progress.step != Step::starved && progress.step != Step::went)
            return progress.step;
        if (progress.step == Step::went)
            continue;
        if (size_ == buffer_.size())
            return Step::broken;
        socket_.setReceiveTimeout(left(until));
        const int got = socket_.receiveBytes(buffer_.data() + size_, static_cast<int>(buffer_.size() - size_));
        if (got <= 0)
            return Step::starved;
        size_ += static_cast<std::size_t>(got);
    }
}

void RpcConnection::discard() noexcept {
    std::memmove(buffer_.data(), buffer_.data() + taken_, size_ - taken_);
    size_ -= taken_;
    taken_ = 0;
}

}  // namespace muster::client
