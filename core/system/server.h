/// The helper's socket: who may speak, one request at a time, and the timers of the box between them.
#pragma once

#include <string>
#include <sys/types.h>

#include "muster/result.h"

#include "system/box.h"

namespace muster::system {

/// A listening SOCK_SEQPACKET socket at `path`, mode 0600, of user `owner`. A socket that is there already makes room.
/// @error malformed  the path is too long
/// @error storage    with the system's words
Result<int> listenAt(const std::string& path, uid_t owner);

/// That `fd` is such a socket, as systemd passes it. @error malformed  it is not
Result<void> checkListening(int fd);

/// Until SIGTERM or SIGINT, which must be blocked already. Connections of other users than `peer` are closed unread.
/// @param listening  closed by the caller
/// @error internal  the system's words
Result<void> serve(int listening, uid_t peer, Box& box, const Log& log);

}  // namespace muster::system
