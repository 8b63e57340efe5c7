/// Who asks: what the server reads from a request, and what the rooms behind it make of that.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "muster/front.h"
#include "muster/types.h"

namespace muster::webui {

/// What a request carries. Views into the request.
struct Credentials {
    std::string_view session;  ///< value of the session's cookie; empty: none
    std::string_view token;    ///< after "Authorization: Bearer "; empty: none
    Address from;
    std::string_view agent;  ///< User-Agent, as it came
};

struct Asker {
    enum class How : std::uint8_t { nobody, session, token };
    How how = How::nobody;
    Caller caller;                                  ///< Role::none for nobody
    std::function<bool(const Operation&)> allowed;  ///< of a token with a scope
    std::string csrf;                    ///< that requests of this session must carry, if they change anything
    std::optional<FrontAnswer> refusal;  ///< a token that is wrong or must wait: the answer, whatever was asked
};

class Door {
public:
    virtual ~Door() = default;
    /// @thread the server's, several at a time
    virtual Asker identify(const Credentials& credentials) = 0;
    /// A token was sent in the clear: whoever listened has it. @thread as above
    virtual void seenInTheClear(std::string_view token, const Address& from) = 0;
};

}  // namespace muster::webui
