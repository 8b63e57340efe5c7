#include "served_certificate.h"

#include <utility>

#include "events.h"

namespace muster::webui {

namespace {

/// So long before its end an uploaded certificate is a matter for people: an authority may take weeks.
constexpr std::chrono::days kWarnBefore{30};
constexpr std::chrono::hours kRetry{1};

std::string dateOf(Timestamp time) {
    return isoTime(time).substr(0, 10);
}

}  // namespace

ServedCertificate::ServedCertificate(Host& host, std::string directory, std::function<tls::Names()> names,
                                     Timestamp built, std::function<Timestamp()> now)
    : host_(host), store_(std::move(directory)), names_(std::move(names)), built_(built), now_(std::move(now)) {
    bool made = false;
    auto pair = store_.open(names_(), beginOfOwn(), made);
    if (!pair)
        throw Fault(pair.error());
    auto context = tls::Context::make(pair->pem);
    if (!context)
        throw Fault(context.error());
    context_ = std::make_shared<tls::CurrentContext>(std::move(*context));
    served_ = pair->chain.front();
    own_ = pair->own;
    if (made)
        host_.event(kCertificateMade, json({{"fingerprint", served_.fingerprint}}));
    look();
}

std::string ServedCertificate::fingerprint() const {
    const std::lock_guard lock(mutex_);
    return served_.fingerprint;
}

Timestamp ServedCertificate::beginOfOwn() const {
    return tls::beginOfOwn(built_, now_());
}

Result<ServedCertificate::View> ServedCertificate::view() {
    const std::lock_guard lock(mutex_);
    auto pair = store_.read();
    if (!pair)
        return fail(pair.error());
    return viewOf(std::move(*pair));
}

Result<ServedCertificate::View> ServedCertificate::change(const std::string& who, const Change& how) {
    {
        const std::lock_guard lock(mutex_);
        auto pair = how(store_);
        if (!pair)
            return fail(pair.error());
        if (auto served = serve(*pair); !served)
            return fail(served.error());
        host_.event(kCertificateReplaced, json({{"who", who}, {"fingerprint", served_.fingerprint}}));
    }
    look();
    return view();
}

void ServedCertificate::look() {
    const std::lock_guard lock(mutex_);
    const Timestamp now = now_();
    if (own_ && tls::isDue(served_, built_, now) && std::chrono::steady_clock::now() >= retry_ && !renewed(now))
        retry_ = std::chrono::steady_clock::now() + kRetry;
    tell(troubleAt(now));
}

bool ServedCertificate::renewed(Timestamp now) {
    const tls::Description before = served_;
    auto pair = store_.prolong(names_(), tls::beginOfOwn(built_, now));
    if (pair)
        if (auto served = serve(*pair); !served)
            pair = fail(served.error());
    if (!pair) {
        failure_ = pair.error().text();
        host_.log(Severity::warning, "the certificate of the page was not renewed: " + failure_);
        return false;
    }
    host_.event(kCertificateRenewed, json({{"until", dateOf(served_.notAfter)}, {"fingerprint", served_.fingerprint}}));
    const auto told = [](const tls::Description& of) {
        return json({{"notBefore", isoTime(of.notBefore)},
                     {"notAfter", isoTime(of.notAfter)},
                     {"fingerprint", of.fingerprint}});
    };
    host_.audit({.who = "muster",
                 .from = "",
                 .action = "certificate renewed",
                 .what = json({{"before", told(before)}, {"after", told(served_)}}),
                 .detail = "The certificate that the appliance made for itself has a new period and the same key."});
    return true;
}

Result<void> ServedCertificate::serve(const tls::Pair& pair) {
    auto context = tls::Context::make(pair.pem);
    if (!context)
        return fail(context.error());
    context_->set(std::move(*context));
    served_ = pair.chain.front();
    own_ = pair.own;
    failure_.clear();
    retry_ = {};
    return {};
}

ServedCertificate::View ServedCertificate::viewOf(tls::Pair pair) const {
    View view{.pair = std::move(pair), .waiting = store_.waiting().value_or(""), .renewal = std::nullopt};
    if (view.pair.own)
        view.renewal = view.pair.chain.front().notAfter - tls::kRenewBefore;
    return view;
}

std::string ServedCertificate::troubleAt(Timestamp now) const {
    constexpr const char* kRemedy =
        "; upload its successor (page System, certificate), or have the appliance make its own with \"musterctl "
        "certificate renew\"";
    if (own_)
        return failure_.empty() ? std::string()
                                : "the certificate of the page, good until " + dateOf(served_.notAfter) +
                                      ", could not be renewed: " + failure_ + "; it is tried again within the hour";
    if (now < built_)
        return {};  // a clock that nobody has set yet says nothing about it
    if (now >= served_.notAfter)
        return "the certificate of the page has expired on " + dateOf(served_.notAfter) +
               ", browsers and programs refuse it" + kRemedy;
    if (served_.notAfter - now < kWarnBefore)
        return "the certificate of the page expires on " + dateOf(served_.notAfter) + kRemedy;
    if (now < served_.notBefore)
        return "the certificate of the page is good only from " + dateOf(served_.notBefore) + " on, and this box has " +
               dateOf(now) + "; set the clock, or upload one that is good now";
    return {};
}

void ServedCertificate::tell(std::string trouble) {
    if (trouble == told_)
        return;
    if (!own_ && !trouble.empty() && served_.notAfter - now_() < kWarnBefore)
        host_.event(kCertificateEnds,
                    json({{"until", dateOf(served_.notAfter)}, {"fingerprint", served_.fingerprint}}));
    told_ = std::move(trouble);
    host_.troubles(told_.empty() ? std::vector<std::string>{} : std::vector{told_});
}

}  // namespace muster::webui
