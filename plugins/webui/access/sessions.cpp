#include "sessions.h"

#include <algorithm>
#include <iterator>

#include "api/json_text.h"
#include "api/text.h"
#include "members.h"
#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::size_t kSecret = 32;  // octets
constexpr std::size_t kIdOctets = 8;
constexpr std::size_t kCookieText = 43;  // characters
constexpr std::size_t kLongestId = 128;  // octets of an id, a name, an address
constexpr std::uint64_t kVersion = 1;    // of what freeze() gives

/// Made from the cookie, so that nothing more need be kept: who has the one may have the other.
std::string csrfOf(std::string_view cookie) {
    return api::base64Url(hmacSha256(cookie, "muster csrf"));
}

std::string idOf(std::string_view hash) {
    return hex(hash.substr(0, kIdOctets));
}

/// The hash of what may be a cookie; nothing for what is none.
std::optional<std::string> hashOf(std::string_view cookie) {
    return cookie.size() == kCookieText ? std::optional(sha256(cookie)) : std::nullopt;
}

}  // namespace

Sessions::Sessions(LookUp lookUp, Clocks clocks, Limits limits)
    : lookUp_(std::move(lookUp)), clocks_(std::move(clocks)), limits_(limits) {}

bool Sessions::isOver(const Session& session, Monotonic now) const {
    return now - session.used >= limits_.idle || now - session.began >= limits_.absolute;
}

Sessions::List::iterator Sessions::erase(List::iterator session) {
    byHash_.erase(session->hash);
    return sessions_.erase(session);
}

bool Sessions::eraseHash(const std::string& hash) {
    const auto found = byHash_.find(hash);
    if (found == byHash_.end())
        return false;
    erase(found->second);
    return true;
}

void Sessions::removeOver(Monotonic now) {
    for (auto session = sessions_.begin(); session != sessions_.end();)
        session = isOver(*session, now) ? erase(session) : std::next(session);
}

void Sessions::makeRoom(std::string_view userId) {
    const auto isTheirs = [&](const Session& session) { return session.userId == userId; };
    while (static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), isTheirs)) >= limits_.perUser &&
           limits_.perUser > 0)
        erase(std::find_if(sessions_.begin(), sessions_.end(), isTheirs));
    while (sessions_.size() >= limits_.all && !sessions_.empty())
        erase(sessions_.begin());
}

Sessions::Started Sessions::start(const Account& account, std::string_view source, std::string_view userAgent,
                                  std::string_view oldCookie) {
    Started started;
    started.cookie = api::base64Url(randomOctets(kSecret));
    started.csrf = csrfOf(started.cookie);
    Session session;
    session.hash = sha256(started.cookie);
    started.id = idOf(session.hash);
    session.userId = account.id;
    session.user = account.name;
    session.source = source;
    session.userAgent = userAgent.substr(0, kMaxUserAgent);
    session.stamp = account.stamp;
    session.created = session.lastUsed = clocks_.wall();
    const auto old = hashOf(oldCookie);

    const std::lock_guard lock(mutex_);
    session.began = session.used = clocks_.steady();
    if (old)
        eraseHash(*old);
    removeOver(session.used);
    makeRoom(account.id);
    sessions_.push_back(std::move(session));
    byHash_.emplace(sessions_.back().hash, std::prev(sessions_.end()));
    return started;
}

std::optional<Sessions::Access> Sessions::use(std::string_view cookie) {
    const auto hash = hashOf(cookie);
    if (!hash)
        return std::nullopt;
    std::string userId;
    std::uint64_t stamp = 0;
    {
        const std::lock_guard lock(mutex_);
        const auto found = byHash_.find(*hash);
        if (found == byHash_.end())
            return std::nullopt;
        const Monotonic now = clocks_.steady();
        if (isOver(*found->second, now)) {
            erase(found->second);
            return std::nullopt;
        }
        userId = found->second->userId;
        stamp = found->second->stamp;
    }
    auto account = lookUp_(userId);
    const bool holds = account && !account->disabled && account->stamp == stamp;
    const Timestamp wall = clocks_.wall();
    const std::lock_guard lock(mutex_);
    const auto found = byHash_.find(*hash);
    if (found == byHash_.end())  // ended meanwhile
        return std::nullopt;
    if (!holds) {
        erase(found->second);
        return std::nullopt;
    }
    found->second->used = clocks_.steady();
    found->second->lastUsed = wall;
    sessions_.splice(sessions_.end(), sessions_, found->second);
    return Access{std::move(*account), idOf(*hash), csrfOf(cookie)};
}

bool Sessions::csrfMatches(std::string_view cookie, std::string_view token) {
    return cookie.size() == kCookieText && sameSecret(csrfOf(cookie), token);
}

