/// The client's side of one association, without its connection: what a Windows machine sends, and what comes back.
/// One call at a time.
/// @source docs/kms.md, "Transport"; C706 chapter 12; [MS-RPCE] 3.3.2
/// @thread one at a time
#pragma once

#include <cstdint>
#include <span>

#include "muster/exchange.h"
#include "muster/types.h"

#include "kms/pdu.h"
#include "kms/rpc_fragments.h"

namespace muster::kms {

/// What a bind offers.
struct BindOffer {
    Syntax interface = kKmsInterface;
    std::uint16_t maxFragment = kMaxFragment;
    std::uint32_t group = 0;
    std::uint16_t firstContext = 0;
    bool ndr64 = false;     ///< also NDR64, as clients since 8/2012 do, in a context of its own
    bool features = false;  ///< also bind-time feature negotiation, in a context of its own
};

// --- PDUs one by one, for those who keep the state themselves (the relay, the load generator)

void writeBind(Writer& writer, std::uint32_t callId, const BindOffer& offer) noexcept;
/// @param offer  of which only the interface, ndr64 and the first context are used
void writeAlterContext(Writer& writer, std::uint32_t callId, const BindOffer& offer) noexcept;
/// One or more fragments of at most `maxFragment` octets each. Room: fragmentedSize(), and 16 more a fragment with
/// object.
/// @param object  the object's UUID, or nullptr
void writeRequest(Writer& writer, std::uint32_t callId, std::uint16_t contextId, std::uint16_t opnum, Octets stub,
                  std::uint16_t maxFragment = kMaxFragment, const Guid* object = nullptr) noexcept;
void writeCancel(Writer& writer, std::uint32_t callId) noexcept;
void writeOrphaned(Writer& writer, std::uint32_t callId) noexcept;

/// Whether a whole fragment lies at the front of what was received.
struct Framing {
    enum class State : std::uint8_t { more, whole, broken };
    State state = State::more;
    std::size_t size = 0;  ///< of the fragment, once its header is there
    PduHeader header;
};
/// @param limit  a longer fragment is broken
Framing frame(Octets received, std::size_t limit = kMaxFragment) noexcept;

// --- an association with its state

class ClientAssociation {
public:
    /// Of an answer's stub with all its fragments.
    static constexpr std::size_t kMaxAnswer = std::size_t{64} * 1024;

    enum class Step : std::uint8_t {
        starved,   ///< nothing was consumed: more octets are needed
        went,      ///< a PDU was consumed; nothing has happened yet
        bound,     ///< the bind or alter_context was answered: accepted() and verdict() say how
        refused,   ///< bind_nak: nakReason(); the server closes
        response,  ///< the call is answered: stub()
        fault,     ///< the call failed: status()
        broken,    ///< no DCE/RPC, or none that fits: problem(); close
    };
    struct Progress {
        Step step = Step::starved;
        std::size_t consumed = 0;
    };

    explicit ClientAssociation(const BindOffer& offer = {}) noexcept : offer_(offer) {}

    void bind(Writer& out) noexcept;
    /// In the NDR32 context. @return the call's id; Windows' first one is 2
    std::uint32_t call(std::uint16_t opnum, Octets stub, Writer& out) noexcept;

    /// Takes at most one PDU from the front of `input`.
    Progress advance(Octets input) noexcept;

    bool accepted() const noexcept { return accepted_; }
    ContextVerdict verdict() const noexcept { return verdict_; }  ///< on the NDR32 context
    std::uint64_t features() const noexcept { return features_; }
    std::uint32_t group() const noexcept { return group_; }
    std::uint16_t maxFragment() const noexcept { return maxFragment_; }
    NakReason nakReason() const noexcept { return nakReason_; }
    /// A view into the last input or into the joined fragments, valid until the next advance() or call().
    Octets stub() const noexcept { return stub_; }
    ByteOrder order() const noexcept { return order_; }
    RpcStatus status() const noexcept { return status_; }
    bool didNotExecute() const noexcept { return didNotExecute_; }
    /// After `broken`: one clause for people.
    const char* problem() const noexcept { return problem_; }

private:
    Step take(const PduHeader& header, Octets pdu) noexcept;
    Step takeAck(const PduHeader& header, Octets pdu) noexcept;
    Step takeResponse(const PduHeader& header, Octets pdu) noexcept;
    Step breakOff(const char* problem) noexcept;

    BindOffer offer_;
    std::uint32_t callId_ = 0;
    std::uint32_t group_ = 0;
    std::uint16_t maxFragment_ = kMaxFragment;
    bool binding_ = false;
    bool calling_ = false;
    bool assembling_ = false;
    bool accepted_ = false;
    bool didNotExecute_ = false;
    ContextVerdict verdict_;
    std::uint64_t features_ = 0;
    NakReason nakReason_ = NakReason::notSpecified;
    RpcStatus status_ = RpcStatus::callFailed;
    ByteOrder order_ = ByteOrder::little;
    Octets stub_;
    const char* problem_ = "";
    FragmentBuffer fragments_;
};

}  // namespace muster::kms
