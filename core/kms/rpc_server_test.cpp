#include "kms/rpc_server.h"

#include "CppUTest/TestHarness.h"

#include "kms/rpc_test_support.h"
#include "kms/stub.h"

using namespace muster;
using namespace muster::kms;
using namespace muster::kms::test;
using Step = ServerAssociation::Step;

/// One association and what it wrote last.
TEST_GROUP(RpcServer) {
    RpcServer server;
    ServerAssociation association{server, 1688};
    std::array<std::byte, ServerAssociation::kMaxOutput> room{};
    Writer out{room};
    Bytes answer;

    Step feed(ServerAssociation & to, const Bytes& bytes) {
        out.rewind(0);
        const auto progress = to.advance(bytes, out);
        answer.assign(out.written().begin(), out.written().end());
        return progress.step;
    }
    Step feed(const Bytes& bytes) {
        return feed(association, bytes);
    }
    PduHeader header() const {
        return readHeader(answer).value_or(PduHeader{});
    }
    void bind(const BindBody& body = {}, const PduOptions& options = {}) {
        CHECK_TRUE(feed(pdu(PduType::bind, bindBody(body, options.order), options)) == Step::went);
        CHECK_TRUE(header().type == PduType::bindAck);
    }
    BindAckPdu ack() const {
        const auto decoded = decodeBindAck(header(), answer);
        CHECK_TRUE(decoded.has_value());
        return decoded.value_or(BindAckPdu{});
    }
    void checkVerdict(std::size_t index, ContextResult result, std::uint16_t reason) const {
        LONGS_EQUAL(static_cast<int>(result), static_cast<int>(ack().result(index).result));
        LONGS_EQUAL(reason, ack().result(index).reason);
        CHECK_TRUE(ack().result(index).transfer == (result == ContextResult::acceptance ? kNdr32 : Syntax{}));
    }
    void checkNak(Step step, NakReason reason) const {
        CHECK_TRUE(step == Step::finished);
        CHECK_TRUE(header().type == PduType::bindNak);
        LONGS_EQUAL(static_cast<int>(reason), static_cast<int>(decodeBindNak(header(), answer).value()));
    }
    void checkFault(RpcStatus status, std::uint8_t flags, std::uint32_t callId, std::uint16_t context) const {
        CHECK_TRUE(header().type == PduType::fault);
        UNSIGNED_LONGS_EQUAL(static_cast<std::uint32_t>(status),
                             static_cast<std::uint32_t>(decodeFault(header(), answer)->status));
        LONGS_EQUAL(pfc::kWhole | flags, header().flags);
        LONGS_EQUAL(callId, header().callId);
        LONGS_EQUAL(context, decodeFault(header(), answer)->contextId);
    }
    static Bytes request(const Bytes& stub, const PduOptions& options = {}, std::uint16_t opnum = 0,
                         std::uint16_t context = 0, std::uint32_t allocHint = 0) {
        return pdu(PduType::request, requestBody(context, opnum, stub, options.order, allocHint), options);
    }
    const Bytes wholeStub = kmsStub(filled(252));
};

// --- what comes in

TEST(RpcServer, waitsForTheWholePduAtEveryLength) {
    const Bytes whole = pdu(PduType::bind, bindBody({}));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_TRUE(feed(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))) == Step::starved);
        LONGS_EQUAL(0, answer.size());
    }
    CHECK_TRUE(feed(whole) == Step::went);
}

TEST(RpcServer, takesOnePduAtATimeOfThoseThatArePipelined) {
    bind();
    const Bytes two = request(wholeStub, {.callId = 5}) + request(wholeStub, {.callId = 6});
    auto progress = association.advance(two, out);
    CHECK_TRUE(progress.step == Step::call);
    CHECK_TRUE(association.advance(Octets(two).subspan(progress.consumed), out).step == Step::starved);
    out.rewind(0);
    CHECK_TRUE(association.respond(Outcome::refuse(HResult::invalidData), out));
    LONGS_EQUAL(5, readHeader(out.written())->callId);
    progress = association.advance(Octets(two).subspan(progress.consumed), out);
    CHECK_TRUE(progress.step == Step::call);
}

