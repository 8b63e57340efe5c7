/// What one client sends on one connection. It is fed twice: all at once, and in small pieces; both must give the same
/// answers, each of them a PDU that our own client can read.
/// The first octet chooses how calls are answered.
#include <array>
#include <cstdint>
#include <vector>

#include "kms/rpc_client.h"
#include "kms/rpc_server.h"

using namespace muster;
using namespace muster::kms;

namespace {

void insist(bool condition) {
    if (!condition)
        __builtin_trap();
}

Outcome outcomeOf(unsigned choice, std::size_t call) {
    switch ((choice + call) % 4) {
        case 0: {
            Outcome outcome;
            outcome.kind = Outcome::Kind::answered;
            const std::array<std::byte, 158> body{};
            outcome.setBody(Octets(body).first(choice % 159));
            return outcome;
        }
        case 1:
            return Outcome::refuse(HResult::invalidData);
        case 2:
            return Outcome::fault(RpcStatus::serverTooBusy);
        default:
            return choice < 128 ? Outcome::refuse(HResult::groupNotCovered) : Outcome{};
    }
}

class Session {
public:
    explicit Session(unsigned choice) : choice_(choice) {}

    /// False: the association has ended.
    bool feed(Octets more) {
        pending_.insert(pending_.end(), more.begin(), more.end());
        for (;;) {
            Writer out(room_);
            const auto progress = association_.advance(pending_, out);
            insist(out.ok() && progress.consumed <= pending_.size());
            insist(association_.held() <= ServerAssociation::kMaxCall);
            const std::size_t written = out.size();
            keep(out.written());
            if (progress.step == ServerAssociation::Step::finished)
                return false;
            if (progress.step == ServerAssociation::Step::starved) {
                insist(progress.consumed == 0 && written == 0);
                return true;
            }
            insist(progress.consumed >= kHeaderSize);
            if (progress.step == ServerAssociation::Step::call && !answer())
                return false;
            pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(progress.consumed));
        }
    }
    const std::vector<std::byte>& answers() const { return answers_; }

private:
    bool answer() {
        insist(association_.calling() && association_.call().size() <= ServerAssociation::kMaxCall);
        Writer out(room_);
        const bool alive = association_.respond(outcomeOf(choice_, calls_++), out);
        insist(out.ok() && !association_.calling() && association_.held() == 0);
        keep(out.written());
        return alive;
    }
    void keep(Octets written) {
        while (!written.empty()) {
            const Framing framing = frame(written, ServerAssociation::kMaxOutput);
            insist(framing.state == Framing::State::whole);
            insist(framing.header.order() == ByteOrder::little && framing.header.authLength == 0);
            const Octets pdu = written.first(framing.size);
            switch (framing.header.type) {
                case PduType::bindAck:
                case PduType::alterContextAck:
                    insist(decodeBindAck(framing.header, pdu).has_value());
                    break;
                case PduType::bindNak:
                    insist(decodeBindNak(framing.header, pdu).has_value());
                    break;
                case PduType::response:
                    insist(decodeResponse(framing.header, pdu).has_value());
                    break;
                case PduType::fault:
                    insist(framing.size == kFaultSize && decodeFault(framing.header, pdu).has_value());
                    break;
                default:
                    insist(false);
            }
            answers_.insert(answers_.end(), pdu.begin(), pdu.end());
            written = written.subspan(framing.size);
        }
    }

    unsigned choice_;
    std::array<std::byte, ServerAssociation::kMaxOutput> room_{};
    RpcServer server_{8};
    ServerAssociation association_{server_, 1688};
    std::size_t calls_ = 0;
    std::vector<std::byte> pending_;
    std::vector<std::byte> answers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const Octets stream = std::as_bytes(std::span(data, size)).subspan(1);
    Session whole(data[0]);
    whole.feed(stream);
    Session dripped(data[0]);
    // In some 48 pieces: more would cost the fuzzer more than they tell it, as the size of the input moves the cuts.
    const std::size_t piece = 1 + stream.size() / 48;
    for (std::size_t at = 0; at < stream.size(); at += piece)
        if (!dripped.feed(stream.subspan(at, std::min(piece, stream.size() - at))))
            break;
    insist(whole.answers() == dripped.answers());
    return 0;
}
