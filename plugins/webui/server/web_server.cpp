#include "server/web_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <ostream>
#include <sstream>
#include <sys/eventfd.h>
#include <unistd.h>

#include "Poco/Net/HTTPRequestHandler.h"
#include "Poco/Net/HTTPRequestHandlerFactory.h"
#include "Poco/Net/HTTPServer.h"
#include "Poco/Net/HTTPServerParams.h"
#include "Poco/Net/HTTPServerRequestImpl.h"
#include "Poco/Net/HTTPServerResponse.h"
#include "Poco/ThreadPool.h"

#include "access/secrets.h"
#include "http/message.h"
#include "http/stream.h"
#include "server/policy.h"

namespace muster::webui {

namespace {

constexpr std::string_view kApi = "/api/v1";
constexpr std::size_t kMaxAgent = 256;
constexpr std::chrono::milliseconds kLinger{2'000};
constexpr std::size_t kLingerRoom = std::size_t{1} << 20;

/// What all connections of one server share.
struct Shared {
    ServerOptions options;
    Door& door;
    std::span<const Page> pages;
    std::atomic<bool> stopping{false};
    std::atomic<int> streams{0};
    int wake = -1;  ///< eventfd: readable from stop() on
};

Address addressOf(const Poco::Net::SocketAddress& from) {
    return Address::parse(from.toString()).value_or(Address{});
}

FrontAnswer text(int status, std::string_view body) {
    FrontAnswer answer;
    answer.status = status;
    answer.contentType = "text/plain; charset=utf-8";
    answer.body = body;
    return answer;
}

class RequestHandler final : public Poco::Net::HTTPRequestHandler {
public:
    explicit RequestHandler(Shared& shared) : shared_(shared) {}

    void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
        auto* http = dynamic_cast<Poco::Net::HTTPServerRequestImpl*>(&request);
        auto* socket = http != nullptr ? dynamic_cast<tls::TlsSocket*>(http->socket().impl()) : nullptr;
        if (socket == nullptr)
            return;
        from_ = addressOf(request.clientAddress());
        const std::string& target = request.getURI();
        const std::string_view path = std::string_view(target).substr(0, target.find('?'));
        const bool ofApi =
            path.substr(0, kApi.size()) == kApi && (path.size() == kApi.size() || path[kApi.size()] == '/');
        headOnly_ = request.getMethod() == "HEAD";
        if (socket->isPlain())
            send(request, response, *socket, elsewhere(request), Content::data);
        else if (ofApi)
            send(request, response, *socket, ofTable(request, response, *socket), Content::data);
        else
            sendPage(request, response, *socket, path);
        if (response.getKeepAlive())
            socket->rest();
        else if (close_)
            drain(*socket);
    }

private:
    /// Takes what the peer is still sending of a body that was refused: a connection closed before that is reset, and
    /// the answer lost with it.
    static void drain(tls::TlsSocket& socket) {
        socket.allow(kLinger, kLingerRoom);
        std::array<char, 8192> piece{};
        try {
            while (socket.receiveBytes(piece.data(), static_cast<int>(piece.size()), 0) > 0)
                continue;
        } catch (const Poco::Exception&) {
            // It went on for too long, or is gone.
        }
    }

    /// In the clear nothing is answered but where to go; a token that was sent so is everybody's.
    FrontAnswer elsewhere(Poco::Net::HTTPServerRequest& request) {
        close_ = true;
        if (const std::string_view token = bearerOf(request.get("Authorization", "")); !token.empty())
            shared_.door.seenInTheClear(token, from_);
        const std::string host = request.get("Host", "");
        if (!isHost(host) || request.getURI().empty() || request.getURI().front() != '/')
            return http::refuse(400, {Code::malformed, "request", "came in the clear; ask over https"});
        if (request.getMethod() != "GET" && !headOnly_)
            return http::refuse(403, {Code::denied, "request", "came in the clear; ask over https"});
        const std::size_t colon = host.rfind(':');
        const bool hasPort = colon != std::string::npos && host.find(']', colon) == std::string::npos;
        std::string name = hasPort ? host.substr(0, colon) : host;
        if (shared_.options.redirectPort != 443)
            name += ":" + std::to_string(shared_.options.redirectPort);
        FrontAnswer answer = text(301, "");
        answer.headers.emplace_back("Location", "https://" + name + request.getURI());
        return answer;
    }

    FrontAnswer ofTable(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response,
                        tls::TlsSocket& socket) {
        close_ = true;  // what is refused before its body was read leaves it on the connection
        if (auto wrong = http::judgeHead(request))
            return std::move(*wrong);
        const std::string cookies = request.get("Cookie", "");
        const std::string authorization = request.get("Authorization", "");
        const std::string agent = request.get("User-Agent", "").substr(0, kMaxAgent);
        const std::string& method = request.getMethod();
        const std::string target = request.getURI().substr(kApi.size());
        Credentials credentials{sessionOf(cookies), bearerOf(authorization), from_, agent};
        if (!authorization.empty() && credentials.token.empty())
            return http::refuse(401, {Code::unauthenticated, "Authorization",
                                      "another scheme found, Bearer allowed; send a token, or log in"});
        Asker asker = shared_.door.identify(credentials);
        if (asker.refusal)
            return std::move(*asker.refusal);
        if (method != "GET" && !headOnly_ && asker.how != Asker::How::token)
            if (auto foreign = forged(request, asker))
                return http::refuse(403, {Code::denied, "request", *foreign});
        http::RequestBody body(request, response,
                               [&] { socket.allow(shared_.options.bodyTime, 8 * http::RequestBody::kPiece); });
        asker.caller.agent = agent;
        FrontAnswer answer = shared_.options.serve({.method = headOnly_ ? "GET" : method,
                                                    .target = resumed(request, target),
                                                    .contentType = request.getContentType(),
                                                    .body = {},
                                                    .caller = std::move(asker.caller),
                                                    .allowed = std::move(asker.allowed),
                                                    .source = &body,
                                                    .ifMatch = request.get("If-Match", ""),
                                                    .ifNoneMatch = request.get("If-None-Match", "")});
        body.discard();
        close_ = !body.finished();
        return answer;
    }

    /// A reader of events that comes again says which it had last.
    static std::string resumed(const Poco::Net::HTTPServerRequest& request, const std::string& target) {
        const std::string last = request.get("Last-Event-ID", "");
        if (last.empty() || last.size() > 20 || last.find_first_not_of("0123456789") != std::string::npos ||
            target.find("after=") != std::string::npos)
            return target;
        return target + (target.find('?') == std::string::npos ? "?after=" : "&after=") + last;
    }

    static std::optional<std::string> forged(const Poco::Net::HTTPServerRequest& request, const Asker& asker) {
        if (auto foreign =
                foreignOrigin(request.get("Origin", ""), request.get("Sec-Fetch-Site", ""), request.get("Host", "")))
            return foreign;
        if (asker.how == Asker::How::session && !sameSecret(request.get(kCsrfHeader, ""), asker.csrf))
            return std::string("header ") + kCsrfHeader + " is not that of this session; load the page anew";
        return std::nullopt;
    }

    /// Pages are asked for without a body.
    static std::optional<FrontAnswer> judgePage(const Poco::Net::HTTPServerRequest& request) {
        auto wrong = http::judgeHead(request);
        if (!wrong && (request.getContentLength64() > 0 || request.getChunkedTransferEncoding()))
            return http::refuse(413, {Code::malformed, "body", "found where none is taken; send the request without"});
        return wrong;
    }

    FrontAnswer health(std::string_view path) const {
        const std::string problem = path == "/readyz" ? shared_.options.notReady() : std::string();
        return problem.empty() ? text(200, "ok\n") : text(503, problem + "\n");
    }

    void sendPage(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response,
                  tls::TlsSocket& socket, std::string_view path) {
        if (auto wrong = judgePage(request)) {
            close_ = true;
            return send(request, response, socket, *wrong, Content::data);
        }
        if (request.getMethod() != "GET" && !headOnly_) {
            close_ = true;
            FrontAnswer answer =
                http::refuse(405, {Code::denied, "method",
                                   "pages are only read, with GET or HEAD; what changes something is below /api/v1"});
            answer.headers.emplace_back("Allow", "GET, HEAD");
            return send(request, response, socket, answer, Content::data);
        }
        if (path == "/livez" || path == "/readyz")
            return send(request, response, socket, health(path), Content::data);
        const Page* page = findPage(shared_.pages, path);
        if (page == nullptr)
            return send(request, response, socket,
                        http::refuse(404, {Code::missing, "path", "there is no such page; begin at /"}), Content::data);
        // A document goes as it is: it is short, and what is packed with it could be guessed from its length (BREACH).
        const bool isHtml = page->type.substr(0, 9) == "text/html";
        FrontAnswer answer;
        answer.contentType = page->type;
        answer.headers = {{"ETag", std::string(page->etag)},
                          {"Vary", "Accept-Encoding"},
                          {"Cache-Control", page->immutable ? "public, max-age=31536000, immutable" : "no-cache"}};
        if (request.get("If-None-Match", "") == page->etag) {
            answer.status = 304;
            answer.contentType.clear();
        } else if (!isHtml && !page->gzip.empty() && takesGzip(request.get("Accept-Encoding", ""))) {
            answer.headers.emplace_back("Content-Encoding", "gzip");
            answer.body = page->gzip;
        } else {
            answer.body = page->plain;
        }
        send(request, response, socket, answer,
             !isHtml                 ? Content::data
             : page->path == kViewer ? Content::viewer
                                     : Content::page);
    }

    void send(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response, tls::TlsSocket& socket,
              const FrontAnswer& answer, Content content) {
        if ((answer.stream || answer.file) && !headOnly_) {
            const http::StreamSeat seat(shared_.streams, shared_.options.threads / 2);
            if (seat.taken())
                return stream(request, response, socket, answer);
            return send(request, response, socket,
                        http::refuse(503, {Code::busy, "streams",
                                           "as many as there may be are open; close a page and try again"}),
                        Content::data);
        }
        head(response, answer, content);
        if (close_)
            response.setKeepAlive(false);
        if (answer.status != 304)
            response.setContentLength64(static_cast<Poco::Int64>(answer.body.size()));
        // Head and body in one piece, past POCO's stream, which writes the head twice (once to count it) and cuts at
        // 8 KiB: one record of TLS where they fit.
        std::ostringstream text;
        response.write(text);
        std::string whole = std::move(text).str();
        if (!headOnly_ && answer.status != 304)
            whole += answer.body;
        try {
            socket.sendBytes(whole.data(), static_cast<int>(whole.size()), 0);
        } catch (const Poco::Exception&) {
            close_ = true;  // the peer is gone: no word of POCO's own may follow what is out already
            response.setKeepAlive(false);
        }
    }

    static void head(Poco::Net::HTTPServerResponse& response, const FrontAnswer& answer, Content content) {
        http::writeHead(response, answer);
        for (const auto& [name, value] : securityHeaders(content))
            response.set(name, value);
        if (!response.has("Cache-Control"))
            response.set("Cache-Control", "no-store");
    }

    void stream(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response, tls::TlsSocket& socket,
                const FrontAnswer& answer) const {
        if (answer.file) {
            head(response, answer, Content::data);
            response.setKeepAlive(false);
            if (const auto sent = http::sendFile(response, answer, socket.sockfd(), shared_.stopping); !sent)
                shared_.options.log(Severity::warning, "a file broke off: " + sent.error().text());
            return;
        }
        const bool events = request.get("Accept", "").find("text/event-stream") != std::string::npos;
        head(response, answer, Content::data);
        if (events)
            response.setContentType("text/event-stream");
        response.setKeepAlive(false);
        response.setChunkedTransferEncoding(true);
        std::ostream& out = response.send();
        out << std::flush;
        http::PeerStream sink(out, events ? http::PeerStream::Form::events : http::PeerStream::Form::lines,
                              socket.sockfd(), shared_.wake, shared_.stopping);
        try {
            answer.stream(sink);
        } catch (const std::exception& error) {
            shared_.options.log(Severity::error, std::string("a stream threw: ") + error.what());
        }
    }

    Shared& shared_;
    Address from_;
    bool headOnly_ = false;
    bool close_ = false;  ///< the connection ends with this answer
};

class HandlerFactory final : public Poco::Net::HTTPRequestHandlerFactory {
public:
    explicit HandlerFactory(Shared& shared) : shared_(shared) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest& request) override {
        http::holdContinue(request);
        return new RequestHandler(shared_);
    }

private:
    Shared& shared_;
};

}  // namespace

