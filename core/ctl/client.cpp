#include "ctl/client.h"

#include <cerrno>
#include <cstring>
#include <istream>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "Poco/Exception.h"
#include "Poco/Net/HTTPClientSession.h"
#include "Poco/Net/HTTPRequest.h"
#include "Poco/Net/HTTPResponse.h"
#include "Poco/Net/StreamSocket.h"
#include "Poco/Net/StreamSocketImpl.h"

namespace muster::ctl {

namespace {

constexpr int kPatience = 120;                        // seconds for an answer that has an end
constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;  // octets of one answer; lists come in pages
constexpr std::size_t kMaxLine = 1024 * 1024;

class Connected final : public Poco::Net::StreamSocketImpl {
public:
    explicit Connected(int fd) : StreamSocketImpl(fd) {}
    int sendBytes(const void* buffer, int length, int flags) override {
        return StreamSocketImpl::sendBytes(buffer, length, flags | MSG_NOSIGNAL);
    }

protected:
    ~Connected() override = default;
};

class Socket final : public Poco::Net::StreamSocket {
public:
    explicit Socket(int fd) : StreamSocket(new Connected(fd)) {}
};

Result<int> connectTo(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(Code::malformed, "control socket " + path, "the path is too long; use one below 108 octets");
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return fd;
    const int error = errno;
    if (fd >= 0)
        ::close(fd);
    const std::string subject = "control socket " + path;
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return fail(Code::missing, subject,
                        "there is none, so musterd is not running or listens elsewhere; start musterd, or say where "
                        "with --control PATH");
        case ECONNREFUSED:
            return fail(Code::missing, subject, "nobody answers, musterd has ended; start musterd again");
        case EACCES:
        case EPERM:
            return fail(Code::denied, subject,
                        "you may not open it; become root or join the group muster and log in again");
        default:
            return fail(Code::missing, subject, std::generic_category().message(error) + "; check --control PATH");
    }
}

}  // namespace

Result<Answer> Client::ask(const std::string& method, const std::string& target, const std::string& body) const {
    return exchange(method, target, body, nullptr);
}

Result<Answer> Client::watch(const std::string& target, const std::function<bool(std::string_view)>& line) const {
    return exchange("GET", target, "", &line);
}

Result<Answer> Client::exchange(const std::string& method, const std::string& target, const std::string& body,
                                const std::function<bool(std::string_view)>* line) const {
    const auto fd = connectTo(path_);
    if (!fd)
        return fail(fd.error());
    try {
        Socket socket(*fd);
        socket.setSendTimeout(Poco::Timespan(kPatience, 0));
        if (line == nullptr)
            socket.setReceiveTimeout(Poco::Timespan(kPatience, 0));
        Poco::Net::HTTPClientSession session(socket);
        Poco::Net::HTTPRequest request(method, "/api/v1" + target, Poco::Net::HTTPMessage::HTTP_1_1);
        request.set("Host", "localhost");
        request.setKeepAlive(false);
        if (!body.empty()) {
            request.setContentType("application/json");
            request.setContentLength(static_cast<std::streamsize>(body.size()));
        } else if (method != "GET") {
            request.setContentLength(0);
        }
        session.sendRequest(request) << body << std::flush;
        Poco::Net::HTTPResponse response;
        std::istream& in = session.receiveResponse(response);
        Answer answer;
        answer.status = static_cast<int>(response.getStatus());
        answer.contentType = response.getContentType();
        if (line != nullptr && answer.status < 400) {
            std::string text;
            for (int c = in.get(); c != std::char_traits<char>::eof(); c = in.get()) {
                if (c != '\n' && text.size() < kMaxLine) {
                    text.push_back(static_cast<char>(c));
                    continue;
                }
                if (!(*line)(text))
                    break;
                text.clear();
            }
            return answer;
        }
        std::vector<char> piece(std::size_t{64} * 1024);
        while (in.good()) {
            in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
            answer.body.append(piece.data(), static_cast<std::size_t>(in.gcount()));
            if (answer.body.size() > kMaxAnswer)
                return fail(Code::malformed, "answer", "longer than 64 MiB");
        }
        if (response.hasContentLength() &&
            answer.body.size() != static_cast<std::size_t>(response.getContentLength64()))
            return fail(Code::internal, "answer", "it broke off in the middle; look at the log of musterd");
        return answer;
    } catch (const Poco::TimeoutException&) {
        return fail(Code::timeout, "control socket " + path_,
                    "no answer within " + std::to_string(kPatience) + " s; look at the log of musterd");
    } catch (const Poco::Exception& error) {
        return fail(Code::internal, "control socket " + path_,
                    "the connection broke (" + error.displayText() + "); look at the log of musterd");
    }
}

}  // namespace muster::ctl