TEST(RpcServer, closesAtOnceOnAFragmentShorterThanItsHeader) {
    for (const int length : {0, 1, 15}) {
        ServerAssociation fresh(server, 1688);
        CHECK_TRUE(feed(fresh, pdu(PduType::bind, bindBody({}), {.fragLength = length})) == Step::finished);
        CHECK_TRUE(fresh.rejected() == Reject::shortFragment);
        LONGS_EQUAL(0, answer.size());
    }
}

TEST(RpcServer, answersWhatSpeaksAnotherVersionWithoutWaitingForItsLength) {
    checkNak(feed(pdu(PduType::bind, {}, {.fragLength = 5000, .major = 4})), NakReason::protocolVersionNotSupported);
    ServerAssociation fresh(server, 1688);
    checkNak(feed(fresh, filled(16, 'G')), NakReason::protocolVersionNotSupported);
}

TEST(RpcServer, takesMinorVersionsZeroAndOne) {
    bind({}, {.minor = 1});
    ServerAssociation fresh(server, 1688);
    checkNak(feed(fresh, pdu(PduType::bind, bindBody({}), {.minor = 2})), NakReason::protocolVersionNotSupported);
}

TEST(RpcServer, refusesEbcdicAndForeignFloats) {
    checkNak(feed(pdu(PduType::bind, bindBody({}), {.representation1 = 1})), NakReason::protocolVersionNotSupported);
    ServerAssociation fresh(server, 1688);
    feed(fresh, pdu(PduType::bind, bindBody({})));
    CHECK_TRUE(feed(fresh, request(wholeStub, {.representation1 = 3})) == Step::finished);
    checkFault(RpcStatus::protocolError, pfc::kDidNotExecute, 2, 0);
}

TEST(RpcServer, refusesARequestBeforeABind) {
    checkNak(feed(request(wholeStub)), NakReason::protocolVersionNotSupported);
    CHECK_TRUE(association.rejected() == Reject::notBound);
}

TEST(RpcServer, refusesASecondBind) {
    bind();
    checkNak(feed(pdu(PduType::bind, bindBody({}), {.callId = 3})), NakReason::notSpecified);
    CHECK_TRUE(feed(request(wholeStub)) == Step::finished);  // and that was its last word
    LONGS_EQUAL(0, answer.size());
}

TEST(RpcServer, refusesWhatOnlyServersSend) {
    for (const PduType type : {PduType::response, PduType::fault, PduType::bindAck, PduType::bindNak,
                               PduType::alterContextAck, PduType::shutdown, PduType::auth3, PduType{1}, PduType{99}}) {
        ServerAssociation fresh(server, 1688);
        feed(fresh, pdu(PduType::bind, bindBody({})));
        CHECK_TRUE(feed(fresh, pdu(type, filled(16), {.callId = 4})) == Step::finished);
        checkFault(RpcStatus::protocolError, pfc::kDidNotExecute, 4, 0);
    }
}

// --- binding

TEST(RpcServer, answersABindWithPortGroupAndTheSizesThatItCanServe) {
    bind();
    LONGS_EQUAL(60, answer.size());
    LONGS_EQUAL(pfc::kWhole, header().flags);
    const BindAckPdu bound = ack();
    LONGS_EQUAL(5840, bound.maxXmit);
    LONGS_EQUAL(5840, bound.maxRecv);
    CHECK_TRUE(bound.group != 0);
    MEMCMP_EQUAL("1688", bound.secondaryAddress.data(), 4);
    LONGS_EQUAL(4, bound.secondaryAddress.size());
    checkVerdict(0, ContextResult::acceptance, 0);
}

TEST(RpcServer, negotiatesFragmentsBetween2048And5840InStepsOfEight) {
    struct {
        std::uint16_t xmit, recv, both;
    } const cases[] = {{0xFFFF, 0xFFFF, 5840}, {0, 0xFFFF, 2048},    {0xFFFF, 0, 2048},
                       {3199, 0xFFFF, 3192},   {0xFFFF, 3199, 3192}, {4280, 4280, 4280}};
    for (const auto& c : cases) {
        ServerAssociation fresh(server, 1688);
        feed(fresh, pdu(PduType::bind, bindBody({.maxXmit = c.xmit, .maxRecv = c.recv})));
        LONGS_EQUAL(c.both, ack().maxXmit);
        LONGS_EQUAL(c.both, ack().maxRecv);
    }
}

