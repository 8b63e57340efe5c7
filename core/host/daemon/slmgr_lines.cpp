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

void hostBlock(Lines& out, const HostView& view, const HostKeyStatus& key) {
    out.line("Key Management Service is enabled on this machine");
    out.line("    Current count: ", std::to_string(key.currentCount));
    out.count("    Listening on Port: ", view.port);
    out.line(view.publishesDns ? "    DNS publishing enabled" : "    DNS publishing disabled");
    out.line("    KMS priority: Normal");
    out.line("");
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

std::string text(const HostView& view, bool verbose) {
    Lines out;
    if (verbose)
        out.line("Software licensing service version: ", view.version);
    if (view.keys.empty())
        out.line("Error: product key not found.");
    for (const HostKeyStatus& key : view.keys) {
        out.line("");
        out.line("Name: ", key.name);
        out.line("Description: ", key.description);
        if (verbose) {
            static constexpr std::string_view kNone = "not available";  // only Microsoft's own host has one
            out.line("Activation ID: ", key.activationId.text());
            out.line("Application ID: ", key.application.text());
            out.line("Extended PID: ", key.epid);
            out.line("Installation ID: ", kNone);
            out.line("Processor Certificate URL: ", kNone);
            out.line("Machine Certificate URL: ", kNone);
            out.line("Use License URL: ", kNone);
            out.line("Product Key Certificate URL: ", kNone);
        }
        out.line("Partial Product Key: ", key.partialKey);
        out.line("License Status: Licensed");
        if (verbose) {
            out.count("Remaining Windows rearm count: ", 0);
            out.line("Trusted time: ", api::timestampText(view.now));
        }
        out.line("");
        hostBlock(out, view, key);
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
