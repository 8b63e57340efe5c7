#include "system/message.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "kms/bytes.h"

namespace muster::system {

namespace {

constexpr std::uint32_t kRequest = 0x4d535131;  // what a packet begins with
constexpr std::uint32_t kAnswer = 0x4d534131;
constexpr Code kLastCode = Code::unauthenticated;

tl::unexpected<Error> wrong(std::string detail) {
    return fail(Code::malformed, "message of the system helper", std::move(detail));
}

/// What a verb's argument and answer are, as indices of Argument and Answer.
struct Shape {
    const char* name;
    std::size_t argument;
    std::size_t answer;
};
constexpr std::array<Shape, static_cast<std::size_t>(kLastVerb)> kShapes{{{"hello", 0, 1},
                                                                          {"networkRead", 0, 2},
                                                                          {"networkSet", 1, 2},
                                                                          {"networkConfirm", 0, 2},
                                                                          {"networkRevert", 0, 2},
                                                                          {"timeRead", 0, 3},
                                                                          {"timeSet", 2, 3},
                                                                          {"clockSet", 3, 3},
                                                                          {"hostnameRead", 0, 4},
                                                                          {"hostnameSet", 4, 4},
                                                                          {"firewallRead", 0, 5},
                                                                          {"firewallSet", 5, 5},
                                                                          {"slotsRead", 0, 6},
                                                                          {"slotMark", 6, 6},
                                                                          {"updateRead", 0, 7},
                                                                          {"updateInstall", 0, 7},
                                                                          {"restart", 0, 0},
                                                                          {"powerOff", 0, 0},
                                                                          {"reset", 0, 0}}};

bool isVerb(Verb verb) noexcept {
    return verb >= kFirstVerb && verb <= kLastVerb;
}
const Shape& shapeOf(Verb verb) noexcept {
    return kShapes.at(static_cast<std::size_t>(verb) - 1);
}

// --- octets

class Out {
public:
    Out() : octets_(kMaxPacket), writer_(octets_) {}

    void u8(std::uint8_t value) { writer_.u8(value); }
    void u16(std::uint16_t value) { writer_.u16(value); }
    void u32(std::uint32_t value) { writer_.u32(value); }
    void i64(std::int64_t value) { writer_.u64(static_cast<std::uint64_t>(value)); }
    void flag(bool value) { writer_.u8(value ? 1 : 0); }
    void text(std::string_view text) {
        const std::string_view cut = text.substr(0, kMaxPacket);
        writer_.u16(static_cast<std::uint16_t>(cut.size()));
        writer_.octets(std::as_bytes(std::span(cut)));
    }
    void address(const Address& address) { writer_.octets(std::as_bytes(std::span(address.octets))); }
    void address(const std::optional<Address>& one) {
        flag(one.has_value());
        if (one)
            address(*one);
    }
    void prefix(const Prefix& prefix) {
        address(prefix.address);
        u8(prefix.bits);
    }
    template <class List, class Each>
    void list(const List& items, const Each& each) {
        u16(static_cast<std::uint16_t>(std::min<std::size_t>(items.size(), 0xffff)));
        for (const auto& item : items)
            each(item);
    }
    Result<std::vector<std::byte>> done() {
        if (!writer_.ok())
            return wrong("longer than " + std::to_string(kMaxPacket) + " octets");
        octets_.resize(writer_.size());
        return std::move(octets_);
    }

private:
    std::vector<std::byte> octets_;
    kms::Writer writer_;
};

/// Once something was wrong, good() is false for ever.
class In {
public:
    explicit In(Octets octets) : reader_(octets) {}

