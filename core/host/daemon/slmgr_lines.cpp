#include "host/daemon/slmgr_lines.h"

#include <string_view>

#include "api/values.h"
#include "host/daemon/log.h"

namespace muster::daemon {

namespace {

class Lines {
public:
    void line(std::string_view label, std::string_view value = {}) {
        text_ += label;
        text_ += escaped(value);
        text_ += '\n';
    }
    void count(std::string_view label, std::uint64_t value) { line(label, std::to_string(value)); }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

constexpr std::string_view kNotKnown = "not known";
constexpr std::string_view kNotAvailable = "not available";  // only Microsoft's own host has one

std::string_view orNotKnown(std::string_view text) noexcept {
    return text.empty() ? kNotKnown : text;
}

std::string orNotKnown(const Guid& id) {
    return id.isZero() ? std::string(kNotKnown) : id.text();
}

void requestLines(Lines& out, const HostView& view) {
    out.line("Key Management Service cumulative requests received from clients");
    out.count("    Total requests received: ", view.requests);
    out.count("    Failed requests received: ", view.failed);
    out.count("    Requests with License Status Unlicensed: ", view.byLicenseStatus[0]);
    out.count("    Requests with License Status Licensed: ", view.byLicenseStatus[1]);
    out.count("    Requests with License Status Initial grace period: ", view.byLicenseStatus[2]);
    out.count("    Requests with License Status License expired or Hardware out of tolerance: ",
              view.byLicenseStatus[3]);
    out.count("    Requests with License Status Non-genuine grace period: ", view.byLicenseStatus[4]);
    out.count("    Requests with License Status Notification: ", view.byLicenseStatus[5]);
}

void portLines(Lines& out, const HostView& view) {
    out.count("    Listening on Port: ", view.port);
    out.line(view.publishesDns ? "    DNS publishing enabled" : "    DNS publishing disabled");
}

void keyLines(Lines& out, const HostView& view, const HostKeyStatus& key, bool verbose) {
    out.line("");
    out.line("Name: ", key.name);
    out.line("Description: ", key.description);
    if (verbose) {
        const std::string_view none = key.elsewhere ? kNotKnown : kNotAvailable;
        out.line("Activation ID: ", orNotKnown(key.activationId));
        out.line("Application ID: ", orNotKnown(key.application));
        out.line("Extended PID: ", orNotKnown(key.epid));
        out.line("Installation ID: ", none);
        out.line("Processor Certificate URL: ", none);
        out.line("Machine Certificate URL: ", none);
        out.line("Use License URL: ", none);
        out.line("Product Key Certificate URL: ", none);
    }
    out.line("Partial Product Key: ", orNotKnown(key.partialKey));
    out.line("License Status: ", orNotKnown(key.licenseStatus));
    if (verbose) {
        out.line("Remaining Windows rearm count: ", key.elsewhere ? kNotKnown : "0");
        out.line("Trusted time: ", key.elsewhere ? std::string(kNotKnown) : isoTime(view.now));
    }
}

std::string countText(const HostKeyStatus& key) {
    return key.elsewhere && key.currentCount < 0 ? std::string(kNotKnown) : std::to_string(key.currentCount);
}

std::string text(const HostView& view, bool verbose) {
    Lines out;
    if (verbose)
        out.line("Software licensing service version: ", view.version);
    if (view.keys.empty())
        out.line("Error: product key not found.");
    bool relays = false;
    for (const HostKeyStatus& key : view.keys) {
        keyLines(out, view, key, verbose);
        relays = relays || key.elsewhere;
        if (key.elsewhere) {
            out.line("    Current count: ", countText(key));
            continue;
        }
        out.line("");
        out.line("Key Management Service is enabled on this machine");
        out.line("    Current count: ", countText(key));
        portLines(out, view);
        out.line("    KMS priority: Normal");
        out.line("");
        requestLines(out, view);
    }
    if (relays) {
        out.line("");
        out.line("This machine passes requests on to the hosts above, and holds no key itself");
        portLines(out, view);
        out.line("");
        requestLines(out, view);
    }
    return out.take();
}

}  // namespace

std::string dliText(const HostView& view) {
    return text(view, false);
}

std::string dlvText(const HostView& view) {
    return text(view, true);
}

}  // namespace muster::daemon
