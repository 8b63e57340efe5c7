/// How rooms say that something did not work: Result for what is expected to fail (wire, store, requests), Fault for
/// what ends the work at hand.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "tl/expected.hpp"

namespace muster {

enum class Code : std::uint8_t {  // append only: the numbers are stable names in the API
    malformed = 1,                ///< bytes or text that break their own format
    denied,                       ///< understood, not allowed
    duplicate,                    ///< somebody else has that name, path or id
    missing,                      ///< not there
    timeout,                      ///< did not happen in time
    incompatible,                 ///< of another version, build, mode or kind
    internal,                     ///< our own mistake
    busy,                         ///< not now: a bound is reached
    storage,                      ///< disk or database trouble
    conflict,                     ///< changed meanwhile; read again
    unauthenticated,              ///< nobody knows who asks: log in first
};

/// The stable text of a code, as the API shows it: "malformed", "denied", …
constexpr const char* name(Code code) noexcept {
    switch (code) {
        case Code::malformed:
            return "malformed";
        case Code::denied:
            return "denied";
        case Code::duplicate:
            return "duplicate";
        case Code::missing:
            return "missing";
        case Code::timeout:
            return "timeout";
        case Code::incompatible:
            return "incompatible";
        case Code::internal:
            return "internal";
        case Code::busy:
            return "busy";
        case Code::storage:
            return "storage";
        case Code::conflict:
            return "conflict";
        case Code::unauthenticated:
            return "unauthenticated";
    }
    return "internal";
}

struct [[nodiscard]] Error {
    Code code = Code::internal;
    std::string subject;  ///< what it happened to: "plugin relay", "10.0.0.7:49152"
    std::string detail;   ///< both values and the remedy: "abi 2.0, core speaks 1.0-1.2; rebuild with this SDK"

    std::string text() const { return subject.empty() ? detail : subject + ": " + detail; }
};

/// A value or an Error. Must be looked at.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(Code code, std::string subject, std::string detail) {
    return tl::unexpected<Error>(Error{code, std::move(subject), std::move(detail)});
}
inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

/// Ends the work at hand: a plugin's start, an operation. Caught by the host at every border.
class Fault : public std::exception {
public:
    explicit Fault(Error error) : error_(std::move(error)), text_(error_.text()) {}
    const Error& error() const noexcept { return error_; }
    const char* what() const noexcept override { return text_.c_str(); }

private:
    Error error_;
    std::string text_;
};

/// The value, or the end of the work at hand.
template <class T>
T orThrow(Result<T> result) {
    if (!result)
        throw Fault(std::move(result).error());
    return std::move(*result);
}

}  // namespace muster
