/// One request to the daemon over its control socket.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "muster/json.h"
#include "muster/result.h"

namespace muster::ctl {

struct Answer {
    int status = 0;
    std::string contentType;
    std::string body;
};

/// @thread one; a connection per request
class Client {
public:
    explicit Client(std::string path) : path_(std::move(path)) {}

    /// @param target  below /api/v1, percent-encoded
    /// @param body    JSON; empty: none
    /// @error missing, denied  nobody answers, or the socket may not be opened: the detail says what to do
    /// @error timeout, internal  the connection broke
    Result<Answer> ask(const std::string& method, const std::string& target, const std::string& body) const;

    /// The same for an answer that does not end: `line` gets each line, and says whether to go on. An answer that is a
    /// problem comes back whole.
    Result<Answer> watch(const std::string& target, const std::function<bool(std::string_view)>& line) const;

    /// The same for an answer that is a file: `octets` gets it piece by piece, and says whether to go on. An answer
    /// that is a problem comes back whole. @error internal  it broke off in the middle: what came is not all
    Result<Answer> download(const std::string& method, const std::string& target, const std::string& body,
                            const std::function<bool(std::string_view)>& octets) const;

    /// Sends a file. @param size  of it, which is what `next` gives in all: up to `most` octets each time, 0 at its end
    Result<Answer> upload(const std::string& method, const std::string& target, std::int64_t size,
                          const std::function<std::size_t(char* into, std::size_t most)>& next) const;

    const std::string& path() const noexcept { return path_; }

private:
    struct Exchange;
    Result<Answer> exchange(const Exchange& what) const;

    std::string path_;
};

}  // namespace muster::ctl
