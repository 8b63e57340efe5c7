/// Writes the seeds of the corpora kms_pdu, kms_rpc_server and kms_rpc_client: sessions as the tests of this room have
/// them.
///     muster_kms_seeds core/kms/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "kms/rpc_client.h"
#include "kms/rpc_mgmt.h"
#include "kms/rpc_server.h"
#include "kms/rpc_test_support.h"

using namespace muster;
using namespace muster::kms;
using namespace muster::kms::test;

namespace {

std::filesystem::path root;

void write(const char* corpus, const std::string& name, const Bytes& bytes) {
    std::filesystem::create_directories(root / corpus);
    std::ofstream out(root / corpus / name, std::ios::binary);
    for (const std::byte octet : bytes)
        out.put(static_cast<char>(octet));
}

Bytes bind(const BindBody& body = {}, const PduOptions& options = {}) {
    return pdu(PduType::bind, bindBody(body, options.order), options);
}

Bytes alter(const BindBody& body) {
    return pdu(PduType::alterContext, bindBody(body), {.callId = 3});
}

Bytes request(const Bytes& stub, const PduOptions& options = {}, std::uint16_t opnum = 0, std::uint16_t context = 0) {
    return pdu(PduType::request, requestBody(context, opnum, stub, options.order), options);
}

/// A client's stream, and each PDU that the server answers it with.
void session(const std::string& name, const Bytes& stream) {
    write("kms_rpc_server", name, Bytes{std::byte{40}} + stream);
    RpcServer server;
    ServerAssociation association(server, 1688);
    Bytes answers;
    Octets rest = stream;
    for (bool going = true; going;) {
        Bytes room(ServerAssociation::kMaxOutput);
        Writer out(room);
        const auto progress = association.advance(rest, out);
        if (progress.consumed != 0)
            write("kms_pdu", name + "-" + std::to_string(stream.size() - rest.size()),
                  Bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(progress.consumed)));
        if (progress.step == ServerAssociation::Step::call) {
            Outcome outcome;
            outcome.kind = Outcome::Kind::answered;
            outcome.setBody(filled(158));
            association.respond(outcome, out);
        }
        answers.insert(answers.end(), out.written().begin(), out.written().end());
        rest = rest.subspan(progress.consumed);
        going = progress.step == ServerAssociation::Step::went || progress.step == ServerAssociation::Step::call;
    }
    if (answers.empty())
        return;
    write("kms_rpc_client", name, answers);
    write("kms_pdu", name + "-answer", answers);
}

Bytes part(const Bytes& whole, std::size_t from, std::size_t to) {
    return {whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to)};
}

