#include "api/problem.h"

namespace muster::api {

namespace {

constexpr std::size_t kMaxErrors = 50;  // of one answer: nobody reads more, and a request may hold a thousand

const char* title(Code code) noexcept {
    switch (code) {
        case Code::malformed:
            return "The request is not valid";
        case Code::denied:
            return "Not allowed";
        case Code::duplicate:
            return "Already there";
        case Code::missing:
            return "Not there";
        case Code::timeout:
            return "Not done in time";
        case Code::incompatible:
            return "Does not fit";
        case Code::internal:
            return "Muster's own mistake";
        case Code::busy:
            return "Not now";
        case Code::storage:
            return "Disk or database trouble";
        case Code::conflict:
            return "Changed meanwhile";
        case Code::unauthenticated:
            return "Not logged in";
    }
    return "Muster's own mistake";
}

}  // namespace

std::string Finding::text() const {
    std::string out = where.empty() ? "" : where + ": ";
    out += name.empty() ? "" : name + ": ";
    return out + found + " found, " + allowed + " allowed";
}

int status(Code code) noexcept {
    switch (code) {
        case Code::malformed:
            return 400;
        case Code::unauthenticated:
            return 401;
        case Code::denied:
            return 403;
        case Code::missing:
            return 404;
        case Code::duplicate:
        case Code::conflict:
            return 409;
        case Code::incompatible:
            return 422;
        case Code::busy:
        case Code::storage:
            return 503;
        case Code::timeout:
            return 504;
        case Code::internal:
            return 500;
    }
    return 500;
}

Json problem(const Error& error, const std::vector<Finding>& findings) {
    std::string detail = error.text();
    std::string hint;
    if (const std::size_t split = detail.rfind("; "); split != std::string::npos && split + 2 < detail.size()) {
        hint = detail.substr(split + 2);
        detail.resize(split);
    }
    Json out = json({{"type", std::string("urn:muster:problem:") + muster::name(error.code)},
                     {"title", title(error.code)},
                     {"status", status(error.code)},
                     {"code", muster::name(error.code)},
                     {"detail", detail}});
    if (!hint.empty())
        out.set("hint", hint);
    if (!findings.empty()) {
        Json::Array errors;
        for (const Finding& finding : findings) {
            if (errors.size() == kMaxErrors)
                break;
            Json item = json({{"name", finding.name}, {"found", finding.found}, {"allowed", finding.allowed}});
            if (!finding.where.empty())
                item.set("where", finding.where);
            errors.push_back(std::move(item));
        }
        out.set("errors", std::move(errors));
    }
    return out;
}

Reply problemReply(const Error& error, const std::vector<Finding>& findings) {
    Reply reply(problem(error, findings));
    reply.status = status(error.code);
    return reply;
}

}  // namespace muster::api
