#include "kms/rpc_server.h"

#include <algorithm>
#include <charconv>

#include "kms/stub.h"

namespace muster::kms {

namespace {

constexpr std::uint64_t kGrantedFeatures = kSecurityContextMultiplexing | kKeepConnectionOnOrphan;
/// A call of several fragments that announces more than Windows takes in all is refused at its first one.
constexpr std::uint32_t kAbsurdHint = 4U * 1024 * 1024;

void writeVerdict(Writer& out, const ContextVerdict& verdict) noexcept {
    out.u16(static_cast<std::uint16_t>(verdict.result));
    out.u16(verdict.reason);
    writeSyntax(out, verdict.transfer);
}

constexpr ContextVerdict rejection(ContextReason reason) noexcept {
    return {ContextResult::providerRejection, static_cast<std::uint16_t>(reason), {}};
}

/// Whether a verifier names one of the levels that exist for sessions ([MS-RPCE] 2.2.1.1.8).
bool levelExists(std::uint8_t level) noexcept {
    return level >= 2 && level <= 6;
}

}  // namespace

const char* name(Reject reject) noexcept {
    static constexpr std::array<const char*, kRejects> kNames{
        "none",          "version",        "representation",    "short_fragment",  "long_fragment", "malformed",
        "not_bound",     "second_bind",    "no_context",        "context_changed", "contexts",      "unknown_group",
        "no_group",      "authentication", "unknown_interface", "bad_opnum",       "bad_stub",      "fragment_order",
        "call_too_long", "cancelled",      "unexpected",        "denied",          "out_of_memory"};
    return kNames[static_cast<std::size_t>(reject)];
}

ServerAssociation::Progress ServerAssociation::advance(Octets input, Writer& out) noexcept {
    rejected_ = Reject::none;
    if (finished_ || calling_)
        return {finished_ ? Step::finished : Step::starved, 0};
    const auto header = readHeader(input);
    if (!header)
        return {Step::starved, 0};

    // What can be judged by the header is judged before anything more is waited for.
    if (!header->versionKnown() || !header->representationKnown()) {
        const Reject why = header->versionKnown() ? Reject::representation : Reject::version;
        const Step step =
            bound_ ? faultAndFinish(header->callId, 0, RpcStatus::protocolError, pfc::kDidNotExecute, why, out)
                   : nak(header->callId, NakReason::protocolVersionNotSupported, why, out);
        return {step, input.size()};
    }
    if (header->fragLength < kHeaderSize) {
        rejected_ = Reject::shortFragment;
        finished_ = true;
        return {Step::finished, input.size()};
    }
    const bool negotiation = header->type == PduType::bind || header->type == PduType::alterContext;
    if (header->fragLength > kMaxNegotiation && header->type == PduType::bind && !bound_)
        return {nak(header->callId, NakReason::localLimitExceeded, Reject::longFragment, out), input.size()};
    if (header->fragLength > (negotiation ? kMaxNegotiation : std::size_t{kMaxFragment}))
        return {faultAndFinish(header->callId, 0, RpcStatus::protocolError, 0, Reject::longFragment, out),
                input.size()};
    if (input.size() < header->fragLength)
        return {Step::starved, 0};

    server_->statistics.pdusIn.fetch_add(1, std::memory_order_relaxed);
    return {take(*header, input.first(header->fragLength), out), header->fragLength};
}

ServerAssociation::Step ServerAssociation::take(const PduHeader& header, Octets pdu, Writer& out) noexcept {
    if (!bound_) {
        bound_ = true;
        if (header.type != PduType::bind)
            return nak(header.callId, NakReason::protocolVersionNotSupported, Reject::notBound, out);
        return takeBind(header, pdu, out);
    }
    switch (header.type) {
        case PduType::request:
            return takeRequest(header, pdu, out);
        case PduType::alterContext:
            return takeAlter(header, pdu, out);
        case PduType::bind:
            return nak(header.callId, NakReason::notSpecified, Reject::secondBind, out);
        case PduType::cancel:
        case PduType::orphaned:
            // Windows takes note of both and answers the call all the same, also when fragments are still to come.
            return Step::went;
        case PduType::auth3:
            return faultAndFinish(header.callId, 0, RpcStatus::protocolError, pfc::kDidNotExecute,
                                  Reject::authentication, out);
        default:
            return faultAndFinish(header.callId, 0, RpcStatus::protocolError, pfc::kDidNotExecute, Reject::unexpected,
                                  out);
    }
}

ServerAssociation::Step ServerAssociation::takeBind(const PduHeader& header, Octets pdu, Writer& out) noexcept {
    const auto bind = decodeBind(header, pdu);
    if (!bind)
        return nak(header.callId, NakReason::notSpecified, Reject::malformed, out);
    if (header.authLength != 0) {
        const auto trailer = findAuthTrailer(header, pdu, pdu.size() - bind->contexts.size());
        if (!trailer)
            return nak(header.callId, NakReason::protocolVersionNotSupported, Reject::malformed, out);
        return nak(header.callId,
                   levelExists(trailer->level) ? NakReason::authenticationTypeNotRecognized : NakReason::notSpecified,
                   Reject::authentication, out);
    }
    if (bind->group == 0) {
        group_ = server_->groups.open();
        if (group_ == 0)
            return nak(header.callId, NakReason::temporaryCongestion, Reject::noGroup, out);
    } else {
        if (!server_->groups.join(bind->group))
            return nak(header.callId, NakReason::notSpecified, Reject::unknownGroup, out);
        group_ = bind->group;
    }
    negotiateSize(*bind);

    const std::size_t begin = beginPdu(out, PduType::bindAck, pfc::kWhole, header.callId);
    out.u16(maxFragment_);
    out.u16(maxFragment_);
    out.u32(group_);
    std::array<char, 6> port{};  // at most five digits; its terminator is part of it
    const char* end = std::to_chars(port.data(), port.data() + port.size() - 1, port_).ptr;
    const auto size = static_cast<std::size_t>(end - port.data()) + 1;
    out.u16(static_cast<std::uint16_t>(size));
    out.octets(std::as_bytes(std::span(port.data(), size)));
    out.align(4, begin);
    if (const Reject reject = negotiate(*bind, true, out); reject != Reject::none) {
        out.rewind(begin);
        return nak(header.callId, NakReason::notSpecified, reject, out);
    }
    finishNegotiation(header, begin, 0, out);
    return Step::went;
}

ServerAssociation::Step ServerAssociation::takeAlter(const PduHeader& header, Octets pdu, Writer& out) noexcept {
    const auto refuse = [&](RpcStatus status, Reject reject) noexcept {
        return faultAndFinish(header.callId, 0, status, pfc::kDidNotExecute, reject, out);
    };
    const auto bind = decodeBind(header, pdu);
    if (!bind)
        return refuse(RpcStatus::protocolError, Reject::malformed);
    if (header.authLength != 0) {
        const auto trailer = findAuthTrailer(header, pdu, pdu.size() - bind->contexts.size());
        if (!trailer)
            return refuse(RpcStatus::protocolError, Reject::malformed);
        return refuse(trailer->type == 0 ? RpcStatus::accessDenied : kSecurityPackageError, Reject::authentication);
    }
    const std::uint8_t contextsBefore = contextCount_;
    // Fragment sizes and group are as the bind settled them, whatever is asked for here.
    const std::size_t begin = beginPdu(out, PduType::alterContextAck, pfc::kWhole, header.callId);
    out.u16(maxFragment_);
    out.u16(maxFragment_);
    out.u32(group_);
    out.u16(0);  // no secondary address
    out.align(4, begin);
    if (const Reject reject = negotiate(*bind, false, out); reject != Reject::none) {
        out.rewind(begin);
        return refuse(RpcStatus::protocolError, reject);
    }
    finishNegotiation(header, begin, contextsBefore, out);
    return Step::went;
}

/// Of the flags of a negotiation its answer repeats two: header signing always, multiplexing where a context was added.
void ServerAssociation::finishNegotiation(const PduHeader& header, std::size_t begin, std::uint8_t contextsBefore,
                                          Writer& out) noexcept {
    std::uint8_t flags = static_cast<std::uint8_t>(pfc::kWhole | (header.flags & pfc::kHeaderSigning));
    if (header.has(pfc::kMultiplexing) && contextCount_ > contextsBefore) {
        multiplexing_ = true;
        flags |= pfc::kMultiplexing;
    }
    out.patchU8(begin + 3, flags);
    finishPdu(out, begin);
    wrote();
}

void ServerAssociation::negotiateSize(const BindPdu& bind) noexcept {
    const std::uint16_t wanted = std::max(kMinFragment, std::min(bind.maxXmit, bind.maxRecv));
    maxFragment_ = static_cast<std::uint16_t>(std::min(wanted, kMaxFragment) & 0xFFF8U);
}

/// Writes the list of verdicts: one new context is accepted at most, the first that can be.
Reject ServerAssociation::negotiate(const BindPdu& bind, bool features, Writer& out) noexcept {
    if (bind.contextCount == 0)
        return Reject::noContext;
    out.u8(bind.contextCount);
    out.zeros(3);
    Reader reader(bind.contexts, bind.order);
    bool settled = false;
    bool featuresSeen = false;
    for (unsigned i = 0; i < bind.contextCount; ++i) {
        const ContextOffer offer = readContextOffer(reader);
        if (!reader.ok())
            return Reject::malformed;
        if (offer.transferCount == 0)
            return Reject::noContext;
        if (const auto offered = features ? bindTimeFeatures(offer.transfer(0)) : std::nullopt) {
            if (featuresSeen)
                return Reject::malformed;
            featuresSeen = true;
            writeVerdict(out,
                         {ContextResult::negotiateAck, static_cast<std::uint16_t>(*offered & kGrantedFeatures), {}});
            continue;
        }
        Reject reject = Reject::none;
        const ContextVerdict verdict = judge(offer, settled, reject);
        if (reject != Reject::none)
            return reject;
        settled = settled || verdict.result == ContextResult::acceptance;
        writeVerdict(out, verdict);
    }
    return Reject::none;
}

ContextVerdict ServerAssociation::judge(const ContextOffer& offer, bool settled, Reject& reject) noexcept {
    const bool kms = offer.interface == kKmsInterface;
    if (!kms && offer.interface != kMgmtInterface) {
        rejected_ = Reject::unknownInterface;
        return rejection(ContextReason::interfaceUnknown);
    }
    if (settled)
        return rejection(ContextReason::transferSyntaxUnknown);
    bool ndr32 = false;
    for (std::size_t i = 0; i < offer.transferCount && !ndr32; ++i)
        ndr32 = offer.transfer(i) == kNdr32;
    const Interface interface = kms ? Interface::kms : Interface::mgmt;
    const Context* known = find(offer.id);
    if (known != nullptr && known->interface != interface) {
        reject = Reject::contextChanged;
        return {};
    }
    if (!ndr32)
        return rejection(ContextReason::transferSyntaxUnknown);
    if (known == nullptr) {
        if (contextCount_ == kMaxContexts) {
            rejected_ = Reject::tooManyContexts;
            return {ContextResult::userRejection, static_cast<std::uint16_t>(ContextReason::localLimit), {}};
        }
        contexts_[contextCount_++] = {offer.id, interface};
    }
    return {ContextResult::acceptance, static_cast<std::uint16_t>(ContextReason::none), kNdr32};
}

ServerAssociation::Step ServerAssociation::takeRequest(const PduHeader& header, Octets pdu, Writer& out) noexcept {
    const bool first = header.has(pfc::kFirst);
    if (first && assembling_) {
        // Without multiplexing there is one call that can be meant: the one whose fragments are awaited.
        const bool same = !multiplexing_ || header.callId == current_.id;
        return faultAndFinish(multiplexing_ ? header.callId : current_.id, same ? current_.context : std::uint16_t{0},
                              RpcStatus::protocolError, 0, Reject::fragmentOrder, out);
    }
    const auto request = decodeRequest(header, pdu);
    if (!request)
        return faultAndFinish(header.callId, 0, RpcStatus::protocolError, pfc::kDidNotExecute, Reject::malformed, out);
    if (!first) {
        if (assembling_ && header.callId == current_.id)
            return takeLaterFragment(header, *request, out);
        if (!multiplexing_)
            return faultAndFinish(assembling_ ? current_.id : header.callId,
                                  assembling_ ? current_.context : std::uint16_t{0}, RpcStatus::protocolError, 0,
                                  Reject::fragmentOrder, out);
        const bool known = !assembling_ && find(request->contextId) != nullptr;
        if (!assembling_ && !known)
            return fault(header.callId, 0, RpcStatus::unknownInterface, Reject::unknownInterface, out);
        return faultAndFinish(header.callId, known ? request->contextId : std::uint16_t{0}, RpcStatus::protocolError, 0,
                              Reject::fragmentOrder, out);
    }
    if (header.has(pfc::kPendingCancel))
        return faultAndFinish(header.callId, 0, kNoCallActive, pfc::kDidNotExecute, Reject::cancelled, out);
    const Context* context = find(request->contextId);
    if (context == nullptr)
        return fault(header.callId, 0, RpcStatus::unknownInterface, Reject::unknownInterface, out);
    if (header.authLength != 0)
        return faultAndFinish(header.callId, request->contextId, RpcStatus::accessDenied, 0, Reject::authentication,
                              out);

    current_ = {header.callId,         request->contextId, request->opnum,
                header.representation, context->interface, header.order()};
    if (header.has(pfc::kLast))
        return dispatch(request->stub, out);

    if (request->allocHint > kAbsurdHint)
        return faultAndFinish(current_.id, current_.context, RpcStatus::accessDenied, 0, Reject::tooLong, out);
    if (!fragments_.append(request->stub))
        return fault(current_.id, current_.context, RpcStatus::outOfResources, Reject::outOfMemory, out);
    assembling_ = true;
    return Step::went;
}

/// Everything but the stub is the first fragment's; what would change how the stub is read is refused.
ServerAssociation::Step ServerAssociation::takeLaterFragment(const PduHeader& header, const RequestPdu& request,
                                                             Writer& out) noexcept {
    if (header.representation != current_.representation)
        return faultAndFinish(current_.id, current_.context, RpcStatus::protocolError, pfc::kDidNotExecute,
                              Reject::fragmentOrder, out);
    if (header.authLength != 0)
        return faultAndFinish(current_.id, current_.context, RpcStatus::accessDenied, 0, Reject::authentication, out);
    if (fragments_.exceeds(request.stub.size(), kMaxCall) || request.allocHint > kAbsurdHint)
        return faultAndFinish(current_.id, current_.context, RpcStatus::accessDenied, 0, Reject::tooLong, out);
    if (!fragments_.append(request.stub)) {
        dropFragments();
        return fault(current_.id, current_.context, RpcStatus::outOfResources, Reject::outOfMemory, out);
    }
    if (!header.has(pfc::kLast))
        return Step::went;
    const Step step = dispatch(fragments_.joined(), out);
    assembling_ = false;
    if (step != Step::call)
        dropFragments();
    return step;
}

ServerAssociation::Step ServerAssociation::dispatch(Octets stub, Writer& out) noexcept {
    server_->statistics.callsIn.fetch_add(1, std::memory_order_relaxed);
    if (current_.interface == Interface::mgmt) {
        std::array<std::byte, 128> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): the writer fills it
        Writer answer(room);
        if (const auto status = answerMgmt(current_.opnum, stub, current_.order, server_->statistics, answer)) {
            const bool unknown = *status == RpcStatus::opRangeError;
            return fault(current_.id, current_.context, *status,
                         unknown                     ? Reject::unknownOperation
                         : *status == RpcStatus::ndr ? Reject::badStub
                                                     : Reject::denied,
                         out);
        }
        // As Windows does: only the low octet of the context's id comes back.
        writeResponse(out, current_.id, current_.context & 0xFFU, answer.written(), maxFragment_);
        wrote();
        return Step::went;
    }
    if (current_.opnum != 0)
        return fault(current_.id, current_.context, RpcStatus::opRangeError, Reject::unknownOperation, out);
    const auto body = decodeRequestStub(stub, current_.order);
    if (!body)
        return fault(current_.id, current_.context, RpcStatus::ndr, Reject::badStub, out);
    call_ = *body;
    calling_ = true;
    return Step::call;
}

