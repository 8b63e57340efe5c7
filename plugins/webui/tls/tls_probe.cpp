/// For tests/peers: a page of one sentence over TLS, on a free port of 127.0.0.1.
///
///     webui_tls_probe DIRECTORY [head-ms=N] [idle-ms=N] [body-ms=N] [per-address=N] [threads=N] [name=NAME]...
///
/// Prints "port N" and serves until its standard input ends. The certificate stands in DIRECTORY.
///     GET /       the protocol in use; GET / in the clear: 308
///     POST /      how many octets came
///     POST /certificate   an upload: what the page would say of it, a line each
///     GET /request        a certificate signing request, kept until its certificate comes
///     GET /renew  a new certificate for the connections that come
///     GET /counts connected, refused, ended
#include <arpa/inet.h>
#include <cstdio>
#include <iostream>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "Poco/Net/HTTPRequestHandler.h"
#include "Poco/Net/HTTPRequestHandlerFactory.h"
#include "Poco/Net/HTTPServer.h"
#include "Poco/Net/HTTPServerParams.h"
#include "Poco/Net/HTTPServerRequestImpl.h"
#include "Poco/Net/HTTPServerResponse.h"
#include "Poco/ThreadPool.h"

#include "tls/certificate_store.h"
#include "tls/socket.h"

using namespace muster;
using namespace muster::tls;

namespace {

// 2026-01-01: a date as a build has one.
const Timestamp kBuilt{std::chrono::seconds(1'767'225'600)};

struct World {
    CertificateStore& store;
    Names names;
    CurrentContext& context;
    Connections& connections;
    std::chrono::milliseconds bodyTime{30'000};
};

std::string bodyOf(std::istream& in) {
    std::string body;
    char piece[4096];
    while (in.good()) {
        in.read(piece, sizeof piece);
        body.append(piece, static_cast<std::size_t>(in.gcount()));
    }
    return body;
}

class Handler final : public Poco::Net::HTTPRequestHandler {
public:
    explicit Handler(World& world) : world_(world) {}

    void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
        auto* http = dynamic_cast<Poco::Net::HTTPServerRequestImpl*>(&request);
        auto* socket = http != nullptr ? dynamic_cast<TlsSocket*>(http->socket().impl()) : nullptr;
        if (socket == nullptr)
            return;
        if (!request.secure()) {
            response.setKeepAlive(false);
            response.redirect("https://" + request.getHost() + request.getURI(),
                              Poco::Net::HTTPResponse::HTTP_PERMANENT_REDIRECT);
            return;
        }
        socket->allow(world_.bodyTime, 2 * kMaxUpload);
        const std::string body = answer(request, *socket);
        response.setContentLength(static_cast<int>(body.size()));
        response.send() << body << std::flush;
        socket->rest();
    }

private:
    std::string answer(Poco::Net::HTTPServerRequest& request, const TlsSocket& socket) {
        if (request.getURI() == "/certificate")
            return installed(world_.store.replace(bodyOf(request.stream()), world_.names, wallNow()));
        if (request.getMethod() == Poco::Net::HTTPRequest::HTTP_POST)
            return std::to_string(bodyOf(request.stream()).size()) + "\n";
        if (request.getURI() == "/renew")
            return installed(world_.store.renew(world_.names, kBuilt));
        if (request.getURI() == "/request")
            return world_.store.request(world_.names).value_or("");
        if (request.getURI() == "/counts") {
            const auto counts = world_.connections.counts();
            return std::to_string(counts.connected) + " " + std::to_string(counts.refused) + " " +
                   std::to_string(counts.ended) + "\n";
        }
        return socket.protocol() + "\n";
    }

    /// What it is from now on, or why it is not.
    std::string installed(const Result<Pair>& pair) {
        if (!pair)
            return "refused: " + pair.error().text() + "\n";
        const auto context = Context::make(pair->pem);
        if (!context)
            return "not served: " + context.error().text() + "\n";
        world_.context.set(*context);
        std::string out;
        for (const Description& one : pair->chain) {
            out += one.subject + "|" + one.issuer + "|" + one.key + "|" + isoTime(one.notBefore) + "|" +
                   isoTime(one.notAfter) + "|" + one.fingerprint + "|" + (one.selfSigned ? "self-signed" : "signed");
            for (const std::string& name : one.names)
                out += "|" + name;
            out += "\n";
        }
        for (const std::string& warning : pair->warnings)
            out += "warning: " + warning + "\n";
        return out;
    }

    World& world_;
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
public:
    explicit Factory(World& world) : world_(world) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest& /*request*/) override {
        return new Handler(world_);
    }

private:
    World& world_;
};

int failWith(const std::string& words) {
    std::fprintf(stderr, "webui_tls_probe: %s\n", words.c_str());
    return 1;
}

int serve(const std::string& directory, World world, Limits limits, int threads) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd, 64) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return failWith("cannot listen for " + directory);
    Poco::ThreadPool pool("probe", 2, threads);
    auto* parameters = new Poco::Net::HTTPServerParams;  // owned by the server
    parameters->setKeepAlive(true);
    parameters->setMaxKeepAliveRequests(0);
    parameters->setKeepAliveTimeout(Poco::Timespan(3600, 0));  // rest() knows better
    parameters->setTimeout(Poco::Timespan(3600, 0));
    parameters->setThreadIdleTime(Poco::Timespan(0, 300'000));
    parameters->setMaxThreads(threads);
    parameters->setMaxQueued(64);
    const TlsListener listener(fd, {&world.context, [](const CurrentContext*) {}},
                               {&world.connections, [](Connections*) {}}, limits);
    Poco::Net::HTTPServer server(new Factory(world), pool, listener, parameters);
    server.start();
    std::printf("port %d\n", ::ntohs(address.sin_port));
    std::fflush(stdout);
    while (std::cin.get() != std::char_traits<char>::eof()) {
    }
    server.stop();
    world.connections.endAll();
    pool.joinAll();
    ::close(fd);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2)
        return failWith("DIRECTORY is missing; its source says how");
    Limits limits;
    limits.plain = true;
    Bounds bounds;
    Names names;
    std::chrono::milliseconds bodyTime{30'000};
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const std::size_t equals = word.find('=');
        const std::string key = word.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (key == "name")
            names.push_back(value);
        else if (key == "head-ms")
            limits.headTime = std::chrono::milliseconds(std::stol(value));
        else if (key == "idle-ms")
            limits.idleTime = std::chrono::milliseconds(std::stol(value));
        else if (key == "body-ms")
            bodyTime = std::chrono::milliseconds(std::stol(value));
        else if (key == "per-address")
            bounds.perAddress = std::stoul(value);
        else if (key == "threads")
            bounds.threads = std::stoul(value);
        else
            return failWith("unknown word " + word);
    }
    if (names.empty())
        names.emplace_back("localhost");
    CertificateStore store(argv[1]);
    const auto pair = store.open(names, kBuilt);
    if (!pair)
        return failWith(pair.error().text());
    const auto context = Context::make(pair->pem);
    if (!context)
        return failWith(context.error().text());
    CurrentContext current(*context);
    Connections connections(bounds);
    return serve(argv[1], {store, names, current, connections, bodyTime}, limits,
                 bounds.threads > 0 ? static_cast<int>(bounds.threads) : 16);
}
