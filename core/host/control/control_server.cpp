#include "host/control/control_server.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <grp.h>
#include <optional>
#include <ostream>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "Poco/Net/HTTPRequestHandler.h"
#include "Poco/Net/HTTPRequestHandlerFactory.h"
#include "Poco/Net/HTTPServer.h"
#include "Poco/Net/HTTPServerParams.h"
#include "Poco/Net/HTTPServerRequest.h"
#include "Poco/Net/HTTPServerRequestImpl.h"
#include "Poco/Net/HTTPServerResponse.h"
#include "Poco/ThreadPool.h"

#include "host/control/peer.h"
#include "http/message.h"
#include "http/stream.h"

namespace muster::control {

namespace {

/// The body in chunks of a few octets each is several times as long on the wire.
constexpr std::size_t kBodyRoom = 8 * http::RequestBody::kPiece;
constexpr std::string_view kPrefix = "/api/v1";
constexpr int kSendSeconds = 10;  // a peer that does not read its answer for so long is given up

std::optional<gid_t> groupOf(const std::string& name) {
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer(std::size_t{16} * 1024);
    while (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
           buffer.size() < (1U << 22U))
        buffer.resize(buffer.size() * 2);
    return found != nullptr ? std::optional<gid_t>(entry.gr_gid) : std::nullopt;
}

/// What all connections of one server share.
struct Shared {
    const api::OperationTable& table;
    Options options;
    std::atomic<bool> stopping{false};
    std::atomic<int> streams{0};
    int wake = -1;  ///< eventfd: readable from stop() on
};

class RequestHandler final : public Poco::Net::HTTPRequestHandler {
public:
    explicit RequestHandler(Shared& shared) : shared_(shared) {}

    void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
        auto* http = dynamic_cast<Poco::Net::HTTPServerRequestImpl*>(&request);
        auto* socket = http != nullptr ? dynamic_cast<PeerSocket*>(http->socket().impl()) : nullptr;
        if (socket == nullptr)
            return;
        response.setKeepAlive(false);
        send(*socket, response, answer(*socket, request, response));
    }

private:
    api::Response answer(PeerSocket& socket, Poco::Net::HTTPServerRequest& request,
                         Poco::Net::HTTPServerResponse& response) {
        const Peer& peer = socket.peer();
        if (!peer.role)
            return http::refuse(403, {Code::denied, "uid " + std::to_string(peer.uid),
                                      "may not use the control socket; become root or join the group " +
                                          shared_.options.operatorGroup});
        const std::string target = request.getURI();
        if (target.compare(0, kPrefix.size(), kPrefix) != 0 || target.size() == kPrefix.size() ||
            target[kPrefix.size()] != '/')
            return http::refuse(404, {Code::missing, "path", "all operations are below /api/v1/"});
        if (auto wrong = http::judgeHead(request))
            return std::move(*wrong);
        http::RequestBody body(request, response, [&] { socket.allow(shared_.options.bodyTime, kBodyRoom); });
        api::Response answer =
            api::serve(shared_.table,
                       {.method = request.getMethod(),
                        .target = std::string_view(target).substr(kPrefix.size()),
                        .contentType = request.getContentType(),
                        .body = {},
                        .caller = {.name = "uid " + std::to_string(peer.uid), .role = *peer.role, .front = "control"},
                        .source = &body,
                        .ifMatch = request.get("If-Match", ""),
                        .ifNoneMatch = request.get("If-None-Match", "")},
                       shared_.options.handlerFailed, shared_.options.observer);
        body.discard();
        return answer;
    }

    static void head(Poco::Net::HTTPServerResponse& response, const api::Response& answer) {
        http::writeHead(response, answer);
        response.set("Cache-Control", "no-store");
    }

    void send(PeerSocket& socket, Poco::Net::HTTPServerResponse& response, const api::Response& answer) {
        if (answer.stream || answer.file) {
            const http::StreamSeat seat(shared_.streams, shared_.options.threads / 2);
            if (seat.taken())
                return stream(socket, response, answer);
            return send(socket, response,
                        http::refuse(503, {Code::busy, "streams",
                                           "as many as there may be are open; end one of them and try again"}));
        }
        head(response, answer);
        response.setContentLength64(static_cast<Poco::Int64>(answer.body.size()));
        response.send() << answer.body << std::flush;
    }

