/// The page and the API over TLS: HTTP/1.1 by POCO's server on sockets of the room tls.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "muster/event.h"
#include "muster/front.h"
#include "muster/result.h"

#include "server/asker.h"
#include "server/pages.h"
#include "tls/socket.h"

namespace muster::webui {

struct ServerOptions {
    int threads = 64;  ///< connections that are served at once; streams may hold half of them
    std::size_t connections = 256;
    std::size_t perAddress = 128;
    std::chrono::milliseconds headTime{10'000};  ///< handshake and head
    std::chrono::milliseconds bodyTime{30'000};
    std::chrono::milliseconds idleTime{15'000};
    std::uint16_t redirectPort = 443;                       ///< where https is, for those who come in the clear
    std::function<FrontAnswer(const FrontRequest&)> serve;  ///< the table of operations
    std::function<std::string()> notReady;  ///< why the appliance is not ready to serve clients; empty: it is
    std::function<void(Severity, std::string)> log;
};

/// @thread start(), stop(): the owner's. The rest runs on threads of its own.
class WebServer {
public:
    /// @param door, context  outlive the server
    WebServer(ServerOptions options, Door& door, std::shared_ptr<tls::CurrentContext> context,
              std::span<const Page> pages);
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;
    ~WebServer();  ///< stops

    /// @param listening  sockets that listen already and stay the caller's
    void start(const std::vector<int>& listening);
    /// No new connection; those inside are ended (streams at their next write), then waited for.
    void stop() noexcept;

    /// How many are connected, were refused, gave way.
    tls::Connections::Counts counts() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace muster::webui