std::vector<Sessions::View> Sessions::list() {
    std::vector<View> views;
    std::vector<std::uint64_t> stamps;
    {
        const std::lock_guard lock(mutex_);
        removeOver(clocks_.steady());
        for (auto session = sessions_.rbegin(); session != sessions_.rend(); ++session) {
            views.push_back({idOf(session->hash), session->userId, session->user, session->source, session->userAgent,
                             session->created, session->lastUsed});
            stamps.push_back(session->stamp);
        }
    }
    std::vector<View> holding;
    for (std::size_t i = 0; i < views.size(); ++i) {
        const auto account = lookUp_(views[i].userId);
        if (account && !account->disabled && account->stamp == stamps[i])
            holding.push_back(std::move(views[i]));
    }
    return holding;
}

bool Sessions::end(std::string_view cookie) {
    const auto hash = hashOf(cookie);
    const std::lock_guard lock(mutex_);
    return hash && eraseHash(*hash);
}

bool Sessions::endById(std::string_view id, std::string_view userId) {
    const std::lock_guard lock(mutex_);
    for (auto session = sessions_.begin(); session != sessions_.end(); ++session)
        if (idOf(session->hash) == id && (userId.empty() || session->userId == userId)) {
            erase(session);
            return true;
        }
    return false;
}

std::size_t Sessions::endAllOf(std::string_view userId) {
    const std::lock_guard lock(mutex_);
    const std::size_t before = sessions_.size();
    for (auto session = sessions_.begin(); session != sessions_.end();)
        session = session->userId == userId ? erase(session) : std::next(session);
    return before - sessions_.size();
}

std::string Sessions::freeze() {
    Json::Array all;
    const std::lock_guard lock(mutex_);
    const Monotonic now = clocks_.steady();
    removeOver(now);
    const auto age = [&](Monotonic then) {
        return std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(now - then).count()};
    };
    for (const Session& session : sessions_)
        all.push_back(json({{"hash", hex(session.hash)},
                            {"user_id", session.userId},
                            {"user", session.user},
                            {"source", session.source},
                            {"agent", session.userAgent},
                            {"stamp", session.stamp},
                            {"created", timeJson(session.created)},
                            {"last_used", timeJson(session.lastUsed)},
                            {"age", age(session.began)},
                            {"rested", age(session.used)}}));
    return api::dumpJson(
        json({{"version", kVersion}, {"frozen", timeJson(clocks_.wall())}, {"sessions", Json(std::move(all))}}));
}

Result<std::size_t> Sessions::thaw(std::string_view text) {
    auto parsed = api::parseJson(text, kMaxFrozenText);
    if (!parsed)
        return fail(parsed.error());
    Members members(*parsed);
    if (members.number("version") != kVersion)
        members.refuse("version", "is another one");
    const auto asleep = clocks_.wall() - members.time("frozen");
    if (asleep < -kMaxFrozen || asleep > kMaxFrozen)  // also where a clock was set meanwhile
        members.refuse("frozen", "is too long ago");
    const Monotonic now = clocks_.steady();
    const auto before = [&](std::uint64_t seconds) {
        const auto most = static_cast<std::uint64_t>(std::chrono::seconds(limits_.absolute).count());
        return now - std::chrono::seconds(std::min(seconds, most)) - std::max(asleep, decltype(asleep)(0));
    };
    List thawed;
    for (const Json& value : members.list("sessions", limits_.all)) {
        Members one(value);
        Session session;
        session.hash = fromHex(one.text("hash", 2 * kSecret)).value_or("");
        session.userId = one.text("user_id", kLongestId);
        session.user = one.text("user", kLongestId);
        session.source = one.text("source", kLongestId);
        session.userAgent = one.text("agent", kMaxUserAgent);
        session.stamp = one.number("stamp");
        session.created = one.time("created");
        session.lastUsed = one.time("last_used");
        session.began = before(one.number("age"));
        session.used = before(one.number("rested"));
        if (session.hash.size() != kSecret)
            one.refuse("hash", "is not 64 hexadecimal digits");
        if (auto done = one.done(); !done)
            return fail(done.error());
        thawed.push_back(std::move(session));
    }
    if (auto done = members.done(); !done)
        return fail(done.error());
    const std::lock_guard lock(mutex_);
    for (auto session = thawed.begin(); session != thawed.end();) {
        const auto next = std::next(session);
        if (!isOver(*session, now) && byHash_.find(session->hash) == byHash_.end()) {
            sessions_.splice(sessions_.end(), thawed, session);
            byHash_.emplace(session->hash, session);
        }
        session = next;
    }
    return sessions_.size();
}

void Sessions::setLimits(Limits limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

}  // namespace muster::webui
