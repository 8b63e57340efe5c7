/// musterd's end: asks musterd-system, a connection a question.
#pragma once

#include <chrono>
#include <string>

#include "muster/result.h"

#include "system/message.h"

namespace muster::system {

/// @thread any; blocks up to the limit, so never a reactor's
class Client {
public:
    /// @param socket  its path
    explicit Client(std::string socket) : socket_(std::move(socket)) {}

    /// Whether there is such a helper: its socket exists. systemd starts it when somebody asks.
    bool isThere() const;

    /// @error missing   there is none, or it has gone
    /// @error denied    it is there for another user
    /// @error timeout   it does not answer
    /// @error           else what it says
    Result<Answer> ask(Verb verb, Argument argument = {}) const;

    /// ask() where the answer is a T.
    template <class T>
    Result<T> get(Verb verb, Argument argument = {}) const {
        auto answer = ask(verb, std::move(argument));
        if (!answer)
            return fail(answer.error());
        return std::get<T>(std::move(*answer));  // decodeAnswer() lets no other pass
    }

    static constexpr std::chrono::seconds kLimit{45};  ///< above what the helper gives its programs

private:
    std::string socket_;
};

}  // namespace muster::system