    std::uint8_t u8() { return reader_.u8(); }
    std::uint16_t u16() { return reader_.u16(); }
    std::uint32_t u32() { return reader_.u32(); }
    std::int64_t i64() { return static_cast<std::int64_t>(reader_.u64()); }
    bool flag() {
        const std::uint8_t value = u8();
        good_ = good_ && value <= 1;
        return value == 1;
    }
    /// Up to `most` printable octets.
    std::string text(std::size_t most) {
        const Octets taken = reader_.take(reader_.u16());
        std::string text(reinterpret_cast<const char*>(taken.data()), taken.size());
        good_ = good_ && isPlain(text, most);
        return text;
    }
    Address address() {
        Address address;
        const Octets taken = reader_.take(address.octets.size());
        std::transform(taken.begin(), taken.end(), address.octets.begin(),
                       [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
        return address;
    }
    std::optional<Address> maybeAddress() { return flag() ? std::optional(address()) : std::nullopt; }
    Prefix prefix() {
        Prefix prefix;
        prefix.address = address();
        prefix.bits = u8();
        good_ = good_ && prefix.bits <= (prefix.address.isV4() ? 32 : 128);
        return prefix;
    }
    template <class Each>
    auto list(std::size_t most, const Each& each) {
        std::vector<decltype(each())> items;
        const std::size_t count = u16();
        good_ = good_ && count <= most;
        for (std::size_t i = 0; i < count && good(); ++i)
            items.push_back(each());
        return items;
    }
    void must(bool so) noexcept { good_ = good_ && so; }
    bool good() const noexcept { return good_ && reader_.ok(); }
    bool whole() const noexcept { return good() && reader_.left() == 0; }

private:
    kms::Reader reader_;
    bool good_ = true;
};

// --- each kind both ways

void put(Out&, std::monostate) {}
void put(Out& out, const NetworkSettings& settings) {
    out.list(settings.ports, [&](const Port& port) {
        out.text(port.name);
        out.u8(static_cast<std::uint8_t>(port.ipv4));
        out.u8(static_cast<std::uint8_t>(port.ipv6));
        out.list(port.addresses, [&](const Prefix& one) { out.prefix(one); });
        out.address(port.gateway4);
        out.address(port.gateway6);
    });
    out.list(settings.nameServers, [&](const Address& one) { out.address(one); });
    out.list(settings.domains, [&](const std::string& one) { out.text(one); });
}
void put(Out& out, const TimeSettings& settings) {
    out.flag(settings.ntp);
    out.list(settings.servers, [&](const std::string& one) { out.text(one); });
    out.text(settings.zone);
}
void put(Out& out, const Clock& clock) {
    out.i64(clock.seconds);
}
void put(Out& out, const Hostname& hostname) {
    out.text(hostname.name);
}
void put(Out& out, const OpenPorts& ports) {
    for (const auto* list : {&ports.tcp, &ports.udp})
        out.list(*list, [&](std::uint16_t one) { out.u16(one); });
}
void put(Out& out, const SlotMark& mark) {
    out.u8(static_cast<std::uint8_t>(mark.as));
    out.u8(static_cast<std::uint8_t>(mark.which));
}
void put(Out& out, const Hello& hello) {
    out.u16(hello.protocol);
    out.text(hello.version);
    out.text(hello.updateFile);
    out.flag(hello.slots);
}
void put(Out& out, const NetworkState& state) {
    put(out, state.settings);
    out.u32(state.secondsLeft);
    out.list(state.ports, [&](const LivePort& port) {
        out.text(port.name);
        out.flag(port.up);
        out.text(port.mac);
        out.list(port.addresses, [&](const Prefix& one) { out.prefix(one); });
    });
}
void put(Out& out, const TimeState& state) {
    put(out, state.settings);
    out.flag(state.synchronized);
    out.i64(state.now);
}
void put(Out& out, const SlotsState& state) {
    out.text(state.compatible);
    out.text(state.booted);
    out.text(state.primary);
    out.list(state.slots, [&](const Slot& slot) {
        for (const std::string* text :
             {&slot.name, &slot.bootName, &slot.state, &slot.health, &slot.version, &slot.installed})
            out.text(*text);
    });
}
void put(Out& out, const UpdateState& state) {
    out.u8(static_cast<std::uint8_t>(state.phase));
    out.u8(state.percent);
    out.text(state.words);
    out.text(state.slot);
    out.text(state.version);
}

void take(In&, std::monostate&) {}
void take(In& in, NetworkSettings& settings) {
    settings.ports = in.list(kMaxPorts, [&] {
        Port port;
        port.name = in.text(kMaxName);
        port.ipv4 = static_cast<Addressing>(in.u8());
        port.ipv6 = static_cast<Addressing>(in.u8());
        port.addresses = in.list(kMaxAddresses, [&] { return in.prefix(); });
        port.gateway4 = in.maybeAddress();
        port.gateway6 = in.maybeAddress();
        return port;
    });
    settings.nameServers = in.list(kMaxNameServers, [&] { return in.address(); });
    settings.domains = in.list(kMaxDomains, [&] { return in.text(kMaxPath); });
    in.must(in.good() && findings(settings).empty());
}
void take(In& in, TimeSettings& settings) {
    settings.ntp = in.flag();
    settings.servers = in.list(kMaxTimeServers, [&] { return in.text(kMaxPath); });
    settings.zone = in.text(kMaxName);
    in.must(in.good() && findings(settings).empty());
}
void take(In& in, Clock& clock) {
    clock.seconds = in.i64();
}
void take(In& in, Hostname& hostname) {
    hostname.name = in.text(kMaxName);
}
void take(In& in, OpenPorts& ports) {
    for (auto* list : {&ports.tcp, &ports.udp})
        *list = in.list(kMaxOpen, [&] { return in.u16(); });
    in.must(in.good() && findings(ports).empty());
}
void take(In& in, SlotMark& mark) {
    mark.as = static_cast<SlotMark::As>(in.u8());
    mark.which = static_cast<SlotMark::Which>(in.u8());
}
void take(In& in, Hello& hello) {
    hello.protocol = in.u16();
    hello.version = in.text(kMaxName);
    hello.updateFile = in.text(kMaxPath);
    hello.slots = in.flag();
    in.must(hello.updateFile.substr(0, 1) == "/" && hello.updateFile.find("/../") == std::string::npos);
}
void take(In& in, NetworkState& state) {
    take(in, state.settings);
    state.secondsLeft = in.u32();
    state.ports = in.list(kMaxLive, [&] {
        LivePort port;
        port.name = in.text(kMaxName);
        port.up = in.flag();
        port.mac = in.text(kMaxName);
        port.addresses = in.list(kMaxLive, [&] { return in.prefix(); });
        return port;
    });
}
void take(In& in, TimeState& state) {
    take(in, state.settings);
    state.synchronized = in.flag();
    state.now = in.i64();
}
void take(In& in, SlotsState& state) {
    state.compatible = in.text(kMaxName);
    state.booted = in.text(kMaxName);
    state.primary = in.text(kMaxName);
    state.slots = in.list(kMaxSlots, [&] {
        Slot slot;
        for (std::string* text :
             {&slot.name, &slot.bootName, &slot.state, &slot.health, &slot.version, &slot.installed})
            *text = in.text(kMaxName);
        return slot;
    });
}
void take(In& in, UpdateState& state) {
    state.phase = static_cast<UpdateState::Phase>(in.u8());
    state.percent = in.u8();
    state.words = in.text(kMaxWords);
    state.slot = in.text(kMaxName);
    state.version = in.text(kMaxName);
    in.must(state.phase <= UpdateState::Phase::wentBack && state.percent <= 100);
}

/// The alternative of that index, read.
template <class Variant, std::size_t I = 0>
Variant takeAlternative(In& in, std::size_t index) {
    if constexpr (I < std::variant_size_v<Variant>) {
        if (index != I)
            return takeAlternative<Variant, I + 1>(in, index);
        std::variant_alternative_t<I, Variant> value{};
        take(in, value);
        return Variant(std::in_place_index<I>, std::move(value));
    } else {
        in.must(false);
        return {};
    }
}

Result<void> first(const std::vector<Wrong>& findings) {
    if (findings.empty())
        return {};
    const Wrong& one = findings.front();
    return fail(Code::malformed, one.field, one.found + " found, allowed is " + one.allowed);
}

struct Checker {
    Result<void> operator()(std::monostate) const { return {}; }
    Result<void> operator()(const NetworkSettings& settings) const { return first(findings(settings)); }
    Result<void> operator()(const TimeSettings& settings) const { return first(findings(settings)); }
    Result<void> operator()(const OpenPorts& ports) const { return first(findings(ports)); }
    Result<void> operator()(const Hostname& hostname) const { return first(hostnameFindings(hostname.name)); }
    Result<void> operator()(const Clock& clock) const {
        if (clock.seconds < kMinClock || clock.seconds > kMaxClock)
            return fail(Code::malformed, "clock",
                        std::to_string(clock.seconds) + " found, allowed is a time from 2020 to 2100, in UTC");
        return {};
    }
    Result<void> operator()(const SlotMark& mark) const {
        if (mark.as > SlotMark::As::active || mark.which > SlotMark::Which::other)
            return fail(Code::malformed, "mark", "allowed are good, bad and active, of the booted or the other system");
        return {};
    }
};

}  // namespace

const char* name(Verb verb) noexcept {
    return isVerb(verb) ? shapeOf(verb).name : "none";
}

Result<void> check(const Request& request) {
    if (!isVerb(request.verb))
        return wrong("there is no verb " + std::to_string(static_cast<unsigned>(request.verb)));
    if (request.argument.index() != shapeOf(request.verb).argument)
        return wrong(std::string(name(request.verb)) + " has another argument");
    return std::visit(Checker{}, request.argument);
}

Result<std::vector<std::byte>> encodeRequest(std::uint32_t number, const Request& request) {
    if (auto checked = check(request); !checked)
        return fail(checked.error());
    Out out;
    out.u32(kRequest);
    out.u32(number);
    out.u8(static_cast<std::uint8_t>(request.verb));
    std::visit([&](const auto& argument) { put(out, argument); }, request.argument);
    return out.done();
}

Result<std::pair<std::uint32_t, Request>> decodeRequest(Octets packet) {
    In in(packet);
    if (in.u32() != kRequest)
        return wrong("no request");
    const std::uint32_t number = in.u32();
    Request request;
    request.verb = static_cast<Verb>(in.u8());
    if (!in.good() || !isVerb(request.verb))
        return wrong("no verb");
    request.argument = takeAlternative<Argument>(in, shapeOf(request.verb).argument);
    if (!in.whole())
        return wrong(std::string("a request ") + name(request.verb) +
                     " that ends early or late, or holds what is not allowed there");
    if (auto checked = check(request); !checked)
        return fail(checked.error());
    return std::pair(number, std::move(request));
}

Result<std::vector<std::byte>> encodeAnswer(std::uint32_t number, Verb verb, const Result<Answer>& answer) {
    Out out;
    out.u32(kAnswer);
    out.u32(number);
    out.u8(static_cast<std::uint8_t>(verb));
    if (!answer) {
        out.u8(static_cast<std::uint8_t>(answer.error().code));
        out.text(plain(answer.error().subject, kMaxWords));
        out.text(plain(answer.error().detail, kMaxWords));
        return out.done();
    }
    if (!isVerb(verb) || answer->index() != shapeOf(verb).answer)
        return fail(Code::internal, name(verb), "answered by something else");
    out.u8(0);
    std::visit([&](const auto& body) { put(out, body); }, *answer);
    return out.done();
}

Result<std::pair<std::uint32_t, Result<Answer>>> decodeAnswer(Octets packet, Verb verb) {
    In in(packet);
    if (in.u32() != kAnswer)
        return wrong("the helper's packet is no answer");
    const std::uint32_t number = in.u32();
    const auto of = static_cast<Verb>(in.u8());
    const std::uint8_t code = in.u8();
    if (!in.good() || !isVerb(verb) || code > static_cast<std::uint8_t>(kLastCode))
        return wrong("the helper's answer has no head");
    if (code != 0) {
        Error error{static_cast<Code>(code), {}, {}};
        error.subject = in.text(kMaxWords);
        error.detail = in.text(kMaxWords);
        if (!in.whole())
            return wrong("the helper's error ends early or late");
        return std::pair(number, Result<Answer>(fail(std::move(error))));
    }
    if (of != verb)
        return wrong("the helper answers what was not asked");
    Answer answer = takeAlternative<Answer>(in, shapeOf(verb).answer);
    if (!in.whole())
        return wrong(std::string("the helper's answer to ") + name(verb) + " ends early or late, or holds odd things");
    return std::pair(number, Result<Answer>(std::move(answer)));
}

}  // namespace muster::system
