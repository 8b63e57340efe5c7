#include "http/message.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <istream>
#include <string_view>

#include "api/json_text.h"
#include "api/problem.h"

namespace muster::http {

namespace {

using Poco::Net::HTTPMessage;

std::size_t headSize(const Poco::Net::HTTPServerRequest& request) {
    std::size_t size = request.getMethod().size() + request.getURI().size() + request.getVersion().size() + 4;
    for (const auto& [name, value] : request)
        size += name.size() + value.size() + 4;
    return size;
}

/// RFC 9110 5.1 and 5.5. "Content-Length : 5" is read by some and not by others, as is what follows a NUL.
bool isHeader(std::string_view name, std::string_view value) noexcept {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
        return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
    }) && std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7F; });
}

std::size_t count(const Poco::Net::HTTPServerRequest& request, const char* name) {
    std::size_t number = 0;
    for (auto entry = request.find(name); entry != request.end() && Poco::icompare(entry->first, name) == 0; ++entry)
        ++number;
    return number;
}

}  // namespace

FrontAnswer refuse(int status, const Error& error) {
    Json body = api::problem(error);
    body.set("status", status);
    FrontAnswer answer;
    answer.status = status;
    answer.contentType = "application/problem+json";
    answer.body = api::dumpJson(body);
    return answer;
}

std::optional<FrontAnswer> judgeHead(const Poco::Net::HTTPServerRequest& request) {
    if (headSize(request) > kMaxHead)
        return refuse(431, {Code::malformed, "head", "longer than 16 KiB; send shorter headers or a shorter address"});
    if (request.getVersion() != HTTPMessage::HTTP_1_1 && request.getVersion() != HTTPMessage::HTTP_1_0)
        return refuse(505, {Code::malformed, "version", "HTTP/1.1 is spoken here; ask by that"});
    if (!std::all_of(request.begin(), request.end(),
                     [](const auto& header) { return isHeader(header.first, header.second); }))
        return refuse(400,
                      {Code::malformed, "head", "a header has a name that is none, or a control character; mend it"});
    // RFC 9112 3.2: what is not for one host is for none.
    if (const auto hosts = count(request, "Host");
        hosts > 1 || (hosts == 0 && request.getVersion() == HTTPMessage::HTTP_1_1))
        return refuse(400, {Code::malformed, "Host", std::to_string(hosts) + " found, one wanted; send it once"});
    const bool chunked = request.has(HTTPMessage::TRANSFER_ENCODING);
    // Two readings of where the body ends are how one request is smuggled behind another.
    if (count(request, "Content-Length") > 1 || count(request, "Transfer-Encoding") > 1 ||
        (chunked && request.has(HTTPMessage::CONTENT_LENGTH)))
        return refuse(400, {Code::malformed, "Content-Length",
                            "more than one length found, one allowed; send Content-Length once, or chunks"});
    if (chunked && !request.getChunkedTransferEncoding())
        return refuse(501, {Code::malformed, "Transfer-Encoding",
                            "only chunked is spoken here; send the body plain or in chunks"});
    const std::string length = request.get(HTTPMessage::CONTENT_LENGTH, "0");
    if (length.empty() || length.size() > 18 || length.find_first_not_of("0123456789") != std::string::npos)
        return refuse(400, {Code::malformed, "Content-Length", "is no length; send the number of octets"});
    return std::nullopt;
}

void holdContinue(const Poco::Net::HTTPServerRequest& request) {
    if (request.getExpectContinue())
        request.response().setStatus(
            Poco::Net::HTTPResponse::HTTP_EXPECTATION_FAILED);  // writeHead() sets the real one
}

RequestBody::RequestBody(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response,
                         std::function<void()> allow)
    : request_(request),
      response_(response),
      allow_(std::move(allow)),
      announced_(request.getChunkedTransferEncoding() ? -1 : std::max<std::int64_t>(0, request.getContentLength64())),
      finished_(announced_ == 0) {}

Result<std::size_t> RequestBody::read(char* into, std::size_t most) {
    if (finished_)
        return std::size_t{0};
    if (!begun_) {
        begun_ = true;
        allow_();
        if (request_.getExpectContinue())
            response_.sendContinue();
    } else if (piece_ >= kPiece) {
        piece_ = 0;
        allow_();
    }
    std::istream& in = request_.stream();
    in.read(into, static_cast<std::streamsize>(most));
    const auto read = static_cast<std::size_t>(in.gcount());
    came_ += static_cast<std::int64_t>(read);
    piece_ += read;
    if (announced_ >= 0 ? came_ == announced_ : !in.good() && !in.bad())
        finished_ = true;
    else if (!in.good())
        return fail(Code::malformed, "body", "ended before its Content-Length, or came too slowly; send it whole");
    return read;
}

void RequestBody::discard() noexcept {
    if (announced_ > static_cast<std::int64_t>(kPiece) || (!begun_ && request_.getExpectContinue()))
        return;  // it is too much, or waits for a word to be sent at all
    try {
        std::array<char, 4096> piece{};
        for (std::size_t all = 0; all < kPiece && !finished_;) {
            const auto some = read(piece.data(), piece.size());
            if (!some)
                return;
            all += *some;
        }
    } catch (const std::exception&) {
        // The peer is gone, or too slow: its connection ends.
    }
}

void writeHead(Poco::Net::HTTPServerResponse& response, const FrontAnswer& answer) {
    response.setVersion(HTTPMessage::HTTP_1_1);  // POCO would echo whatever the request said
    response.setStatusAndReason(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(answer.status));
    if (!answer.contentType.empty())
        response.setContentType(answer.contentType);
    for (const auto& [name, value] : answer.headers)
        response.add(name, value);
}

}  // namespace muster::http