TEST(RpcServer, acceptsNdr32AndRefusesNdr64AsAServerOf2008Does) {
    bind({.offers = {{.id = 0, .transfers = {kNdr32}},
                     {.id = 1, .transfers = {kNdr64}},
                     {.id = 2, .transfers = {bindTimeFeatureSyntax(3)}}}});
    LONGS_EQUAL(108, answer.size());
    checkVerdict(0, ContextResult::acceptance, 0);
    checkVerdict(1, ContextResult::providerRejection, 2);
    checkVerdict(2, ContextResult::negotiateAck, 3);
}

TEST(RpcServer, findsNdr32AmongSeveralTransferSyntaxesOfOneContext) {
    bind({.offers = {{.transfers = {Syntax{}, kNdr64, kNdr32}}}});
    checkVerdict(0, ContextResult::acceptance, 0);
}

TEST(RpcServer, readsABigEndianBind) {
    bind({}, {.order = ByteOrder::big});
    checkVerdict(0, ContextResult::acceptance, 0);
    CHECK_TRUE(feed(request(kmsStub(filled(252), ByteOrder::big), {.order = ByteOrder::big})) == Step::call);
    LONGS_EQUAL(252, association.call().size());
}

TEST(RpcServer, acceptsTheBindButNotAnInterfaceThatItDoesNotServe) {
    Syntax other = kKmsInterface;
    other.major = 2;
    bind({.offers = {{.id = 0, .interface = kNdr32}, {.id = 1, .interface = other}, {.id = 2}}});
    checkVerdict(0, ContextResult::providerRejection, 1);
    checkVerdict(1, ContextResult::providerRejection, 1);
    checkVerdict(2, ContextResult::acceptance, 0);
}

TEST(RpcServer, takesOneNewContextPerNegotiationAsWindowsDoes) {
    bind({.offers = {{.id = 3}, {.id = 4}}});
    checkVerdict(0, ContextResult::acceptance, 0);
    checkVerdict(1, ContextResult::providerRejection, 2);
    feed(pdu(PduType::alterContext, bindBody({.offers = {{.id = 4}}})));
    CHECK_TRUE(header().type == PduType::alterContextAck);
    checkVerdict(0, ContextResult::acceptance, 0);
    CHECK_TRUE(feed(request(wholeStub, {}, 0, 4)) == Step::call);
}

TEST(RpcServer, repeatsHeaderSigningAndMultiplexingInItsAnswerAndNothingElse) {
    bind({}, {.flags = 0xFF});
    LONGS_EQUAL(pfc::kWhole | pfc::kHeaderSigning | pfc::kMultiplexing, header().flags);
    ServerAssociation fresh(server, 1688);
    feed(fresh, pdu(PduType::bind, bindBody({}), {.flags = 0}));
    LONGS_EQUAL(pfc::kWhole, header().flags);
}

TEST(RpcServer, agreesToMultiplexingOnlyTogetherWithANewContext) {
    bind();
    feed(pdu(PduType::alterContext, bindBody({}), {.flags = pfc::kWhole | pfc::kMultiplexing}));
    LONGS_EQUAL(pfc::kWhole, header().flags);
    feed(pdu(PduType::alterContext, bindBody({.offers = {{.id = 1}}}), {.flags = pfc::kWhole | pfc::kMultiplexing}));
    LONGS_EQUAL(pfc::kWhole | pfc::kMultiplexing, header().flags);
}

