#include "login.h"

#include <utility>

namespace muster::webui {

namespace {

constexpr std::chrono::seconds kBusy{5};  // Retry-After: two checks at once are through eight others by then

Login::Answer answer(Login::Outcome outcome, std::chrono::seconds wait = {}) {
    Login::Answer made;
    made.outcome = outcome;
    made.wait = wait;
    return made;
}

}  // namespace

Login::Answer Login::checkPassword(std::string_view name, std::string_view password, const Address& from, bool known) {
    auto admission = throttle_.reserve(from, name, known);
    if (!admission.attempt)
        return answer(Outcome::wait, admission.wait);
    const auto right = users_.checkPassword(name, password);
    if (!right) {
        admission.attempt->release();
        return answer(Outcome::busy, kBusy);
    }
    if (!*right)
        return answer(Outcome::wrong);
    admission.attempt->release();
    return answer(Outcome::in);
}

Login::Answer Login::confirm(std::string_view name, std::string_view password, const Address& from) {
    return checkPassword(name, password, from, users_.knows(name, sourceOf(from)));
}

Login::Answer Login::attempt(const Request& request) {
    const std::string source = sourceOf(request.from);
    const bool known = users_.knows(request.name, source);
    // Before the check: a change of the password meanwhile ends what begins here.
    auto account = users_.find(request.name);
    if (auto checked = checkPassword(request.name, request.password, request.from, known);
        checked.outcome != Outcome::in)
        return checked;
    if (!account)  // added meanwhile
        return answer(Outcome::wrong);
    if (account->hasTotp) {
        if (request.code.empty())
            return answer(Outcome::codeWanted);
        auto admission = throttle_.reserveCode(request.from, request.name, known);
        if (!admission.attempt)
            return answer(Outcome::wait, admission.wait);
        if (!users_.useTotp(request.name, request.code))
            return answer(Outcome::wrong);
        admission.attempt->release();
    }
    Answer made = answer(Outcome::in);
    if (auto recorded = users_.recordLogin(request.name, source); !recorded)
        made.notRecorded = recorded.error();
    made.session = sessions_.start(*account, source, request.userAgent, request.oldCookie);
    made.account = std::move(account);
    return made;
}

}  // namespace muster::webui
