/// One activation request on its way, from decode to answer. Completed exactly once.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "muster/family.h"
#include "muster/reactor.h"
#include "muster/types.h"

namespace muster {

/// What the loaded families know of a request. Pointers are to constant tables and stay valid for ever.
struct Product {
    const muster_family* family = nullptr;  ///< nullptr: no loaded family knows the counted ID
    const muster_counted* counted = nullptr;
    const muster_sku* sku = nullptr;  ///< nullptr: the counted ID is known, the activation ID is not
    bool countsVirtual = true;        ///< the family's rule, or the setting that overrides it
};

/// RPC fault status codes that an authority may answer with (C706 appendix E, [MS-RPCE] 2.2.2.2, [MS-ERREF]).
enum class RpcStatus : std::uint32_t {
    accessDenied = 0x00000005,   // ERROR_ACCESS_DENIED
    serverTooBusy = 0x000006BB,  // RPC_S_SERVER_TOO_BUSY
    serverUnavailable = 0x000006BA,
    callFailed = 0x000006BE,
    opRangeError = 0x1C010002,  // nca_s_op_rng_error
    unknownInterface = 0x1C010003,
    protocolError = 0x1C01000B,   // nca_s_proto_error
    outOfResources = 0x1C010005,  // nca_s_fault_remote_no_memory is 1C00001B; this is nca_s_out_args_too_big
    invalidBoundTag = 0x1C000006,
    ndr = 0x000006F7,  // RPC_X_BAD_STUB_DATA
};

/// How an exchange ends.
struct Outcome {
    enum class Kind : std::uint8_t {
        answered,  ///< `body` is the answer, HRESULT 0
        refused,   ///< `code`, no body
        faulted,   ///< `status`, as an RPC fault
        dropped,   ///< the connection is closed without a word
    };
    static constexpr std::size_t kMaxBody = 384;  ///< octets; longer than any known answer

    Kind kind = Kind::dropped;
    HResult code = HResult::ok;
    RpcStatus status = RpcStatus::callFailed;
    bool counted = false;       ///< the authority counted this client (or the host's answer says so)
    std::uint32_t count = 0;    ///< the count in the answer; 0 if there is none
    const char* reason = "";    ///< constant text for the journal: "a real client asked the lab"
    const char* upstream = "";  ///< relay: the name of the host whose answer this is; lives as long as the process
    std::uint32_t waited = 0;   ///< relay: microseconds that the exchange was with upstreams
    std::uint8_t attempts = 0;  ///< relay: upstreams that were asked; 0: none
    std::uint16_t size = 0;
    std::array<std::byte, kMaxBody> octets;  // deliberately not cleared: only the first `size` are meant

    Octets body() const noexcept { return {octets.data(), size}; }

    /// False if `body` is longer than kMaxBody.
    bool setBody(Octets body) noexcept {
        if (body.size() > kMaxBody)
            return false;
        if (!body.empty())
            std::memcpy(octets.data(), body.data(), body.size());
        size = static_cast<std::uint16_t>(body.size());
        return true;
    }
    static Outcome refuse(HResult code, const char* reason = "") noexcept {
        Outcome outcome;
        outcome.kind = Kind::refused;
        outcome.code = code;
        outcome.reason = reason;
        return outcome;
    }
    static Outcome fault(RpcStatus status, const char* reason = "") noexcept {
        Outcome outcome;
        outcome.kind = Kind::faulted;
        outcome.status = status;
        outcome.reason = reason;
        return outcome;
    }

    // NOLINTNEXTLINE(modernize-use-equals-default,cppcoreguidelines-pro-type-member-init): keeps `octets` uncleared
    Outcome() noexcept {}
};

/// What an authority gets. Valid until complete() returns; all calls on `reactor()`'s thread.
class Exchange {
public:
    virtual Reactor& reactor() noexcept = 0;
    virtual const ActivationRequest& request() const noexcept = 0;
    /// False if the body is no request of a known shape; then only what could be read is set in request().
    virtual bool wellFormed() const noexcept = 0;
    virtual Octets body() const noexcept = 0;  ///< exactly as received
    virtual const Address& source() const noexcept = 0;
    virtual Timestamp received() const noexcept = 0;
    virtual const Product& product() const noexcept = 0;
    /// The client is new and its source has brought too many new CMIDs this hour (setting pool.new-clients-per-hour).
    virtual bool overNewClientLimit() const noexcept = 0;

    /// Ends the exchange: it is recorded, and goes to the client when the record is durable.
    /// A second call is a programming error: it is counted, and does nothing.
    virtual void complete(const Outcome& outcome) noexcept = 0;

protected:
    ~Exchange() = default;
};

/// The listener's end: where outcomes go. One per reactor.
class Responder {
public:
    /// @param token  as given to submit(); the connection it names may be gone
    virtual void respond(std::uint64_t token, const Outcome& outcome) noexcept = 0;

protected:
    ~Responder() = default;
};

/// Takes requests from a listener, asks the authority of the present mode, records, responds.
class Dispatcher {
public:
    /// @param body   the KMS body, as in the request stub; copied. At most 64 KiB.
    /// @param token  the listener's own; given back with the outcome
    /// @thread       the reactor's; the response may come before submit() returns or any time later
    virtual void submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address& source,
                        Octets body) noexcept = 0;
    /// After this no outcome reaches `responder`. @thread the reactor's
    virtual void detach(Reactor& reactor, Responder& responder) noexcept = 0;
    /// Whether the appliance itself comes from there just now, to test itself: rules about clients' networks are not
    /// meant for it. @thread the reactor's
    virtual bool isOwn(Reactor& /*reactor*/, const Address& /*source*/) noexcept { return false; }

protected:
    ~Dispatcher() = default;
};

}  // namespace muster
