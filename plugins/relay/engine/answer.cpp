#include "answer.h"

#include <cstring>

#include "muster/exchange.h"

#include "kms/body.h"
#include "kms/octets.h"

namespace muster::relay {

namespace {

using kms::Answer4;
using kms::Request4;

constexpr std::size_t kVersionSize = 4;

bool same(Octets a, std::size_t at, Octets b, std::size_t from, std::size_t size) noexcept {
    return std::memcmp(a.data() + at, b.data() + from, size) == 0;
}

}  // namespace

const char* text(AnswerProblem problem) noexcept {
    switch (problem) {
        case AnswerProblem::none:
            return "nothing is wrong with it";
        case AnswerProblem::size:
            return "its length is not that of an answer";
        case AnswerProblem::version:
            return "its protocol version is not the request's";
        case AnswerProblem::epid:
            return "its ePID is not as long as it says";
        case AnswerProblem::cmid:
            return "it names another client's CMID";
        case AnswerProblem::clientTime:
            return "it carries the time of another request";
    }
    return "it is no answer";
}

AnswerProblem judgeAnswer(Octets request, Octets answer, AnswerFacts& facts) noexcept {
    facts = {};
    if (answer.size() <= kVersionSize || answer.size() > Outcome::kMaxBody)
        return AnswerProblem::size;
    if (request.size() < kVersionSize || !same(request, 0, answer, 0, kVersionSize))
        return AnswerProblem::version;
    if (request.size() != Request4::kSize || kms::load<std::uint16_t>(request.data() + 2, kms::ByteOrder::little) != 4)
        return AnswerProblem::none;  // opaque: only the client can read the rest

    if (answer.size() < Answer4::kFixedSize)
        return AnswerProblem::size;
    const auto number = [&](std::size_t at) {
        return kms::load<std::uint32_t>(answer.data() + at, kms::ByteOrder::little);
    };
    const std::size_t epid = number(Answer4::kEpidSize);
    if (epid < 2 || epid > Answer4::kMaxEpidSize || epid % 2 != 0 || answer.size() != Answer4::kFixedSize + epid)
        return AnswerProblem::epid;
    const std::size_t after = Answer4::kEpid + epid;
    if (kms::load<std::uint16_t>(answer.data() + after - 2, kms::ByteOrder::little) != 0)
        return AnswerProblem::epid;
    if (!same(answer, after + Answer4::kCmidAfter, request, Request4::kCmid, sizeof(Guid::octets)))
        return AnswerProblem::cmid;
    if (!same(answer, after + Answer4::kClientTimeAfter, request, Request4::kClientTime, sizeof(FileTime::ticks)))
        return AnswerProblem::clientTime;
    facts.clear = true;
    facts.epid = answer.subspan(Answer4::kEpid, epid - 2);
    facts.count = number(after + Answer4::kCountAfter);
    facts.activationInterval = number(after + Answer4::kActivationIntervalAfter);
    facts.renewalInterval = number(after + Answer4::kRenewalIntervalAfter);
    return AnswerProblem::none;
}

}  // namespace muster::relay