bool ServerAssociation::respond(const Outcome& outcome, Writer& out) noexcept {
    if (!calling_)
        return !finished_;
    calling_ = false;
    call_ = {};
    dropFragments();
    switch (outcome.kind) {
        case Outcome::Kind::answered:
        case Outcome::Kind::refused: {
            // Always in one fragment: an answer is far below the smallest that can be negotiated.
            constexpr std::size_t kStub = answerStubSize(Outcome::kMaxBody);
            static_assert(kCallHeaderSize + kStub <= kMinFragment);
            std::array<std::byte, kStub> stub;  // NOLINT(cppcoreguidelines-pro-type-member-init): the encoder fills it
            const std::size_t size = outcome.kind == Outcome::Kind::answered ? encodeAnswerStub(outcome.body(), stub)
                                                                             : encodeRefusalStub(outcome.code, stub);
            writeResponse(out, current_.id, current_.context & 0xFFU, Octets(stub).first(size), maxFragment_);
            wrote();
            return true;
        }
        case Outcome::Kind::faulted:
            writeFault(out, current_.id, current_.context, outcome.status, 0);
            wrote();
            return true;
        case Outcome::Kind::dropped:
            break;
    }
    finished_ = true;
    return false;
}

const ServerAssociation::Context* ServerAssociation::find(std::uint16_t id) const noexcept {
    for (std::size_t i = 0; i < contextCount_; ++i)
        if (contexts_[i].id == id)
            return &contexts_[i];
    return nullptr;
}