    void stream(PeerSocket& socket, Poco::Net::HTTPServerResponse& response, const api::Response& answer) const {
        head(response, answer);
        if (answer.file) {
            if (const auto sent = http::sendFile(response, answer, socket.sockfd(), shared_.stopping);
                !sent && shared_.options.handlerFailed)
                shared_.options.handlerFailed("file", sent.error().text());
            return;
        }
        response.setChunkedTransferEncoding(true);
        std::ostream& out = response.send();
        out << std::flush;
        http::PeerStream sink(out, http::PeerStream::Form::lines, socket.sockfd(), shared_.wake, shared_.stopping);
        try {
            answer.stream(sink);
        } catch (const std::exception& error) {
            if (shared_.options.handlerFailed)
                shared_.options.handlerFailed("stream", error.what());
        }
    }

    Shared& shared_;
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

class ControlServer::Impl {
public:
    Impl(std::string path, const api::OperationTable& table, Options options)
        : path_(std::move(path)), shared_{table, std::move(options)} {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { stop(); }

    Result<void> start() {
        const auto operators = groupOf(shared_.options.operatorGroup);
        auto fd = listenAt(path_, operators);
        if (!fd)
            return fail(std::move(fd.error()));
        struct stat info {};
        ::stat(path_.c_str(), &info);
        device_ = info.st_dev;
        inode_ = info.st_ino;
        shared_.wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        shared_.stopping = false;
        if (!operators)
            say(Severity::info, "control socket " + path_ + ": no group " + shared_.options.operatorGroup +
                                    " on this system, so only root and the daemon's own user may connect");
        const int threads = std::max(2, shared_.options.threads);
        pool_ = std::make_unique<Poco::ThreadPool>("control", 2, threads);
        auto* parameters = new Poco::Net::HTTPServerParams;  // owned by the server
        parameters->setKeepAlive(false);
        parameters->setTimeout(Poco::Timespan(kSendSeconds, 0));
        // A dispatcher thread can miss the wake-up at stop and then sleeps this long (POCO's default is 10 s).
        parameters->setThreadIdleTime(Poco::Timespan(0, 300'000));
        parameters->setMaxThreads(threads);
        parameters->setMaxQueued(std::max(1, shared_.options.queue));
        const Listener listener(*fd, operators, shared_.options.headTime, http::kHeadRoom);
        server_ = std::make_unique<Poco::Net::HTTPServer>(new HandlerFactory(shared_), *pool_, listener, parameters);
        server_->start();
        return {};
    }

    void stop() noexcept {
        if (!server_)
            return;
        shared_.stopping = true;
        const std::uint64_t one = 1;
        if (shared_.wake >= 0 && ::write(shared_.wake, &one, sizeof one) < 0)
            say(Severity::debug, "control socket: streams end within a second");
        struct stat info {};
        if (::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_)
            ::unlink(path_.c_str());
        try {
            // First no new connections, then those inside: the other way round some would slip in between
            // (pocoproject/poco#436).
            server_->stop();
            server_->stopAll(true);
            pool_->joinAll();
        } catch (const std::exception& error) {
            say(Severity::error, std::string("control socket: ") + error.what());
        }
        server_.reset();
        pool_.reset();
        if (shared_.wake >= 0)
            ::close(shared_.wake);
        shared_.wake = -1;
    }

    const std::string& path() const noexcept { return path_; }

private:
    void say(Severity severity, std::string text) const noexcept {
        try {
            if (shared_.options.log)
                shared_.options.log(severity, std::move(text));
        } catch (...) {  // a log that cannot be written is no reason not to stop
        }
    }

    std::string path_;
    Shared shared_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::unique_ptr<Poco::ThreadPool> pool_;
    std::unique_ptr<Poco::Net::HTTPServer> server_;
};

ControlServer::ControlServer(std::string path, const api::OperationTable& table, Options options)
    : impl_(std::make_unique<Impl>(std::move(path), table, std::move(options))) {}

ControlServer::~ControlServer() = default;

Result<void> ControlServer::start() {
    return impl_->start();
}

void ControlServer::stop() noexcept {
    impl_->stop();
}

const std::string& ControlServer::path() const noexcept {
    return impl_->path();
}

}  // namespace muster::control