TEST(RpcServer, grantsOnlyTheFeaturesThatExistAndOnlyOnce) {
    bind({.offers = {{.transfers = {bindTimeFeatureSyntax(0xFF), kNdr32}}}});
    checkVerdict(0, ContextResult::negotiateAck, 3);
    ServerAssociation fresh(server, 1688);
    checkNak(
        feed(fresh, pdu(PduType::bind, bindBody({.offers = {{.id = 1, .transfers = {bindTimeFeatureSyntax(1)}},
                                                            {.id = 2, .transfers = {bindTimeFeatureSyntax(2)}}}}))),
        NakReason::notSpecified);
}

TEST(RpcServer, refusesABindWithoutContextsOrWithFewerThanItAnnounces) {
    checkNak(feed(pdu(PduType::bind, bindBody({.offers = {}}))), NakReason::notSpecified);
    ServerAssociation second(server, 1688);
    checkNak(feed(second, pdu(PduType::bind, bindBody({.count = 200}))), NakReason::notSpecified);
    ServerAssociation third(server, 1688);
    checkNak(feed(third, pdu(PduType::bind, bindBody({.offers = {{.transfers = {}}}}))), NakReason::notSpecified);
    ServerAssociation fourth(server, 1688);
    checkNak(feed(fourth, pdu(PduType::bind, filled(5))), NakReason::notSpecified);
}

TEST(RpcServer, answersABindWithAsManyContextsAsFit) {
    BindBody body;
    body.offers.clear();
    for (std::uint16_t id = 0; id < 255; ++id)
        body.offers.push_back({.id = id, .transfers = {kNdr64}});
    bind(body);
    LONGS_EQUAL(255, ack().resultCount);
    checkVerdict(254, ContextResult::providerRejection, 2);
}

TEST(RpcServer, keepsABoundedNumberOfContexts) {
    bind();
    for (std::uint16_t id = 1; id < ServerAssociation::kMaxContexts; ++id) {
        feed(pdu(PduType::alterContext, bindBody({.offers = {{.id = id}}})));
        checkVerdict(0, ContextResult::acceptance, 0);
    }
    feed(pdu(PduType::alterContext, bindBody({.offers = {{.id = 999}}})));
    checkVerdict(0, ContextResult::userRejection, 3);
}

TEST(RpcServer, joinsAnAssociationGroupThatExistsAndRefusesOthers) {
    bind();
    const std::uint32_t group = ack().group;
    ServerAssociation second(server, 1688);
    feed(second, pdu(PduType::bind, bindBody({.group = group})));
    LONGS_EQUAL(group, ack().group);
    ServerAssociation third(server, 1688);
    checkNak(feed(third, pdu(PduType::bind, bindBody({.group = 1}))), NakReason::notSpecified);
}

TEST(RpcServer, forgetsAnAssociationGroupWithItsLastMember) {
    std::uint32_t group = 0;
    {
        ServerAssociation gone(server, 1688);
        feed(gone, pdu(PduType::bind, bindBody({})));
        group = ack().group;
    }
    checkNak(feed(pdu(PduType::bind, bindBody({.group = group}))), NakReason::notSpecified);
}

TEST(RpcServer, knowsNoAuthenticationAndSaysSo) {
    const auto bindWith = [&](std::uint8_t level, std::uint16_t authLength) {
        ServerAssociation fresh(server, 1688);
        const Bytes trailer = Forge().u8(10).u8(level).u8(0).u8(0).u32(0).bytes() + filled(8);
        return std::pair(feed(fresh, pdu(PduType::bind, bindBody({}) + trailer, {.authLength = authLength})), answer);
    };
    checkNak(bindWith(6, 8).first, NakReason::authenticationTypeNotRecognized);
    checkNak(bindWith(1, 8).first, NakReason::notSpecified);
    checkNak(bindWith(6, 0xFFFF).first, NakReason::protocolVersionNotSupported);
    bind();
    const Bytes trailer = Forge().u8(0).u8(2).u8(0).u8(0).u32(0).bytes() + filled(4);
    CHECK_TRUE(feed(request(wholeStub + trailer, {.authLength = 4})) == Step::finished);
    checkFault(RpcStatus::accessDenied, 0, 2, 0);
}

// --- alter_context