class WebServer::Impl {
public:
    Impl(ServerOptions options, Door& door, std::shared_ptr<tls::CurrentContext> context, std::span<const Page> pages)
        : shared_{.options = std::move(options), .door = door, .pages = pages},
          context_(std::move(context)),
          connections_(std::make_shared<tls::Connections>(
              tls::Bounds{shared_.options.connections, shared_.options.perAddress,
                          static_cast<std::size_t>(std::max(2, shared_.options.threads))})) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { stop(); }

    void start(const std::vector<int>& listening) {
        shared_.wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        shared_.stopping = false;
        const int threads = std::max(2, shared_.options.threads);
        const int servers = static_cast<int>(listening.size());
        pool_ = std::make_unique<Poco::ThreadPool>("web", 2, threads + servers);
        for (const int fd : listening) {
            auto* parameters = new Poco::Net::HTTPServerParams;  // owned by the server
            parameters->setKeepAlive(true);
            parameters->setMaxKeepAliveRequests(0);
            parameters->setKeepAliveTimeout(Poco::Timespan(shared_.options.idleTime.count() * 1000));
            parameters->setTimeout(Poco::Timespan(shared_.options.headTime.count() * 1000));
            // A dispatcher thread can miss the wake-up at stop and then sleeps this long (POCO's default is 10 s).
            parameters->setThreadIdleTime(Poco::Timespan(0, 300'000));
            parameters->setMaxThreads(threads);
            parameters->setMaxQueued(threads);
            const tls::TlsListener listener(fd, context_, connections_,
                                            {.headTime = shared_.options.headTime,
                                             .headRoom = http::kHeadRoom,
                                             .idleTime = shared_.options.idleTime,
                                             .plain = true});
            servers_.push_back(
                std::make_unique<Poco::Net::HTTPServer>(new HandlerFactory(shared_), *pool_, listener, parameters));
            servers_.back()->start();
        }
    }

    void stop() noexcept {
        if (!pool_)
            return;
        shared_.stopping = true;
        const std::uint64_t one = 1;
        if (shared_.wake >= 0 && ::write(shared_.wake, &one, sizeof one) < 0)
            shared_.options.log(Severity::debug, "streams end within a second");
        try {
            // First no new connections, then those inside: the other way round some would slip in between
            // (pocoproject/poco#436). Their sockets are shut down rather than POCO's stopAll() called, whose notice to
            // the connections counts references where no sanitizer sees it.
            for (const auto& server : servers_)
                server->stop();
            connections_->endAll();
            pool_->joinAll();
        } catch (const std::exception& error) {
            shared_.options.log(Severity::error, error.what());
        }
        servers_.clear();
        pool_.reset();
        if (shared_.wake >= 0)
            ::close(shared_.wake);
        shared_.wake = -1;
    }

    tls::Connections::Counts counts() const noexcept { return connections_->counts(); }

private:
    Shared shared_;
    std::shared_ptr<tls::CurrentContext> context_;
    std::shared_ptr<tls::Connections> connections_;
    std::unique_ptr<Poco::ThreadPool> pool_;
    std::vector<std::unique_ptr<Poco::Net::HTTPServer>> servers_;
};

WebServer::WebServer(ServerOptions options, Door& door, std::shared_ptr<tls::CurrentContext> context,
                     std::span<const Page> pages)
    : impl_(std::make_unique<Impl>(std::move(options), door, std::move(context), pages)) {}

WebServer::~WebServer() = default;

void WebServer::start(const std::vector<int>& listening) {
    impl_->start(listening);
}

void WebServer::stop() noexcept {
    impl_->stop();
}

tls::Connections::Counts WebServer::counts() const noexcept {
    return impl_->counts();
}

}  // namespace muster::webui
