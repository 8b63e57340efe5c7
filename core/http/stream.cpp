#include "http/stream.h"

#include <ostream>
#include <poll.h>
#include <sys/socket.h>

#include "api/json_text.h"

namespace muster::http {

namespace {

constexpr int kHeartbeat = 15;  // seconds: shorter than what proxies and browsers wait

}  // namespace

bool PeerStream::write(const Json& line) {
    if (stopping_ || !out_.good())
        return false;
    quiet_ = 0;
    if (form_ == Form::events) {
        // What a reader gives back as Last-Event-ID when it comes again.
        if (const Json* number = line.find("seq"); number != nullptr)
            out_ << "id: " << api::dumpJson(*number) << '\n';
        out_ << "data: ";
    }
    out_ << api::dumpJson(line) << (form_ == Form::events ? "\n\n" : "\n") << std::flush;
    return out_.good();
}

bool PeerStream::idle() {
    pollfd watched[] = {{fd_, POLLIN | POLLRDHUP, 0}, {wake_, POLLIN, 0}};
    ::poll(watched, 2, 1000);
    if (stopping_ || !out_.good() || (watched[0].revents & (POLLERR | POLLHUP | POLLRDHUP | POLLNVAL)) != 0)
        return false;
    if ((watched[0].revents & POLLIN) != 0)
        return false;  // nothing more was to come but its goodbye
    if (form_ == Form::events && ++quiet_ >= kHeartbeat) {
        quiet_ = 0;
        out_ << ":\n\n" << std::flush;
    }
    return out_.good();
}

bool PeerFile::write(std::string_view octets) {
    if (stopping_ || !out_.good())
        return false;
    out_.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    return out_.good();
}

Result<void> sendFile(Poco::Net::HTTPServerResponse& response, const FrontAnswer& answer, int fd,
                      const std::atomic<bool>& stopping) {
    if (answer.size >= 0)
        response.setContentLength64(answer.size);
    else
        response.setChunkedTransferEncoding(true);
    std::ostream& out = response.send();
    PeerFile sink(out, stopping);
    auto written = [&]() -> Result<void> {
        try {
            return answer.file(sink);
        } catch (const std::exception& error) {
            return fail(Code::internal, "file", error.what());
        }
    }();
    out.flush();
    if (!written || stopping)
        ::shutdown(fd, SHUT_RDWR);
    return written;
}

}  // namespace muster::http