void ServerAssociation::dropFragments() noexcept {
    assembling_ = false;
    fragments_.clear();
}

void ServerAssociation::reset() noexcept {
    if (group_ != 0)
        server_->groups.leave(group_);
    group_ = 0;
}

ServerAssociation::Step ServerAssociation::nak(std::uint32_t callId, NakReason reason, Reject reject,
                                               Writer& out) noexcept {
    rejected_ = reject;
    finished_ = true;
    dropFragments();
    writeBindNak(out, callId, reason);
    wrote();
    return Step::finished;
}

ServerAssociation::Step ServerAssociation::fault(std::uint32_t callId, std::uint16_t context, RpcStatus status,
                                                 Reject reject, Writer& out) noexcept {
    rejected_ = reject;
    const bool untouched = status == RpcStatus::unknownInterface || status == RpcStatus::opRangeError;
    writeFault(out, callId, context, status, untouched ? pfc::kDidNotExecute : std::uint8_t{0});
    wrote();
    return Step::went;
}

ServerAssociation::Step ServerAssociation::faultAndFinish(std::uint32_t callId, std::uint16_t context, RpcStatus status,
                                                          std::uint8_t flags, Reject reject, Writer& out) noexcept {
    rejected_ = reject;
    finished_ = true;
    dropFragments();
    writeFault(out, callId, context, status, flags);
    wrote();
    return Step::finished;
}

}  // namespace muster::kms