TEST(RpcServer, addsAnInterfaceByAlterContext) {
    bind({.offers = {{.id = 1}}});
    const std::uint32_t group = ack().group;
    feed(pdu(
        PduType::alterContext,
        bindBody({.offers = {{.id = 2, .interface = kMgmtInterface}}, .maxXmit = 2048, .maxRecv = 2048, .group = 77}),
        {.callId = 9}));
    CHECK_TRUE(header().type == PduType::alterContextAck);
    LONGS_EQUAL(56, answer.size());
    LONGS_EQUAL(9, header().callId);
    LONGS_EQUAL(5840, ack().maxXmit);  // as the bind settled it
    LONGS_EQUAL(group, ack().group);
    LONGS_EQUAL(0, ack().secondaryAddress.size());
    checkVerdict(0, ContextResult::acceptance, 0);
    CHECK_TRUE(feed(request({}, {.callId = 10}, kIsServerListening, 2)) == Step::went);
    CHECK_TRUE(header().type == PduType::response);
    CHECK_TRUE(feed(request(wholeStub, {.callId = 11}, 0, 1)) == Step::call);
}

TEST(RpcServer, neverChangesAnAcceptedContext) {
    bind({.offers = {{.id = 1}}});
    CHECK_TRUE(feed(pdu(PduType::alterContext, bindBody({.offers = {{.id = 1, .interface = kMgmtInterface}}}),
                        {.callId = 3})) == Step::finished);
    checkFault(RpcStatus::protocolError, pfc::kDidNotExecute, 3, 0);
    CHECK_TRUE(association.rejected() == Reject::contextChanged);
}

TEST(RpcServer, leavesAnAcceptedContextAliveWhenItIsOfferedAgainWithNothingKnown) {
    bind({.offers = {{.id = 1}}});
    feed(pdu(PduType::alterContext, bindBody({.offers = {{.id = 1, .transfers = {Syntax{}}}}})));
    checkVerdict(0, ContextResult::providerRejection, 2);
    CHECK_TRUE(feed(request(wholeStub, {}, 0, 1)) == Step::call);
}

TEST(RpcServer, faultsAnAlterContextThatIsBroken) {
    bind();
    CHECK_TRUE(feed(pdu(PduType::alterContext, bindBody({.offers = {}}))) == Step::finished);
    checkFault(RpcStatus::protocolError, pfc::kDidNotExecute, 2, 0);
}

// --- calls

TEST(RpcServer, handsOverTheBodyAndSendsTheAnswerInOnePiece) {
    bind();
    CHECK_TRUE(feed(request(wholeStub)) == Step::call);
    LONGS_EQUAL(252, association.call().size());
    Outcome outcome;
    outcome.kind = Outcome::Kind::answered;
    outcome.setBody(filled(158));
    out.rewind(0);
    CHECK_TRUE(association.respond(outcome, out));
    LONGS_EQUAL(200, out.size());  // as on a real host with an ePID of 98 octets
    const auto head = readHeader(out.written());
    LONGS_EQUAL(pfc::kWhole, head->flags);
    LONGS_EQUAL(2, head->callId);
    const auto stub = decodeAnswerStub(decodeResponse(*head, out.written())->stub, ByteOrder::little);
    LONGS_EQUAL(158, stub->body.size());
}

TEST(RpcServer, sendsARefusalAsThirtySixOctets) {
    bind();
    feed(request(wholeStub));
    out.rewind(0);
    association.respond(Outcome::refuse(HResult::groupNotCovered), out);
    LONGS_EQUAL(36, out.size());
}

TEST(RpcServer, endsACallByAFaultOrByHangingUp) {
    bind();
    feed(request(wholeStub));
    out.rewind(0);
    CHECK_TRUE(association.respond(Outcome::fault(RpcStatus::serverTooBusy), out));
    answer.assign(out.written().begin(), out.written().end());
    checkFault(RpcStatus::serverTooBusy, 0, 2, 0);
    feed(request(wholeStub));
    out.rewind(0);
    CHECK_FALSE(association.respond(Outcome{}, out));
    LONGS_EQUAL(0, out.size());
}

TEST(RpcServer, ignoresAnAnswerThatNobodyWaitsFor) {
    bind();
    out.rewind(0);
    CHECK_TRUE(association.respond(Outcome::refuse(HResult::invalidData), out));
    LONGS_EQUAL(0, out.size());
}

