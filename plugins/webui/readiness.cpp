#include "readiness.h"

#include <algorithm>

#include "api/json_text.h"

namespace muster::webui {

namespace {

constexpr std::chrono::seconds kKept{1};
constexpr std::size_t kMaxAnswer = std::size_t{4} * 1024 * 1024;

/// Nothing: the table does not answer, or with something else.
Json asked(Host& host, std::string_view target) {
    const FrontAnswer answer = host.serve(
        {.method = "GET", .target = target, .contentType = {}, .body = {}, .caller = {"readyz", Role::viewer, "web"}});
    if (answer.status != 200)
        return {};
    return api::parseJson(answer.body, kMaxAnswer).value_or(Json{});
}

std::string_view word(const Json& of, std::string_view member) {
    const Json* const found = of.find(member);
    return found != nullptr && found->string() != nullptr ? std::string_view(*found->string()) : std::string_view();
}

bool isEmptyList(const Json& of, std::string_view member) {
    const Json* const found = of.find(member);
    return found == nullptr || found->array() == nullptr || found->array()->empty();
}

/// As the relay itself judges it: nobody has taken it away, its name is known, and it is not known to be down.
bool canBeAsked(const Json& upstream) {
    return word(upstream, "state") != "maintenance" && word(upstream, "condition") != "down" &&
           !isEmptyList(upstream, "addresses");
}

}  // namespace

std::string Readiness::problem() {
    const std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() >= until_) {
        problem_ = find();
        until_ = std::chrono::steady_clock::now() + kKept;
    }
    return problem_;
}

std::string Readiness::find() const {
    if (host_.mode() == Mode::none)
        return "no mode is chosen yet; choose one on the page or with \"musterctl mode set\"";
    const Json status = asked(host_, "/status");
    const Json* const ready = status.find("ready");
    if (ready == nullptr || ready->boolean() == nullptr || !*ready->boolean())
        return "the daemon is about to begin or to end; ask again";
    if (isEmptyList(status, "listening"))
        return "no address is listened on for clients; see \"musterctl status\"";
    if (host_.mode() == Mode::lab) {
        const std::string_view store = word(status, "store");
        if (store != "ok" && store != "off")
            return "what the lab counts cannot be kept, clients get a fault; see \"musterctl status\"";
        return {};
    }
    const Json upstreams = asked(host_, "/upstreams");
    const Json* const items = upstreams.find("items");
    if (items == nullptr || items->array() == nullptr)
        return "the relay is not in service, clients get a fault; see \"musterctl plugin list\"";
    if (std::none_of(items->array()->begin(), items->array()->end(), canBeAsked))
        return "no licensed host can be asked, clients get a fault; see \"musterctl upstream list\"";
    return {};
}

}  // namespace muster::webui
