/// Operations: what can be asked of a running appliance. Core and plugins register them; front ends only carry them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"
#include "muster/result.h"
#include "muster/schema.h"

namespace muster {

/// In this order: each may what those before it may. none: whoever asks, without a login.
enum class Role : std::uint8_t { none, viewer, operator_, admin };

struct Operation {
    std::string_view method = {};   ///< "GET", "POST", "PUT", "PATCH", "DELETE"
    std::string_view path = {};     ///< below /api/v1: "/clients/{cmid}"
    Role role = Role::admin;        ///< the least role that may
    std::string_view cli = {};      ///< words for musterctl: "client show"; empty: not offered there
    std::string_view summary = {};  ///< one sentence
    Fields path_ = {};              ///< fields of the {…} parts, in their order: musterctl's positional arguments
    Fields query = {};              ///< query parameters: musterctl's options
    Fields body = {};               ///< members of the JSON body: positional where required, else options
    Fields answer = {};             ///< members of the answer, or of each item of a list
    bool list = false;              ///< the answer is {"items": […], "next": cursor or null}
    bool text = false;              ///< the answer is text/plain, printed as it is
    bool changes = true;  ///< false: although no GET it changes nothing, and is not in the audit log when done
    bool stream = false;  ///< the answer is application/x-ndjson, one object a line, until the peer goes
    bool file = false;    ///< the answer is Reply::file; `answer` is empty
    /// Above 0: the request's body is a file of at most so many octets, read through Call::upload; `body` is empty.
    std::int64_t upload = 0;
    std::string_view confirm = {};  ///< question that a person answers before it is done; empty: none
};

/// Who asks. Filled by the front end after its own login.
struct Caller {
    std::string name;  ///< "uid 0", "alice", "token backup": goes into the audit log
    Role role = Role::none;
    std::string front;         ///< "control", "web"
    std::string source = {};   ///< address that it came from; empty: this machine
    std::string agent = {};    ///< what the program says of itself; for people, proves nothing
    std::string session = {};  ///< the front end's own name of the login; empty: there is none
};

/// Octets that come in: the body of a request. @thread the handler's
class OctetSource {
public:
    virtual ~OctetSource() = default;
    /// How many there are in all, as the peer says; below 0: it does not say.
    virtual std::int64_t announced() const noexcept = 0;
    /// Waits for the next ones. @param most  at least 1  @return how many were read; 0 at the end
    /// @error malformed  it ended before its time  @error timeout  the peer is too slow
    virtual Result<std::size_t> read(char* into, std::size_t most) = 0;
};

/// Octets that go out: a file that is fetched. @thread the front end's
class OctetSink {
public:
    virtual ~OctetSink() = default;
    /// False when the peer has gone or the appliance stops: return then.
    virtual bool write(std::string_view octets) = 0;
};

/// One call of an operation. All parameters are validated against the schemas before the handler sees them.
struct Call {
    Caller caller;
    Json path;                      ///< object
    Json query;                     ///< object, defaults filled in
    Json body;                      ///< object or null
    OctetSource* upload = nullptr;  ///< with Operation::upload, which the source keeps to; never null then

    /// Text of a parameter by name, looked up in path, query and body; empty if absent.
    std::string_view text(std::string_view name) const noexcept;
    std::int64_t integer(std::string_view name, std::int64_t fallback) const noexcept;
    bool flag(std::string_view name) const noexcept;
};

/// Where a streaming answer goes.
class Sink {
public:
    virtual ~Sink() = default;
    /// One object, one line. False when the peer has gone or the appliance stops: return then.
    virtual bool write(const Json& line) = 0;
    /// Waits for up to a second; false as above. For streams with nothing to say.
    virtual bool idle() = 0;
};

/// An answer that is a file.
struct File {
    std::string mediaType = {};  ///< "text/csv; charset=utf-8"
    std::string name = {};       ///< that it is kept under: of letters, digits, '.', '-', '_'
    std::int64_t size = -1;      ///< octets; below 0: not known before it is written
    /// Called once, after the head of the answer. An error, or what it throws, cuts the answer off, so that the peer
    /// sees that it is not whole.
    std::function<Result<void>(OctetSink&)> write = {};
};

struct Reply {
    int status = 200;
    Json body;
    std::string text;  ///< with Operation::text; else, when not empty: `body` as written JSON
    std::vector<std::pair<std::string, std::string>> headers = {};  ///< of the answer, beside the front end's own
    std::function<void(Sink&)> stream;                              ///< with Operation::stream
    File file = {};                                                 ///< with Operation::file
    /// For the audit log: what was changed, as it was and as it is. Without secrets; never part of the answer. Without
    /// `after` the log has the request's body, its secrets masked.
    Json before = {};
    Json after = {};

    Reply() = default;
    Reply(Json json) : body(std::move(json)) {}
};

/// A handler runs on a thread of the front end, several at a time. It answers, or throws Fault (which becomes a
/// problem+json of the same code), or returns an Error.
using Handler = std::function<Result<Reply>(const Call&)>;

}  // namespace muster
