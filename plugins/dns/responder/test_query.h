/// Queries made octet by octet, for tests.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "muster/types.h"

namespace muster::publisher::test {

struct QueryShape {
    std::string_view name = "_vlmcs._tcp.corp.example";
    unsigned type = 33;
    unsigned of = 1;
    unsigned flags = 0x0100;  ///< RD
    int edns = -1;            ///< UDP payload; below 0: none
    unsigned version = 0;
    unsigned id = 0x1234;
};

inline std::vector<std::byte> query(const QueryShape& shape = {}) {
    std::vector<std::byte> out;
    const auto put = [&](unsigned octet) { out.push_back(static_cast<std::byte>(octet & 0xFFU)); };
    const auto put16 = [&](unsigned value) {
        put(value >> 8U);
        put(value);
    };
    for (const unsigned field : {shape.id, shape.flags, 1U, 0U, 0U, shape.edns < 0 ? 0U : 1U})
        put16(field);
    for (std::string_view rest = shape.name; !rest.empty();) {
        const std::string_view label = rest.substr(0, rest.find('.'));
        put(static_cast<unsigned>(label.size()));
        for (const char c : label)
            put(static_cast<unsigned char>(c));
        rest.remove_prefix(std::min(rest.size(), label.size() + 1));
    }
    put(0);
    put16(shape.type);
    put16(shape.of);
    if (shape.edns >= 0) {
        put(0);
        put16(41);
        put16(static_cast<unsigned>(shape.edns));
        put(0);
        put(shape.version);
        put16(0x8000);  // DO
        put16(0);
    }
    return out;
}

}  // namespace muster::publisher::test
