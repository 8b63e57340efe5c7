#include "http/message.h"

#include <istream>
#include <vector>

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

std::optional<FrontAnswer> judgeHead(const Poco::Net::HTTPServerRequest& request, std::size_t maxBody) {
    if (headSize(request) > kMaxHead)
        return refuse(431, {Code::malformed, "head", "longer than 16 KiB; send shorter headers or a shorter address"});
    if (request.getVersion() != HTTPMessage::HTTP_1_1 && request.getVersion() != HTTPMessage::HTTP_1_0)
        return refuse(505, {Code::malformed, "version", "HTTP/1.1 is spoken here; ask by that"});
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
    if (std::stoull(length) > maxBody)
        return refuse(413, {Code::malformed, "body",
                            length + " octets found, " + std::to_string(maxBody) + " allowed; send less"});
    return std::nullopt;
}

std::optional<std::string> readBody(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response,
                                    std::size_t maxBody, FrontAnswer& refusal) {
    if (request.getExpectContinue())
        response.sendContinue();
    std::string body;
    const auto length = request.getContentLength64();
    if (length <= 0 && !request.getChunkedTransferEncoding())
        return body;
    std::istream& in = request.stream();
    std::vector<char> piece(std::size_t{8} * 1024);
    while (in.good() && body.size() <= maxBody) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        body.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (body.size() > maxBody)
        refusal =
            refuse(413, {Code::malformed, "body", "longer than " + std::to_string(maxBody) + " octets; send less"});
    else if (length > 0 && body.size() != static_cast<std::size_t>(length))
        refusal = refuse(400, {Code::malformed, "body", "ended before its Content-Length; send it whole"});
    else
        return body;
    return std::nullopt;
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
