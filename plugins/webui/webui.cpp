/// Plugin webui: the page and the API over TLS.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "Poco/Environment.h"
#include "Poco/Net/NetworkInterface.h"

#include "muster/plugin.h"

#include "events.h"
#include "gatekeeper.h"
#include "operations.h"
#include "readiness.h"
#include "server/web_server.h"
#include "settings.h"

namespace muster::webui {

namespace {

constexpr Timestamp kBuilt{std::chrono::seconds(MUSTER_BUILT)};  // cmake/BuildDate.cmake
constexpr std::chrono::hours kFlushTokens{1};

tls::Names namesOfMachine(const std::vector<std::string>& more) {
    tls::Names names{Poco::Environment::nodeName()};
    const auto add = [&](std::string name) {
        if (names.size() < tls::kMaxNames && std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(std::move(name));
    };
    for (const std::string& name : more)
        add(name);
    add("localhost");
    try {
        for (const auto& interface : Poco::Net::NetworkInterface::list(true, true)) {
            // Without the scope of a link-local address, which means something on this machine alone.
            const std::string address = interface.address().toString();
            if (address.find('%') == std::string::npos && !interface.address().isLinkLocal())
                add(address);
        }
    } catch (const Poco::Exception&) {
        // A certificate without addresses is one all the same.
    }
    return names;
}

class Webui final : public Plugin {
public:
    explicit Webui(Host& host) : host_(host), readiness_(host) {}

    void start() override {
        auto settings = readSettings(host_);
        if (!settings)
            throw Fault(settings.error());
        if (settings->addresses.empty() && settings->redirects.empty())
            return;  // nothing is served, nothing is kept
        const std::string directory = host_.sharedDirectory();
        gatekeeper_ = std::make_unique<Gatekeeper>(host_, directory);
        gatekeeper_->sessions().setLimits({.idle = settings->idle, .absolute = settings->total});
        registerSessions(host_, *gatekeeper_);
        registerAccounts(host_, *gatekeeper_);
        certificate_ = std::make_unique<ServedCertificate>(
            host_, directory, [names = settings->names] { return namesOfMachine(names); }, kBuilt);
        registerCertificates(host_, *certificate_);
        serve(*settings);
        for (const Address& address : settings->addresses)
            host_.log(Severity::info,
                      "the page is at https://" + address.text() + "/, fingerprint " + certificate_->fingerprint());
    }

    void stop() noexcept override {
        server_.reset();
        if (gatekeeper_)
            gatekeeper_->handOver();
    }

    void settingsChanged() override {
        auto settings = readSettings(host_);
        if (!settings)
            throw Fault(settings.error());
        if (gatekeeper_)
            gatekeeper_->sessions().setLimits({.idle = settings->idle, .absolute = settings->total});
    }

private:
    void serve(const Settings& settings) {
        std::vector<int> listening;
        for (const auto& all : {settings.addresses, settings.redirects})
            for (const Address& address : all) {
                auto socket = host_.listenSocket(address);
                if (!socket)
                    throw Fault(socket.error());
                listening.push_back(*socket);
            }
        ServerOptions options;
        options.threads = settings.threads;
        options.connections = settings.connections;
        options.perAddress = settings.connectionsPerSource;
        options.redirectPort = settings.addresses.empty() ? std::uint16_t{443} : settings.addresses.front().port;
        options.serve = [this](const FrontRequest& request) { return host_.serve(request); };
        options.notReady = [this] { return readiness_.problem(); };
        options.log = [this](Severity severity, const std::string& text) { host_.log(severity, text); };
        server_ = std::make_unique<WebServer>(std::move(options), *gatekeeper_, certificate_->context(), allPages());
        server_->start(listening);
        host_.thread("upkeep", [this](const std::atomic<bool>& stopping) { keepUp(stopping); });
    }

    /// What time brings: each hour what tokens were used last is written; the certificate is looked at, always.
    void keepUp(const std::atomic<bool>& stopping) {
        auto due = std::chrono::steady_clock::now() + kFlushTokens;
        std::mutex mutex;
        std::condition_variable never;
        std::unique_lock lock(mutex);
        while (!stopping) {
            never.wait_for(lock, std::chrono::milliseconds(250));
            certificate_->look();
            if (std::chrono::steady_clock::now() < due)
                continue;
            due += kFlushTokens;
            if (auto flushed = gatekeeper_->tokens().flush(); !flushed)
                host_.log(Severity::warning, flushed.error().text());
        }
    }

    Host& host_;
    Readiness readiness_;
    std::unique_ptr<Gatekeeper> gatekeeper_;
    std::unique_ptr<ServedCertificate> certificate_;
    std::unique_ptr<WebServer> server_;
};

}  // namespace
}  // namespace muster::webui

MUSTER_PLUGIN(webui, muster::webui::Webui, "1.0.0", .kind = muster::Kind::service, .settings = muster::webui::kSettings,
              .events = muster::webui::kEvents);
