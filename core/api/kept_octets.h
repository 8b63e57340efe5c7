/// For tests: a file that an operation gives, kept as text.
#pragma once

#include <string>
#include <string_view>

#include "muster/operation.h"

namespace muster::api {

class KeptOctets final : public OctetSink {
public:
    bool write(std::string_view octets) override {
        text += octets;
        return ++writes < stopAfter;
    }
    std::string text;
    int writes = 0;
    int stopAfter = 1'000'000;  ///< the peer goes with this write
};

}  // namespace muster::api