TEST(RpcServer, takesARequestWithAnObjectAndWithALyingHint) {
    bind();
    const Bytes body = Forge().u32(0xFFFFFFFF).u16(0).u16(0).octets(filled(16)).octets(wholeStub).bytes();
    CHECK_TRUE(feed(pdu(PduType::request, body, {.flags = pfc::kWhole | pfc::kObject})) == Step::call);
    LONGS_EQUAL(252, association.call().size());
}

TEST(RpcServer, faultsAnUnknownContextAndGoesOn) {
    bind();
    CHECK_TRUE(feed(request(wholeStub, {.callId = 8}, 0, 7)) == Step::went);
    checkFault(RpcStatus::unknownInterface, pfc::kDidNotExecute, 8, 0);
    CHECK_TRUE(feed(request(wholeStub)) == Step::call);
}

TEST(RpcServer, faultsAnUnknownOperationAndGoesOn) {
    bind();
    CHECK_TRUE(feed(request(wholeStub, {.callId = 8}, 1)) == Step::went);
    checkFault(RpcStatus::opRangeError, pfc::kDidNotExecute, 8, 0);
    CHECK_TRUE(feed(request(wholeStub)) == Step::call);
}

TEST(RpcServer, faultsAStubWhoseLengthsDisagreeAndGoesOn) {
    bind();
    for (const Bytes& stub : {Bytes{}, filled(7), Forge().u32(252).u32(253).octets(filled(252)).bytes(),
                              Forge().u32(0xFFFFFFFF).u32(0xFFFFFFFF).octets(filled(252)).bytes()}) {
        CHECK_TRUE(feed(request(stub)) == Step::went);
        checkFault(RpcStatus::ndr, 0, 2, 0);
    }
    CHECK_TRUE(feed(request(wholeStub)) == Step::call);
}

TEST(RpcServer, refusesARequestBeyondWhatItEverOfferedAsSoonAsItsHeaderIsThere) {
    bind();
    const Bytes whole = request(filled(5840 - 24 + 1));
    CHECK_TRUE(feed(Bytes(whole.begin(), whole.begin() + 16)) == Step::finished);
    checkFault(RpcStatus::protocolError, 0, 2, 0);
    CHECK_TRUE(association.rejected() == Reject::longFragment);
}

