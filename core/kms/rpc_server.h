/// The server's side of one association, without its connection: octets come in, answers and faults go out, and a call
/// of the KMS interface waits until somebody has decided it.
///
/// It does what Windows' run time does also where Windows' clients never go; Samba's tests of raw PDUs, recorded
/// against Windows, say what that is. One bind per association; one call at a time: what a client pipelines is looked
/// at when the call before it is answered.
/// @source docs/kms.md, "Transport"; C706 chapter 12; [MS-RPCE] 3.3.1.5
/// @thread one at a time; groups and statistics may be shared
#pragma once

#include <array>
#include <cstdint>

#include "muster/exchange.h"
#include "muster/types.h"

#include "kms/pdu.h"
#include "kms/rpc_fragments.h"
#include "kms/rpc_groups.h"
#include "kms/rpc_mgmt.h"

namespace muster::kms {

/// What all associations of a server share. Outlives them.
struct RpcServer {
    /// @param groupLimit  association groups at a time
    explicit RpcServer(std::size_t groupLimit = 65'535) : groups(groupLimit) {}

    AssociationGroups groups;
    RpcStatistics statistics;
};

/// Why something of a peer was not taken: for counters and log lines.
enum class Reject : std::uint8_t {
    none,
    version,           ///< neither 5.0 nor 5.1
    representation,    ///< EBCDIC or a float format of another age
    shortFragment,     ///< a length below the header's
    longFragment,      ///< beyond what was ever offered
    malformed,         ///< does not fit into its own length
    notBound,          ///< something else before a bind
    secondBind,        ///<
    noContext,         ///< a bind without a presentation context, or one without a transfer syntax
    contextChanged,    ///< an accepted context offered as another interface
    tooManyContexts,   ///<
    unknownGroup,      ///< an association group that nobody is in
    noGroup,           ///< all association groups are taken
    authentication,    ///< a verifier: this server knows none
    unknownInterface,  ///< a call in a context that was not accepted
    unknownOperation,  ///<
    badStub,           ///< the parameters of a call
    fragmentOrder,     ///< a second first fragment, or a later one without a first
    tooLong,           ///< a call of more than ServerAssociation::kMaxCall octets
    cancelled,         ///< a new call that says it is cancelled already
    unexpected,        ///< a PDU that only servers send, or none at all
    denied,            ///< understood, not allowed: mgmt's stop and the like
    outOfMemory,
};
constexpr std::size_t kRejects = 23;
/// "second_bind": a name for a counter's label.
const char* name(Reject reject) noexcept;

class ServerAssociation {
public:
    /// Of a call's stub with all its fragments. A real request has 284 octets in all.
    static constexpr std::size_t kMaxCall = std::size_t{64} * 1024;
    static constexpr std::size_t kMaxContexts = 16;
    /// Of a bind or alter_context, which may be longer than other fragments: 255 contexts have 11 KiB.
    static constexpr std::size_t kMaxNegotiation = std::size_t{32} * 1024;
    /// Room that one advance() or respond() needs in the writer: the answer to a bind with 255 contexts.
    static constexpr std::size_t kMaxOutput = 6'400;

    /// @param server  outlives the association
    /// @param port    of the listening socket: bind_ack names it
    ServerAssociation(RpcServer& server, std::uint16_t port) noexcept : server_(&server), port_(port) {}
    ~ServerAssociation() { reset(); }
    ServerAssociation(const ServerAssociation&) = delete;
    ServerAssociation& operator=(const ServerAssociation&) = delete;

    enum class Step : std::uint8_t {
        starved,   ///< nothing was consumed: more octets are needed
        went,      ///< a PDU was consumed; an answer may have been written
        call,      ///< a PDU was consumed and call() waits for respond(); no advance() until then
        finished,  ///< send what was written, then close; nothing more is read
    };
    struct Progress {
        Step step = Step::starved;
        std::size_t consumed = 0;
    };
    /// Takes at most one PDU from the front of `input`.
    /// @param input  what was received and not yet consumed; kMaxNegotiation octets always suffice for a whole PDU
    /// @param out    answers go here; room for kMaxOutput octets
    Progress advance(Octets input, Writer& out) noexcept;

    /// The body of the request that waits: a view into the last input or into the joined fragments, valid until
    /// respond() or the end of that input.
    Octets call() const noexcept { return call_; }
    bool calling() const noexcept { return calling_; }
    /// Ends the call. False: the connection is to be closed without another word.
    bool respond(const Outcome& outcome, Writer& out) noexcept;

    /// Why the last advance() refused something; none if it did not.
    Reject rejected() const noexcept { return rejected_; }
    bool bound() const noexcept { return bound_; }
    /// Inside a call of several fragments, or with a call that waits.
    bool busy() const noexcept { return calling_ || assembling_; }
    /// Octets held for the fragments of a call.
    std::size_t held() const noexcept { return fragments_.capacity(); }

private:
    enum class Interface : std::uint8_t { kms, mgmt };
    struct Context {
        std::uint16_t id;
        Interface interface;
    };
    struct Call {  ///< what the first fragment says
        std::uint32_t id = 0;
        std::uint16_t context = 0;
        std::uint16_t opnum = 0;
        std::array<std::uint8_t, 4> representation{};
        Interface interface = Interface::kms;
        ByteOrder order = ByteOrder::little;
    };

    Step take(const PduHeader& header, Octets pdu, Writer& out) noexcept;
    Step takeBind(const PduHeader& header, Octets pdu, Writer& out) noexcept;
    Step takeAlter(const PduHeader& header, Octets pdu, Writer& out) noexcept;
    Step takeRequest(const PduHeader& header, Octets pdu, Writer& out) noexcept;
    Step takeLaterFragment(const PduHeader& header, const RequestPdu& request, Writer& out) noexcept;
    Step dispatch(Octets stub, Writer& out) noexcept;
    Reject negotiate(const BindPdu& bind, bool features, Writer& out) noexcept;
    ContextVerdict judge(const ContextOffer& offer, bool settled, Reject& reject) noexcept;
    void finishNegotiation(const PduHeader& header, std::size_t begin, std::uint8_t contextsBefore,
                           Writer& out) noexcept;
    void negotiateSize(const BindPdu& bind) noexcept;

    const Context* find(std::uint16_t id) const noexcept;
    void dropFragments() noexcept;
    void reset() noexcept;

    Step nak(std::uint32_t callId, NakReason reason, Reject reject, Writer& out) noexcept;
    Step fault(std::uint32_t callId, std::uint16_t context, RpcStatus status, Reject reject, Writer& out) noexcept;
    Step faultAndFinish(std::uint32_t callId, std::uint16_t context, RpcStatus status, std::uint8_t flags,
                        Reject reject, Writer& out) noexcept;
    void wrote() noexcept { server_->statistics.pdusOut.fetch_add(1, std::memory_order_relaxed); }

    RpcServer* server_;
    std::uint32_t group_ = 0;  ///< 0: not in one
    std::uint16_t port_;
    std::uint16_t maxFragment_ = kMaxFragment;
    std::array<Context, kMaxContexts> contexts_{};
    std::uint8_t contextCount_ = 0;
    bool bound_ = false;  ///< a bind was tried: there is no second
    bool multiplexing_ = false;
    bool calling_ = false;
    bool assembling_ = false;
    bool finished_ = false;
    Reject rejected_ = Reject::none;
    Call current_;
    Octets call_;
    FragmentBuffer fragments_;
};

}  // namespace muster::kms
