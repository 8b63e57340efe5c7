/// Whether an upstream's answer may go to the client: it must be an answer, and to this very request.
/// @source docs/kms.md, "The answer, version 4", "Versions 5 and 6"
/// @thread any; pure
#pragma once

#include <cstdint>

#include "muster/types.h"

namespace muster::relay {

enum class AnswerProblem : std::uint8_t {
    none,
    size,        ///< shorter than its version has, or longer than any answer
    version,     ///< not the request's
    epid,        ///< its ePID is odd, empty, unterminated, longer than 64 units, or not as long as it says
    cmid,        ///< another client's
    clientTime,  ///< of another request
};
/// One clause for people: "it names another client's CMID".
const char* text(AnswerProblem problem) noexcept;

/// What an answer says in the clear: only version 4 does.
struct AnswerFacts {
    bool clear = false;
    Octets epid;  ///< UTF-16LE, without its terminator: a view into the answer
    std::uint32_t count = 0;
    std::uint32_t activationInterval = 0;  ///< minutes
    std::uint32_t renewalInterval = 0;     ///< minutes
};

/// @param request  as the client sent it, at least four octets
/// @param answer   hostile; nothing of it is changed on its way
AnswerProblem judgeAnswer(Octets request, Octets answer, AnswerFacts& facts) noexcept;

}  // namespace muster::relay
