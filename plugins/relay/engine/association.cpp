#include "association.h"

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "kms/rpc_mgmt.h"
#include "kms/stub.h"

namespace muster::relay {

namespace {

constexpr std::size_t kUsualBody = 264;  // 252 and 260 octets are what there is

std::string words(int error) {
    return error == 0 ? std::string("the host closed the connection") : std::generic_category().message(error);
}

}  // namespace

void Association::open(const Address& address, Purpose purpose) noexcept {
    wire_.close();
    address_ = address;
    purpose_ = purpose;
    kms::BindOffer offer;
    if (purpose == Purpose::management)
        offer.interface = kms::kMgmtInterface;
    rpc_ = kms::ClientAssociation(offer);
    used_ = false;
    heard_ = false;
    state_ = State::connecting;
    if (const int error = wire_.open(address); error != 0)
        notOpened(Ending::unreachable, words(error));
}

void Association::close() noexcept {
    wire_.close();
    state_ = State::closed;
    passenger = nullptr;
}

void Association::notOpened(Ending ending, std::string_view detail) noexcept {
    wire_.close();
    state_ = State::closed;
    Report report;
    report.ending = ending;
    report.detail = detail;
    owner_.notOpened(*this, report);
}

void Association::connected() noexcept {
    state_ = State::binding;
    std::array<std::byte, 256> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    kms::Writer writer(room);
    rpc_.bind(writer);
    if (!wire_.send(writer.written()))
        notOpened(Ending::unreachable, "the connection broke");
}

void Association::call(Octets body) noexcept {
    // What every known version needs, or, seldom, what a later one may: arrays on the stack are cleared, which costs.
    if (body.size() <= kUsualBody)
        callWith<kUsualBody>(body);
    else
        callWith<kMaxBody>(body);
}

template <std::size_t Room>
void Association::callWith(Octets body) noexcept {
    std::array<std::byte, kms::requestStubSize(Room)> stub;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    send<kms::requestStubSize(Room)>(0, Octets(stub).first(kms::encodeRequestStub(body, stub)));
}

void Association::inquire() noexcept {
    send<kUsualBody>(kms::kIsServerListening, {});
}

template <std::size_t Room>
void Association::send(std::uint16_t opnum, Octets stub) noexcept {
    std::array<std::byte, Room + 4 * kms::kCallHeaderSize> room;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    kms::Writer writer(room);
    heard_ = false;
    state_ = State::busy;
    rpc_.call(opnum, stub, writer);
    if (!writer.ok()) {
        Report report;
        report.ending = Ending::broken;
        report.detail = "it takes only fragments that are too short for the request";
        wire_.close();
        end(report);
    } else if (!wire_.send(writer.written())) {
        lost(ECONNRESET);
    }
}

void Association::arrived() noexcept {
    heard_ = true;
    for (;;) {
        const auto progress = rpc_.advance(wire_.input());
        switch (progress.step) {
            case kms::ClientAssociation::Step::starved:
                return;
            case kms::ClientAssociation::Step::went:
                break;
            case kms::ClientAssociation::Step::bound:
                wire_.consume(progress.consumed);
                if (state_ != State::binding) {
                    lost(EPROTO);
                    return;
                }
                if (!rpc_.accepted()) {
                    notOpened(Ending::unreachable, "it refuses the KMS interface: no KMS host listens there");
                    return;
                }
                state_ = State::idle;
                owner_.opened(*this);
                return;  // what has become of this object is the owner's matter
            case kms::ClientAssociation::Step::refused:
                notOpened(Ending::unreachable, "it refuses the bind");
                return;
            case kms::ClientAssociation::Step::response:
                wire_.consume(progress.consumed);  // the octets stay where they are until more is read
                answered(wire_.input().empty());
                return;
            case kms::ClientAssociation::Step::fault: {
                wire_.consume(progress.consumed);
                if (state_ != State::busy) {
                    lost(EPROTO);
                    return;
                }
                Report report;
                report.ending = Ending::faulted;
                report.status = rpc_.status();
                report.detail = "an RPC fault";
                report.usable = true;
                end(report);
                return;
            }
            case kms::ClientAssociation::Step::broken: {
                if (state_ != State::busy) {
                    if (state_ == State::idle)
                        lost(EPROTO);
                    else
                        notOpened(Ending::broken, rpc_.problem());
                    return;
                }
                Report report;
                report.ending = Ending::broken;
                report.detail = rpc_.problem();
                wire_.close();
                end(report);
                return;
            }
        }
        wire_.consume(progress.consumed);
    }
}

Association::Report Association::read() const noexcept {
    Report report;
    report.ending = Ending::broken;
    if (purpose_ == Purpose::management) {
        // is_server_listening: a status, then whether it does (C706 appendix Q).
        kms::Reader reader(rpc_.stub(), rpc_.order());
        const std::uint32_t status = reader.u32();
        const std::uint32_t listens = reader.u32();
        report.ending = !reader.ok()                  ? Ending::broken
                        : status == 0 && listens != 0 ? Ending::answered
                                                      : Ending::refused;
        report.detail = "mgmt says that it does not listen";
        return report;
    }
    const auto stub = kms::decodeAnswerStub(rpc_.stub(), rpc_.order());
    if (!stub) {
        report.detail = kms::text(stub.error());
        return report;
    }
    report.result = stub->result;
    if (stub->result != HResult::ok) {
        report.ending = Ending::refused;
    } else if (stub->hasBody) {
        report.ending = Ending::answered;
        report.body = stub->body;
    } else {
        report.detail = "success without a body";
    }
    return report;
}

void Association::answered(bool alone) noexcept {
    Report report = read();
    // More than the answer is more than was asked for: what came may be meant for another call.
    if (!alone) {
        report.ending = Ending::broken;
        report.detail = "more came than one answer";
    }
    report.usable = report.ending != Ending::broken;
    if (!report.usable)
        wire_.close();  // what was read stays readable
    end(report);
}

void Association::end(const Report& report) noexcept {
    if (state_ != State::busy) {
        lost(EPROTO);
        return;
    }
    state_ = report.usable ? State::idle : State::closed;
    used_ = true;
    owner_.ended(*this, report);
}

void Association::lost(int error) noexcept {
    const State was = state_;
    wire_.close();
    state_ = State::closed;
    switch (was) {
        case State::closed:
            return;
        case State::connecting:
        case State::binding:
            notOpened(Ending::unreachable, words(error));
            return;
        case State::idle:
            owner_.dropped(*this);
            return;
        case State::busy: {
            Report report;
            report.ending = Ending::reset;
            const std::string detail = words(error);
            report.detail = detail;
            report.stale = used_ && !heard_;
            owner_.ended(*this, report);
            return;
        }
    }
}

}  // namespace muster::relay