TEST(RpcServer, refusesANegotiationThatIsLongerThanAnyAsSoonAsItsHeaderIsThere) {
    checkNak(feed(pdu(PduType::bind, {}, {.fragLength = 40'000})), NakReason::localLimitExceeded);
    ServerAssociation fresh(server, 1688);
    feed(fresh, pdu(PduType::bind, bindBody({})));
    CHECK_TRUE(feed(fresh, pdu(PduType::alterContext, {}, {.fragLength = 40'000})) == Step::finished);
    checkFault(RpcStatus::protocolError, 0, 2, 0);
}

TEST(RpcServer, takesARequestAsLongAsItsTransportWhateverWasNegotiated) {
    bind({.maxXmit = 2048, .maxRecv = 2048});
    CHECK_TRUE(feed(request(kmsStub(filled(5840 - 24 - 8)))) == Step::call);
}

// --- fragments

TEST(RpcServer, joinsFragmentsCutAtEveryPlace) {
    bind();
    for (std::size_t cut = 0; cut <= wholeStub.size(); ++cut) {
        const auto middle = wholeStub.begin() + static_cast<std::ptrdiff_t>(cut);
        CHECK_TRUE(feed(request(Bytes(wholeStub.begin(), middle), {.flags = pfc::kFirst})) == Step::went);
        LONGS_EQUAL(0, answer.size());
        CHECK_TRUE(feed(request(Bytes(middle, wholeStub.end()), {.flags = pfc::kLast})) == Step::call);
        LONGS_EQUAL(252, association.call().size());
        out.rewind(0);
        association.respond(Outcome::refuse(HResult::invalidData), out);
        LONGS_EQUAL(0, association.held());
    }
}

TEST(RpcServer, refusesMoreThan64KiBBeforeAddingThem) {
    bind();
    const Bytes chunk = filled(5800);
    Step step = feed(request(chunk, {.flags = pfc::kFirst}));
    std::size_t taken = chunk.size();
    while (step == Step::went) {
        CHECK_TRUE(association.held() <= ServerAssociation::kMaxCall);
        CHECK_TRUE(taken <= ServerAssociation::kMaxCall);
        step = feed(request(chunk, {.flags = 0}));
        taken += chunk.size();
    }
    CHECK_TRUE(taken > ServerAssociation::kMaxCall);
    checkFault(RpcStatus::accessDenied, 0, 2, 0);
    LONGS_EQUAL(0, association.held());
}

TEST(RpcServer, takesExactly64KiB) {
    bind();
    const Bytes stub = kmsStub(filled(ServerAssociation::kMaxCall - 8));
    Step step = Step::went;
    for (std::size_t at = 0; at < stub.size(); at += 4096) {
        const auto begin = stub.begin() + static_cast<std::ptrdiff_t>(at);
        const bool last = at + 4096 == stub.size();
        step =
            feed(request(Bytes(begin, begin + 4096),
                         {.flags = static_cast<std::uint8_t>((at == 0 ? pfc::kFirst : 0) | (last ? pfc::kLast : 0))}));
    }
    CHECK_TRUE(step == Step::call);
    LONGS_EQUAL(ServerAssociation::kMaxCall - 8, association.call().size());
}

TEST(RpcServer, holdsNoMoreMemoryThanHasArrived) {
    bind();
    feed(request(filled(8), {.flags = pfc::kFirst}, 0, 0, 4U * 1024 * 1024));
    CHECK_TRUE(association.held() <= 4096);
}

TEST(RpcServer, refusesAFragmentedCallThatAnnouncesMoreThanWindowsTakes) {
    bind();
    CHECK_TRUE(feed(request(filled(8), {.flags = pfc::kFirst}, 0, 0, 0xFFFFFFFF)) == Step::finished);
    checkFault(RpcStatus::accessDenied, 0, 2, 0);
}

TEST(RpcServer, refusesASecondFirstFragment) {
    bind();
    feed(request(filled(8), {.flags = pfc::kFirst, .callId = 50}));
    CHECK_TRUE(feed(request(filled(8), {.flags = pfc::kFirst, .callId = 51})) == Step::finished);
    checkFault(RpcStatus::protocolError, 0, 50, 0);  // on the call that is meant
}

TEST(RpcServer, refusesASecondFirstFragmentOfAMultiplexedAssociationOnThatCall) {
    bind({.offers = {{.id = 5}}}, {.flags = pfc::kWhole | pfc::kMultiplexing});
    feed(request(filled(8), {.flags = pfc::kFirst, .callId = 50}, 0, 5));
    CHECK_TRUE(feed(request(filled(8), {.flags = pfc::kFirst, .callId = 51}, 0, 5)) == Step::finished);
    checkFault(RpcStatus::protocolError, 0, 51, 0);
}

TEST(RpcServer, refusesALaterFragmentWithoutAFirst) {
    for (const std::uint8_t flags : {std::uint8_t{0}, pfc::kLast}) {
        ServerAssociation fresh(server, 1688);
        feed(fresh, pdu(PduType::bind, bindBody({})));
        CHECK_TRUE(feed(fresh, request(wholeStub, {.flags = flags})) == Step::finished);
        checkFault(RpcStatus::protocolError, 0, 2, 0);
    }
}

TEST(RpcServer, refusesALaterFragmentInTheOtherByteOrder) {
    bind();
    feed(request(filled(8), {.flags = pfc::kFirst}));
    CHECK_TRUE(feed(request(filled(8), {.flags = pfc::kLast, .order = ByteOrder::big})) == Step::finished);
    checkFault(RpcStatus::protocolError, pfc::kDidNotExecute, 2, 0);
}

TEST(RpcServer, takesOperationAndContextFromTheFirstFragment) {
    bind();
    feed(request(Bytes(wholeStub.begin(), wholeStub.begin() + 100), {.flags = pfc::kFirst}));
    CHECK_TRUE(feed(request(Bytes(wholeStub.begin() + 100, wholeStub.end()), {.flags = pfc::kLast}, 9, 9)) ==
               Step::call);
}

TEST(RpcServer, refusesACallThatSaysItIsCancelledAlready) {
    bind();
    CHECK_TRUE(feed(request(wholeStub, {.flags = pfc::kWhole | pfc::kPendingCancel})) == Step::finished);
    checkFault(kNoCallActive, pfc::kDidNotExecute, 2, 0);
}

TEST(RpcServer, answersACallInSpiteOfCancelAndOrphanedAsWindowsDoes) {
    bind();
    CHECK_TRUE(feed(pdu(PduType::cancel, {}, {.callId = 3})) == Step::went);
    feed(request(Bytes(wholeStub.begin(), wholeStub.begin() + 100), {.flags = pfc::kFirst}));
    CHECK_TRUE(feed(pdu(PduType::cancel, {})) == Step::went);
    CHECK_TRUE(feed(pdu(PduType::orphaned, {})) == Step::went);
    LONGS_EQUAL(0, answer.size());
    CHECK_TRUE(feed(request(Bytes(wholeStub.begin() + 100, wholeStub.end()), {.flags = pfc::kLast})) == Step::call);
}

// --- mgmt

TEST(RpcServer, tellsThroughMgmtWhatItServes) {
    bind({.offers = {{.interface = kMgmtInterface}}});
    CHECK_TRUE(feed(request({}, {}, kInqIfIds)) == Step::went);
    Reader reader(decodeResponse(header(), answer)->stub);
    CHECK_TRUE(reader.u32() != 0);
    LONGS_EQUAL(2, reader.u32());
    LONGS_EQUAL(2, reader.u32());
    reader.skip(8);
    CHECK_TRUE(readSyntax(reader) == kKmsInterface);
    CHECK_TRUE(readSyntax(reader) == kMgmtInterface);
    LONGS_EQUAL(0, reader.u32());
    CHECK_TRUE(reader.ok() && reader.left() == 0);
}

TEST(RpcServer, countsForMgmtAndGivesNoMoreThanWasAskedFor) {
    bind({.offers = {{.interface = kMgmtInterface}}});
    feed(request(Forge().u32(2).bytes(), {}, kInqStats));
    Reader reader(decodeResponse(header(), answer)->stub);
    LONGS_EQUAL(2, reader.u32());
    LONGS_EQUAL(2, reader.u32());
    LONGS_EQUAL(1, reader.u32());  // calls in: this one
    LONGS_EQUAL(0, reader.u32());
    LONGS_EQUAL(0, reader.u32());
    LONGS_EQUAL(0, reader.left());
    feed(request(Forge().u32(0xFFFFFFFF).bytes(), {}, kInqStats));
    LONGS_EQUAL(24 + 8 + 16 + 4, answer.size());
}

TEST(RpcServer, doesNotLetMgmtStopItAndHasNoPrincipal) {
    bind({.offers = {{.interface = kMgmtInterface}}});
    CHECK_TRUE(feed(request({}, {}, kStopServerListening)) == Step::went);
    checkFault(RpcStatus::accessDenied, 0, 2, 0);
    CHECK_TRUE(feed(request(filled(8), {}, kInqPrincName)) == Step::went);
    checkFault(kUnknownAuthnService, 0, 2, 0);
    CHECK_TRUE(feed(request({}, {}, 5)) == Step::went);
    checkFault(RpcStatus::opRangeError, pfc::kDidNotExecute, 2, 0);
    CHECK_TRUE(feed(request({}, {}, kIsServerListening)) == Step::went);
    CHECK_TRUE(header().type == PduType::response);
}

TEST(RpcServer, namesEachRejectForItsCounter) {
    for (std::size_t i = 0; i < kRejects; ++i)
        CHECK_TRUE(std::string_view(name(static_cast<Reject>(i))).size() > 3);
    STRCMP_EQUAL("out_of_memory", name(Reject::outOfMemory));
}
