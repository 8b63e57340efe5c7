/// The table of operations as HTTP/1.1 on a Unix socket. Who connects is known by SO_PEERCRED: root and the daemon's
/// own user are administrators, members of the operators' group are operators, everybody else is refused.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "muster/event.h"
#include "muster/result.h"

#include "api/operations.h"
#include "api/serve.h"

namespace muster::control {

struct Options {
    std::string operatorGroup = "muster";        ///< its members may connect; the socket is given to it where it exists
    int threads = 8;                             ///< requests at once; streams may hold half of them
    int queue = 32;                              ///< connections that wait for a thread; the next one is closed
    std::chrono::milliseconds headTime{10'000};  ///< for a request's head, in all
    std::chrono::milliseconds bodyTime{30'000};
    std::function<void(Severity, std::string)> log;
    api::HandlerFailure handlerFailed;
    api::Observer observer;  ///< told of what was asked for beside GET
};

/// @thread start() and stop(): the owner's. Handlers run on the server's own threads.
class ControlServer {
public:
    /// @param path   of the socket, at most 100 octets; its directory must be there
    /// @param table  outlives the server
    ControlServer(std::string path, const api::OperationTable& table, Options options);
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;
    ~ControlServer();  ///< stops

    /// @error duplicate  another daemon answers there
    /// @error denied, missing, storage, malformed  the socket cannot be made, with the system's words and what to do.
    ///                   A file that is no socket is never replaced.
    Result<void> start();

    /// No new connection; those inside are ended (streams at their next write), then waited for. The socket's file
    /// goes.
    void stop() noexcept;

    const std::string& path() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace muster::control
