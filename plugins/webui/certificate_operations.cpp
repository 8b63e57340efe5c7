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
    {.name = "madeHere",
     .type = FieldType::boolean,
     .help = "Whether this appliance made it, and renews it.",
     .column = true},
    {.name = "renewal",
     .type = FieldType::timestamp,
     .help = "When it is renewed by itself. Absent: never; it was uploaded."},
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

Json shown(const ServedCertificate::View& view) {
    const tls::Description& own = view.pair.chain.front();
    const auto texts = [](const std::vector<std::string>& all) {
        Json::Array array;
        for (const std::string& text : all)
            array.emplace_back(text);
        return Json(std::move(array));
    };
    Json answer = json({{"subject", own.subject},
                        {"issuer", own.issuer},
                        {"names", texts(own.names)},
                        {"notBefore", isoTime(own.notBefore)},
                        {"notAfter", isoTime(own.notAfter)},
                        {"fingerprint", own.fingerprint},
                        {"key", own.key},
                        {"selfSigned", own.selfSigned},
                        {"madeHere", view.pair.own},
                        {"warnings", texts(view.pair.warnings)},
                        {"waiting", view.waiting}});
    if (view.renewal)
        answer.set("renewal", isoTime(*view.renewal));
    return answer;
}

tls::Names namesOf(const Call& call, const ServedCertificate& certificate) {
    tls::Names names;
    if (const Json* given = call.body.find("names"); given != nullptr && given->array() != nullptr)
        for (const Json& name : *given->array())
            if (name.string() != nullptr)
                names.push_back(*name.string());
    return names.empty() ? certificate.names() : names;
}

Result<Reply> reply(const Result<ServedCertificate::View>& view) {
    if (!view)
        return fail(view.error());
    return Reply(shown(*view));
}

}  // namespace

void registerCertificates(Host& host, ServedCertificate& certificate) {
    host.operation({.method = "GET",
                    .path = "/certificate",
                    .role = Role::viewer,
                    .support = true,
                    .cli = "certificate show",
                    .summary = "Shows the certificate of the page.",
                    .answer = kAnswer},
                   [&certificate](const Call&) { return reply(certificate.view()); });
    host.operation({.method = "PUT",
                    .path = "/certificate",
                    .role = Role::admin,
                    .summary = "Puts another certificate in its place.",
                    .body = kUpload,
                    .answer = kAnswer},
                   [&certificate](const Call& call) {
                       const std::string upload =
                           std::string(call.text("chain")) + "\n" + std::string(call.text("key"));
                       return reply(certificate.change(call.caller.name, [&](tls::CertificateStore& store) {
                           return store.replace(upload, certificate.names(), certificate.now());
                       }));
                   });
    host.operation({.method = "POST",
                    .path = "/certificate/request",
                    .role = Role::admin,
                    .cli = "certificate request",
                    .summary = "Makes a signing request with a new key.",
                    .body = kNames,
                    .answer = kRequestAnswer},
                   [&certificate](const Call& call) -> Result<Reply> {
                       auto request = certificate.request(namesOf(call, certificate));
                       if (!request)
                           return fail(request.error());
                       return Reply(json({{"request", *request}}));
                   });
    host.operation({.method = "POST",
                    .path = "/certificate/renew",
                    .role = Role::admin,
                    .cli = "certificate renew",
                    .summary = "Makes a new certificate of this appliance's own, with a new key.",
                    .body = kNames,
                    .answer = kAnswer,
                    .confirm = "Make a new certificate? Browsers will warn of it."},
                   [&certificate](const Call& call) {
                       return reply(certificate.change(call.caller.name, [&](tls::CertificateStore& store) {
                           return store.renew(namesOf(call, certificate), certificate.beginOfOwn());
                       }));
                   });
    host.operation({.method = "POST",
                    .path = "/certificate/back",
                    .role = Role::admin,
                    .cli = "certificate back",
                    .summary = "Puts the certificate before in its place again.",
                    .answer = kAnswer},
                   [&certificate](const Call& call) {
                       return reply(certificate.change(call.caller.name, [&](tls::CertificateStore& store) {
                           return store.goBack(certificate.now());
                       }));
                   });
}

}  // namespace muster::webui
