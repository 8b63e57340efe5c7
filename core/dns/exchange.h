/// One question to one name server, by UDP and by TCP, with a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "muster/types.h"

#include "dns/message.h"

namespace muster::dns {

/// True: whoever waits gives up. Asked about ten times a second while something is waited for.
using Stopped = std::function<bool()>;

enum class Ending : std::uint8_t { answered, timedOut, unreachable, broken, stopped };

struct Reply {
    Ending ending = Ending::timedOut;
    std::string words;  ///< of unreachable: the system's; of broken: what is wrong with the answer
    Answer answer;      ///< of answered
};

/// Sends the question with an id of its own, from a port of its own, and waits. What does not answer it is passed
/// over: whoever guesses has to guess id, port and question (RFC 5452). A truncated answer is asked for again by TCP;
/// a server that does not know EDNS, once without it (RFC 6891 7).
/// @param server   port 0 stands for 53
/// @param attempt  how long one datagram is waited for
/// @param until    when all of it ends
/// @thread any; blocks
Reply ask(const Address& server, const std::string& name, Type type, std::chrono::milliseconds attempt, Monotonic until,
          const Stopped& stopped);

}  // namespace muster::dns
