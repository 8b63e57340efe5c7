/// TSIG records of a server, laid out octet by octet, for tests: right ones and others.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "mbedtls/md.h"

#include "dns/test/test_message.h"
#include "dns/tsig.h"

namespace muster::dns::test {

/// What a server signs with; every field can be made wrong.
struct Signature {
    using Bytes = Message::Bytes;

    std::string key = "muster-update";
    std::string algorithm = "hmac-sha256";
    Bytes secret;
    std::uint64_t time = 0;
    unsigned fudge = 300;
    int originalId = -1;  ///< -1: the message's
    unsigned error = 0;
    Bytes other;
    Bytes requestMac;
    std::size_t macSize = 64;  ///< at most so many octets of it
    unsigned of = 255;
    unsigned ttl = 0;

    /// The message with this signature behind it.
    std::vector<std::byte> on(Octets unsignedMessage) const {
        Bytes message;
        for (const std::byte octet : unsignedMessage)
            message.push_back(std::to_integer<std::uint8_t>(octet));
        const unsigned id =
            originalId < 0 ? static_cast<unsigned>(message[0] << 8U | message[1]) : static_cast<unsigned>(originalId);
        Bytes digested;
        Message::add16(digested, static_cast<unsigned>(requestMac.size()));
        Message::add(digested, requestMac);
        Message::add16(digested, id);
        digested.insert(digested.end(), message.begin() + 2, message.end());
        Message::add(digested, Message::name(key));
        for (const unsigned word : {255U, 0U, 0U})
            Message::add16(digested, word);
        Message::add(digested, Message::name(algorithm));
        addTime(digested);
        for (const unsigned word : {fudge, error, static_cast<unsigned>(other.size())})
            Message::add16(digested, word);
        Message::add(digested, other);

        Bytes data = Message::name(algorithm);
        addTime(data);
        Message::add16(data, fudge);
        const Bytes mac = macOf(digested);
        Message::add16(data, static_cast<unsigned>(mac.size()));
        Message::add(data, mac);
        for (const unsigned word : {id, error, static_cast<unsigned>(other.size())})
            Message::add16(data, word);
        Message::add(data, other);

        Message::add(message, Message::name(key));
        for (const unsigned word : {250U, of, ttl >> 16U, ttl & 0xFFFFU, static_cast<unsigned>(data.size())})
            Message::add16(message, word);
        Message::add(message, data);
        const unsigned additional = static_cast<unsigned>(message[10] << 8U | message[11]) + 1;
        message[10] = static_cast<std::uint8_t>(additional >> 8U);
        message[11] = static_cast<std::uint8_t>(additional & 0xFFU);
        const Octets octets = std::as_bytes(std::span(message));
        return {octets.begin(), octets.end()};
    }

private:
    void addTime(Bytes& to) const {
        for (const unsigned shift : {32U, 16U, 0U})
            Message::add16(to, static_cast<unsigned>(time >> shift & 0xFFFFU));
    }

    Bytes macOf(const Bytes& digested) const {
        const auto* digest =
            mbedtls_md_info_from_type(algorithm == "hmac-sha512" ? MBEDTLS_MD_SHA512 : MBEDTLS_MD_SHA256);
        Bytes mac(mbedtls_md_get_size(digest));
        mbedtls_md_hmac(digest, secret.data(), secret.size(), digested.data(), digested.size(), mac.data());
        mac.resize(std::min(mac.size(), macSize));
        return mac;
    }
};

}  // namespace muster::dns::test
