/// One question, or one message of any kind, to one name server: by UDP and by TCP, with a deadline.
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
/// @param recursion  desired; false where an authoritative server is asked for what it knows itself
/// @thread any; blocks
Reply ask(const Address& server, const std::string& name, Type type, std::chrono::milliseconds attempt, Monotonic until,
          const Stopped& stopped, bool recursion = true);

/// What came back for a message, not yet read.
struct Transaction {
    Ending ending = Ending::timedOut;
    /// Of unreachable: the system's; of broken: what is wrong; of timedOut: "TCP connection" where that was not made
    std::string words;
    std::vector<std::byte> answer;  ///< of answered: what `accept` took
};

enum class Carrier : std::uint8_t {
    udpFirst,  ///< TCP where the message is over 512 octets or the answer says that it was cut (RFC 2136 2.1)
    tcp,
};

/// Sends the message as it is, once (by TCP a second time where a datagram was cut), and waits. Whether it may be sent
/// again after a silence is for the caller to know: the first may have been carried out.
/// @param server   port 0 stands for 53
/// @param message  with its header; at most 65535 octets. Its id should be randomId()
/// @param attempt  how long a datagram is waited for
/// @param until    when all of it ends
/// @param accept   false: that is no answer to this message. A datagram is passed over then (RFC 5452), a TCP
/// connection
///                 counts as broken. On the caller's thread
/// @thread any; blocks
Transaction transact(const Address& server, Octets message, std::chrono::milliseconds attempt, Monotonic until,
                     const Stopped& stopped, const std::function<bool(Octets)>& accept,
                     Carrier carrier = Carrier::udpFirst);

/// An id that nobody can guess, from the system's generator. @thread any
std::uint16_t randomId();

}  // namespace muster::dns
