#include "http/stream.h"

#include <ostream>
#include <poll.h>

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

}  // namespace muster::http