void sessions() {
    const Bytes stub = kmsStub(filled(252));
    const Offer mgmt{.interface = kMgmtInterface};
    session("windows7", bind({.offers = {{.id = 0},
                                         {.id = 1, .transfers = {kNdr64}},
                                         {.id = 2, .transfers = {bindTimeFeatureSyntax(3)}}}}) +
                            request(stub));
    session("plain", bind() + request(stub) + request(stub, {.callId = 3}));
    session("big-endian", bind({}, {.order = ByteOrder::big}) +
                              request(kmsStub(filled(252), ByteOrder::big), {.order = ByteOrder::big}));
    session("fragments", bind() + request(part(stub, 0, 100), {.flags = pfc::kFirst}) +
                             request(part(stub, 100, 200), {.flags = 0}) + pdu(PduType::cancel, {}) +
                             pdu(PduType::orphaned, {}) + request(part(stub, 200, 260), {.flags = pfc::kLast}));
    session("two-first-fragments",
            bind() + request(stub, {.flags = pfc::kFirst}) + request(stub, {.flags = pfc::kFirst}));
    session("multiplexed", bind({}, {.flags = pfc::kWhole | pfc::kMultiplexing}) +
                               request(stub, {.flags = pfc::kFirst}) +
                               request(stub, {.flags = pfc::kFirst, .callId = 4}));
    session("last-without-first", bind() + request(stub, {.flags = pfc::kLast}));
    session("other-order-later", bind() + request(stub, {.flags = pfc::kFirst}) +
                                     request(stub, {.flags = pfc::kLast, .order = ByteOrder::big}));
    session("object",
            bind() + pdu(PduType::request, Forge().u32(0).u16(0).u16(0).octets(filled(16)).octets(stub).bytes(),
                         {.flags = pfc::kWhole | pfc::kObject}));
    session("mgmt", bind({.offers = {mgmt}}) + request({}, {}, kInqIfIds) +
                        request(Forge().u32(4).bytes(), {}, kInqStats) + request({}, {}, kIsServerListening) +
                        request({}, {}, kStopServerListening) + request(filled(8), {}, kInqPrincName) +
                        request({}, {}, 9));
    session("alter", bind() + alter({.offers = {{.id = 1, .interface = kMgmtInterface}}}) +
                         alter({.offers = {{.id = 0}}}) + request({}, {}, kIsServerListening, 1) +
                         alter({.offers = {{.id = 0, .interface = kMgmtInterface}}}));
    session("unknown-interface", bind({.offers = {{.interface = kNdr32}}}) + request(stub));
    session("bad-opnum", bind() + request(stub, {}, 1) + request(stub));
    session("bad-stub", bind() + request(filled(7)) + request(stub));
    session("no-contexts", bind({.offers = {}}));
    session("too-few-contexts", bind({.count = 9}));
    session("version-4", bind({}, {.major = 4}));
    session("short-fragment", bind({}, {.fragLength = 12}));
    session("unknown-group", bind({.group = 77}));
    session("second-bind", bind() + bind());
    session("request-first", request(stub));
    const Bytes trailer = Forge().u8(10).u8(6).u8(4).u8(0).u32(1).bytes() + filled(16, 0xAA);
    session("auth-bind", pdu(PduType::bind, bindBody({}) + filled(4) + trailer, {.authLength = 16}));
    session("auth-request", bind() + request(stub + filled(4) + trailer, {.authLength = 16}));
    session("auth-too-long", pdu(PduType::bind, bindBody({}), {.authLength = 0xFFFF}));
    session("cancelled", bind() + request(stub, {.flags = pfc::kWhole | pfc::kPendingCancel}));
    session("features-twice",
            bind({.offers = {{.transfers = {bindTimeFeatureSyntax(1)}}, {.transfers = {bindTimeFeatureSyntax(2)}}}}));
}

void answers() {
    const Bytes ack = pdu(PduType::bindAck, Forge()
                                                .u16(4280)
                                                .u16(4280)
                                                .u32(7)
                                                .u16(5)
                                                .octets(filled(5, 0x31))
                                                .zeros(1)
                                                .u8(1)
                                                .zeros(3)
                                                .u16(0)
                                                .u16(0)
                                                .syntax(kNdr32)
                                                .bytes());
    const auto response = [](const Bytes& stub, std::uint8_t flags, ByteOrder order = ByteOrder::little) {
        return pdu(PduType::response, Forge(order).u32(0).u16(0).u16(0).octets(stub).bytes(),
                   {.flags = flags, .order = order});
    };
    write("kms_rpc_client", "fragmented",
          ack + response(filled(40), pfc::kFirst) + response(filled(40), 0) + response(filled(40), pfc::kLast));
    write("kms_rpc_client", "big-endian-answer", ack + response(filled(40), pfc::kWhole, ByteOrder::big));
    write("kms_rpc_client", "shutdown", ack + pdu(PduType::shutdown, {}));
    write("kms_rpc_client", "http", filled(64, 'H'));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: muster_kms_seeds DIRECTORY\n", stderr);
        return 2;
    }
    root = argv[1];
    sessions();
    answers();
    return 0;
}
