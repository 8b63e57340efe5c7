/// DNS answers made octet by octet, for tests: honest ones and others.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"

namespace muster::dns::test {

class Message {
public:
    using Bytes = std::vector<std::uint8_t>;

    /// An answer without records: QR, RD, RA, NOERROR.
    explicit Message(const Question& question) {
        for (const unsigned field : {unsigned{question.id}, 0x8180U, 1U, 0U, 0U, 0U})
            add16(bytes_, field);
        add(bytes_, name(question.name));
        add16(bytes_, static_cast<unsigned>(question.type));
        add16(bytes_, 1);
        service_ = question.name;
    }

    Message& flags(unsigned value) {
        set16(2, value);
        return *this;
    }
    Message& withoutQuestion() {
        bytes_.resize(12);
        set16(4, 0);
        return *this;
    }
    /// What follows stands in the additional section.
    Message& additional() {
        count_ = 10;
        return *this;
    }
    Message& authority() {
        count_ = 8;
        return *this;
    }
    Message& soa(std::string_view zone, std::string_view primary, std::uint32_t serial, std::uint32_t ttl,
                 std::uint32_t minimum) {
        Bytes data = name(primary);
        add(data, name("hostmaster.example.org"));
        for (const std::uint32_t field : {serial, 7200U, 3600U, 1209600U, minimum}) {
            add16(data, field >> 16U);
            add16(data, field & 0xFFFFU);
        }
        return rawRecord(name(zone), 6, ttl, data);
    }
    Message& ns(std::string_view zone, std::string_view server, std::uint32_t ttl) {
        return rawRecord(name(zone), 2, ttl, name(server));
    }
    Message& srv(std::uint16_t priority, std::uint16_t weight, std::uint16_t port, std::string_view target,
                 std::uint32_t ttl) {
        Bytes data;
        add16(data, priority);
        add16(data, weight);
        add16(data, port);
        add(data, name(target));
        return rawRecord(name(service_), 33, ttl, data);
    }
    Message& cname(std::string_view owner, std::string_view target, std::uint32_t ttl) {
        return rawRecord(name(owner), 5, ttl, name(target));
    }
    Message& a(std::string_view owner, const char* address, std::uint32_t ttl) {
        Bytes data(4);
        inet_pton(AF_INET, address, data.data());
        return rawRecord(name(owner), 1, ttl, data);
    }
    Message& aaaa(std::string_view owner, const char* address, std::uint32_t ttl) {
        Bytes data(16);
        inet_pton(AF_INET6, address, data.data());
        return rawRecord(name(owner), 28, ttl, data);
    }
    Message& opt(std::uint32_t ttl) { return rawRecord({0}, 41, ttl, {}); }
    Message& rawRecord(const Bytes& owner, unsigned type, std::uint32_t ttl, const Bytes& data) {
        add(bytes_, owner);
        add16(bytes_, type);
        add16(bytes_, 1);
        add16(bytes_, ttl >> 16U);
        add16(bytes_, ttl & 0xFFFFU);
        length_ = bytes_.size();
        add16(bytes_, static_cast<unsigned>(data.size()));
        add(bytes_, data);
        set16(count_, get16(count_) + 1);
        return *this;
    }
    void lieAboutLastLength(int more) {
        set16(length_, static_cast<unsigned>(static_cast<int>(get16(length_)) + more));
    }

    Octets octets() const noexcept { return std::as_bytes(std::span(bytes_)); }

    static void add16(Bytes& to, unsigned value) {
        to.push_back(static_cast<std::uint8_t>(value >> 8U & 0xFFU));
        to.push_back(static_cast<std::uint8_t>(value & 0xFFU));
    }
    static void add(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
    static Bytes name(std::string_view text) {
        Bytes out;
        while (!text.empty()) {
            const std::string_view label = text.substr(0, text.find('.'));
            out.push_back(static_cast<std::uint8_t>(label.size()));
            out.insert(out.end(), label.begin(), label.end());
            text.remove_prefix(std::min(text.size(), label.size() + 1));
        }
        out.push_back(0);
        return out;
    }

private:
    unsigned get16(std::size_t at) const { return static_cast<unsigned>(bytes_.at(at) << 8U | bytes_.at(at + 1)); }
    void set16(std::size_t at, unsigned value) {
        bytes_.at(at) = static_cast<std::uint8_t>(value >> 8U & 0xFFU);
        bytes_.at(at + 1) = static_cast<std::uint8_t>(value & 0xFFU);
    }

    Bytes bytes_;
    std::string service_;
    std::size_t count_ = 6;
    std::size_t length_ = 0;
};

}  // namespace muster::dns::test
