#include "ctl/client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <istream>
#include <ostream>
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
constexpr std::size_t kPiece = std::size_t{64} * 1024;

class Connected final : public Poco::Net::StreamSocketImpl {
public:
    explicit Connected(int fd) : StreamSocketImpl(fd) {}
    int sendBytes(const void* buffer, int length, int flags) override {
        return StreamSocketImpl::sendBytes(buffer, length, flags | MSG_NOSIGNAL);
    }
    int receiveBytes(void* buffer, int length, int flags) override {
        const int read = StreamSocketImpl::receiveBytes(buffer, length, flags);
        if (read > 0 && (flags & MSG_PEEK) == 0) {
            tail_.append(static_cast<const char*>(buffer), static_cast<std::size_t>(read));
            tail_.erase(0, tail_.size() - std::min(tail_.size(), kLastChunk.size()));
        }
        return read;
    }
    /// POCO takes chunks that break off for chunks that ended.
    bool endedAsChunks() const noexcept { return tail_ == kLastChunk; }

protected:
    ~Connected() override = default;

private:
    static constexpr std::string_view kLastChunk = "0\r\n\r\n";
    std::string tail_;
};

class Socket final : public Poco::Net::StreamSocket {
public:
    explicit Socket(int fd) : StreamSocket(new Connected(fd)) {}
    bool endedAsChunks() const { return dynamic_cast<const Connected&>(*impl()).endedAsChunks(); }
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

/// One exchange in all its forms.
struct Client::Exchange {
    const std::string& method;
    const std::string& target;
    const std::string& body;
    const std::function<bool(std::string_view)>* line = nullptr;    ///< gets the lines of an answer that does not end
    const std::function<bool(std::string_view)>* octets = nullptr;  ///< gets the pieces of an answer that is a file
    std::int64_t size = -1;                                         ///< of what `next` gives; below 0: `body` is sent
    const std::function<std::size_t(char*, std::size_t)>* next = nullptr;
};

Result<Answer> Client::ask(const std::string& method, const std::string& target, const std::string& body) const {
    return exchange({.method = method, .target = target, .body = body});
}

Result<Answer> Client::watch(const std::string& target, const std::function<bool(std::string_view)>& line) const {
    return exchange({.method = "GET", .target = target, .body = "", .line = &line});
}

Result<Answer> Client::download(const std::string& method, const std::string& target, const std::string& body,
                                const std::function<bool(std::string_view)>& octets) const {
    return exchange({.method = method, .target = target, .body = body, .octets = &octets});
}

Result<Answer> Client::upload(const std::string& method, const std::string& target, std::int64_t size,
                              const std::function<std::size_t(char*, std::size_t)>& next) const {
    return exchange({.method = method, .target = target, .body = "", .size = size, .next = &next});
}

namespace {

/// @return  false: not all of it was sent, since the daemon has answered already, or the file ended early
bool send(std::ostream& out, std::int64_t size, const std::function<std::size_t(char*, std::size_t)>& next) {
    std::vector<char> piece(kPiece);
    while (size > 0) {
        const std::size_t read = next(piece.data(), std::min(piece.size(), static_cast<std::size_t>(size)));
        if (read == 0 || !out.write(piece.data(), static_cast<std::streamsize>(read)))
            return false;
        size -= static_cast<std::int64_t>(read);
    }
    return static_cast<bool>(out.flush());
}

void readLines(std::istream& in, const std::function<bool(std::string_view)>& line) {
    std::string text;
    for (int c = in.get(); c != std::char_traits<char>::eof(); c = in.get()) {
        if (c != '\n' && text.size() < kMaxLine) {
            text.push_back(static_cast<char>(c));
            continue;
        }
        if (!line(text))
            return;
        text.clear();
    }
}

}  // namespace

Result<Answer> Client::exchange(const Exchange& what) const {
    const auto fd = connectTo(path_);
    if (!fd)
        return fail(fd.error());
    try {
        Socket socket(*fd);
        socket.setSendTimeout(Poco::Timespan(kPatience, 0));
        if (what.line == nullptr)
            socket.setReceiveTimeout(Poco::Timespan(kPatience, 0));
        Poco::Net::HTTPClientSession session(socket);
        Poco::Net::HTTPRequest request(what.method, "/api/v1" + what.target, Poco::Net::HTTPMessage::HTTP_1_1);
        request.set("Host", "localhost");
        request.setKeepAlive(false);
        if (what.size >= 0) {
            request.setContentType("application/octet-stream");
            request.setContentLength64(what.size);
            request.setExpectContinue(true);  // who refuses it says so before it is sent
        } else if (!what.body.empty()) {
            request.setContentType("application/json");
            request.setContentLength(static_cast<std::streamsize>(what.body.size()));
        } else if (what.method != "GET") {
            request.setContentLength(0);
        }
        std::ostream& out = session.sendRequest(request);
        Poco::Net::HTTPResponse response;
        if (what.next == nullptr)
            out << what.body << std::flush;
        else if (session.peekResponse(response))
            send(out, what.size, *what.next);  // cut short: the answer says why
        std::istream& in = session.receiveResponse(response);
        Answer answer;
        answer.status = static_cast<int>(response.getStatus());
        answer.contentType = response.getContentType();
        if (what.line != nullptr && answer.status < 400) {
            readLines(in, *what.line);
            return answer;
        }
        const bool isFile = what.octets != nullptr && answer.status < 400;
        std::int64_t came = 0;
        std::vector<char> piece(kPiece);
        while (in.good()) {
            in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
            const std::string_view read(piece.data(), static_cast<std::size_t>(in.gcount()));
            came += static_cast<std::int64_t>(read.size());
            if (isFile && !(*what.octets)(read))
                return answer;
            if (isFile)
                continue;
            answer.body += read;
            if (answer.body.size() > kMaxAnswer)
                return fail(Code::malformed, "answer", "longer than 64 MiB");
        }
        const bool whole = response.hasContentLength()
                               ? came == response.getContentLength64()
                               : !response.getChunkedTransferEncoding() || socket.endedAsChunks();
        if (!whole)
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
