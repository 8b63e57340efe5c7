#include "events.h"
#include "operations.h"

namespace muster::webui {

namespace {

constexpr Field kAnswer[] = {
    {.name = "subject", .help = "Whom it names.", .column = true},
    {.name = "issuer", .help = "Who signed it."},
    {.name = "names", .type = FieldType::texts, .help = "Names and addresses that it is good for.", .column = true},
    {.name = "notBefore", .type = FieldType::timestamp, .help = "From when it is good."},
    {.name = "notAfter", .type = FieldType::timestamp, .help = "Until when.", .column = true},
    {.name = "fingerprint", .help = "SHA-256, as browsers show it.", .column = true},
    {.name = "key", .help = "Kind of its key."},
    {.name = "selfSigned", .type = FieldType::boolean, .help = "Whether nobody else signed it.", .column = true},
    {.name = "warnings",
     .type = FieldType::texts,
     .help = "What is not as it should be, and can be used all the same."},
    {.name = "waiting", .help = "A signing request whose certificate has not come yet, in PEM; empty: none."},
};
constexpr Field kUpload[] = {
    {.name = "chain",
     .help = "The certificate and those between it and its authority, in PEM; the key may be among them.",
     .minimum = 1,
     .maximum = static_cast<std::int64_t>(tls::kMaxUpload),
     .required = true,
     .secret = true},
    {.name = "key",
     .help = "Its key in PEM; none where the certificate answers a request made here.",
     .minimum = 1,
     .maximum = static_cast<std::int64_t>(tls::kMaxUpload),
     .secret = true},
};
constexpr Field kNames[] = {
    {.name = "names",
     .type = FieldType::texts,
     .help = "Names and addresses that it is to be good for; none: those of this machine.",
     .minimum = 0,
     .maximum = static_cast<std::int64_t>(tls::kMaxNames)},
};
constexpr Field kRequestAnswer[] = {{.name = "request", .help = "What an authority is asked to sign, in PEM."}};

Json shown(const tls::Pair& pair, const tls::CertificateStore& store) {
    const tls::Description& own = pair.chain.front();
    const auto texts = [](const std::vector<std::string>& all) {
        Json::Array array;
        for (const std::string& text : all)
            array.emplace_back(text);
        return Json(std::move(array));
    };
    return json({{"subject", own.subject},
                 {"issuer", own.issuer},
                 {"names", texts(own.names)},
                 {"notBefore", isoTime(own.notBefore)},
                 {"notAfter", isoTime(own.notAfter)},
                 {"fingerprint", own.fingerprint},
                 {"key", own.key},
                 {"selfSigned", own.selfSigned},
                 {"warnings", texts(pair.warnings)},
                 {"waiting", store.waiting().value_or("")}});
}

tls::Names namesOf(const Call& call, const Certificates& certificates) {
    tls::Names names;
    if (const Json* given = call.body.find("names"); given != nullptr && given->array() != nullptr)
        for (const Json& name : *given->array())
            if (name.string() != nullptr)
                names.push_back(*name.string());
    return names.empty() ? certificates.names() : names;
}

}  // namespace

void registerCertificates(Host& host, const Certificates& certificates) {
    // What is stored is served from then on.
    const auto serve = [&host, certificates](const Call& call, Result<tls::Pair> pair) -> Result<Reply> {
        if (!pair)
            return fail(pair.error());
        auto context = tls::Context::make(pair->pem);
        if (!context)
            return fail(context.error());
        certificates.context.set(std::move(*context));
        host.event(kCertificateReplaced,
                   json({{"who", call.caller.name}, {"fingerprint", pair->chain.front().fingerprint}}));
        return Reply(shown(*pair, certificates.store));
    };
    host.operation({.method = "GET",
                    .path = "/certificate",
                    .role = Role::viewer,
                    .support = true,
                    .cli = "certificate show",
                    .summary = "Shows the certificate of the page.",
                    .answer = kAnswer},
                   [certificates](const Call&) -> Result<Reply> {
                       auto pair = certificates.store.open(certificates.names(), certificates.notBefore);
                       if (!pair)
                           return fail(pair.error());
                       return Reply(shown(*pair, certificates.store));
                   });
    host.operation({.method = "PUT",
                    .path = "/certificate",
                    .role = Role::admin,
                    .summary = "Puts another certificate in its place.",
                    .body = kUpload,
                    .answer = kAnswer},
                   [certificates, serve](const Call& call) {
                       const std::string upload =
                           std::string(call.text("chain")) + "\n" + std::string(call.text("key"));
                       return serve(call, certificates.store.replace(upload, certificates.names(), wallNow()));
                   });
    host.operation({.method = "POST",
                    .path = "/certificate/request",
                    .role = Role::admin,
                    .cli = "certificate request",
                    .summary = "Makes a signing request with a new key.",
                    .body = kNames,
                    .answer = kRequestAnswer},
                   [certificates](const Call& call) -> Result<Reply> {
                       auto request = certificates.store.request(namesOf(call, certificates));
                       if (!request)
                           return fail(request.error());
                       return Reply(json({{"request", *request}}));
                   });
    host.operation({.method = "POST",
                    .path = "/certificate/renew",
                    .role = Role::admin,
                    .cli = "certificate renew",
                    .summary = "Makes a new certificate of this appliance's own.",
                    .body = kNames,
                    .answer = kAnswer,
                    .confirm = "Make a new certificate? Browsers will warn of it."},
                   [certificates, serve](const Call& call) {
                       return serve(call,
                                    certificates.store.renew(namesOf(call, certificates), certificates.notBefore));
                   });
    host.operation(
        {.method = "POST",
         .path = "/certificate/back",
         .role = Role::admin,
         .cli = "certificate back",
         .summary = "Puts the certificate before in its place again.",
         .answer = kAnswer},
        [certificates, serve](const Call& call) { return serve(call, certificates.store.goBack(wallNow())); });
}

}  // namespace muster::webui
