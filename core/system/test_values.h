/// For tests and the corpus: one good value of each kind.
#pragma once

#include <vector>

#include "system/message.h"

namespace muster::system::test {

inline NetworkSettings network() {
    Port port;
    port.name = "eth0";
    port.ipv4 = Addressing::fixed;
    port.addresses = {*Prefix::parse("10.0.0.7/24")};
    port.gateway4 = parseAddress("10.0.0.1");
    return {{port}, {*parseAddress("10.0.0.53"), *parseAddress("2001:db8::53")}, {"corp.example"}};
}

inline TimeSettings time() {
    return {true, {"ntp.corp.example", "10.0.0.1"}, "Europe/Berlin"};
}

inline OpenPorts open() {
    return {{443, 1688}, {161}};
}

/// Of each verb one request that is good.
inline std::vector<Request> requests() {
    std::vector<Request> all;
    for (auto verb = static_cast<unsigned>(kFirstVerb); verb <= static_cast<unsigned>(kLastVerb); ++verb) {
        Request request{static_cast<Verb>(verb), {}};
        switch (request.verb) {
            case Verb::networkSet:
                request.argument = network();
                break;
            case Verb::timeSet:
                request.argument = time();
                break;
            case Verb::clockSet:
                request.argument = Clock{1'800'000'000};
                break;
            case Verb::hostnameSet:
                request.argument = Hostname{"kms-1"};
                break;
            case Verb::firewallSet:
                request.argument = open();
                break;
            case Verb::slotMark:
                request.argument = SlotMark{SlotMark::As::bad, SlotMark::Which::other};
                break;
            default:
                break;
        }
        all.push_back(std::move(request));
    }
    return all;
}

/// An answer to that verb.
inline Answer answer(Verb verb) {
    switch (verb) {
        case Verb::hello:
            return Hello{kProtocol, "1.2.3", "/data/muster/update/bundle.raucb", true};
        case Verb::networkRead:
        case Verb::networkSet:
        case Verb::networkConfirm:
        case Verb::networkRevert:
            return NetworkState{
                network(), 90, {{"eth0", true, "52:54:00:12:34:56", {*Prefix::parse("2001:db8::7/64")}}}};
        case Verb::timeRead:
        case Verb::timeSet:
        case Verb::clockSet:
            return TimeState{time(), true, 1'800'000'000};
        case Verb::hostnameRead:
        case Verb::hostnameSet:
            return Hostname{"kms-1"};
        case Verb::firewallRead:
        case Verb::firewallSet:
            return open();
        case Verb::slotsRead:
        case Verb::slotMark:
            return SlotsState{
                "muster-x86_64", "A", "boot.0", {{"boot.0", "A", "booted", "good", "1.2.3", "2026-11-28"}}};
        case Verb::updateRead:
        case Verb::updateInstall:
            return UpdateState{UpdateState::Phase::installing, 40, "Copying image to rootfs.1", "B", "1.3"};
        default:
            return std::monostate();
    }
}

}  // namespace muster::system::test
