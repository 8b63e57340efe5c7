#include "client/report.h"

#include <array>
#include <cinttypes>
#include <ctime>
#include <map>
#include <string_view>

#include "kms/hresult.h"

namespace muster::client {

namespace {

/// "0xC004F038 The computer could not be activated. …": slmgr's form; only the code where Windows' words are not known.
std::string words(HResult code) {
    std::string out = text(code);
    if (const kms::HResultInfo* info = kms::find(code); info != nullptr && !info->sentence.empty())
        out.append(" ").append(info->sentence);
    return out;
}

/// What a host or a name server sent may hold anything: no control character, nothing beyond ASCII reaches a terminal.
std::string printable(std::string_view from) {
    std::string out;
    for (const char c : from) {
        if (c >= ' ' && c <= '~') {
            out.push_back(c);
            continue;
        }
        std::array<char, 5> escaped{};
        std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += escaped.data();
    }
    return out;
}

std::string hex(std::uint32_t value) {
    std::array<char, 11> out{};
    std::snprintf(out.data(), out.size(), "0x%08" PRIX32, value);
    return out.data();
}

/// "2010/09/29 17:52", UTC, as the 6.1 generation writes it.
std::string dateTime(FileTime time) {
    // Not by to_time_t(): that counts in nanoseconds, which a FILETIME of 1601 does not fit into.
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time.timestamp().time_since_epoch()).count();
    std::tm parts{};
    std::array<char, 40> out{};
    if (gmtime_r(&seconds, &parts) == nullptr || std::strftime(out.data(), out.size(), "%Y/%m/%d %H:%M", &parts) == 0)
        return "?";
    return out.data();
}

std::string seconds(std::chrono::milliseconds time) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%.1f s", static_cast<double>(time.count()) / 1000.0);
    return out.data();
}

void append(std::string& to, std::initializer_list<std::string> parts) {
    for (const std::string& part : parts)
        to.append(to.empty() ? "" : ", ").append(part);
}

}  // namespace

std::string line(const Event& event) {
    const Profile& machine = event.machine.profile();
    const Attempt& attempt = event.attempt;
    std::string out = printable(machine.name) + "  " + machine.product.name + "  ";
    if (attempt.activated) {
        out += event.machine.successes() == 1 ? "activated" : "renewed";
        return out + " (count " + std::to_string(attempt.count) + "): Product activated successfully.";
    }
    if (attempt.hasAnswer)
        return out + "refused: " + words(attempt.shown) + " (count " + std::to_string(attempt.count) + ", needs " +
               std::to_string(attempt.required) + ")";
    out += attempt.noHost ? "no answer: " : "refused: ";
    out += words(attempt.shown);
    if (attempt.shown != attempt.result)
        out += " In event 12288: " + words(attempt.result);
    if (!event.detail.empty())
        out += " (" + printable(event.detail) + ")";
    return out;
}

std::string info12288(const Event& event) {
    const ActivationRequest& request = event.request;
    std::string out;
    append(out, {text(event.attempt.result), hex(event.attempt.statusFlags), printable(event.host), request.cmid.text(),
                 dateTime(request.clientTime), std::to_string(request.vmInfo), std::to_string(request.licenseStatus),
                 std::to_string(request.minutesToExpiry), request.sku.text(), std::to_string(request.requiredClients)});
    return out;
}

std::string info12289(const Event& event) {
    const Attempt& attempt = event.attempt;
    std::string out;
    append(out, {text(attempt.result), hex(attempt.statusFlags), attempt.activated ? "1" : "0", "0",
                 std::to_string(attempt.count), std::to_string(attempt.activationInterval),
                 std::to_string(attempt.renewalInterval), dateTime(event.request.clientTime)});
    return out;
}

void Report::onEvent(const Event& event) {
    bool again = false;
    if (event.attempt.activated) {
        waiting_.erase(&event.machine);
    } else {
        const auto [before, first] = waiting_.try_emplace(&event.machine, event.attempt.shown);
        again = !first && !event.attempt.hasAnswer && before->second == event.attempt.shown;
        before->second = event.attempt.shown;
    }
    if (detail_ == Detail::quiet)
        return;
    if (again && detail_ != Detail::verbose)  // a host that is away, or refuses all, would fill the screen
        std::fprintf(out_, "%s  %s: %s, as before\n", printable(event.machine.profile().name).c_str(),
                     event.attempt.noHost ? "no answer" : "refused", text(event.attempt.shown).c_str());
    else
        std::fprintf(out_, "%s\n", line(event).c_str());
    if (detail_ == Detail::verbose) {
        std::fprintf(out_, "    12288  %s\n", info12288(event).c_str());
        if (event.attempt.hasAnswer)
            std::fprintf(out_, "    12289  %s\n", info12289(event).c_str());
        if (event.attempt.activated)
            std::fprintf(out_, "    KMS machine extended PID: %s\n", printable(event.machine.hostEpid()).c_str());
    }
    std::fflush(out_);
}

void Report::onProgress(const Progress& progress) {
    std::fprintf(out_, "... %zu of %zu activated after %" PRIu64 " attempts", progress.done, progress.machines,
                 progress.attempts);
    if (progress.next.count() > 0)
        std::fprintf(out_, ", the next one in %s", seconds(progress.next).c_str());
    std::fprintf(out_, "\n");
    std::fflush(out_);
}

void Report::summary(const Simulation& simulation, bool all) {
    const Progress progress = simulation.progress();
    std::fprintf(out_,
                 "%zu of %zu machines activated; %" PRIu64 " attempts: %" PRIu64 " activations, %" PRIu64
                 " refusals, %" PRIu64 " without an answer\n",
                 progress.done, progress.machines, progress.attempts, progress.activations, progress.refusals,
                 progress.unreachable);
    std::map<HResult, std::size_t> reasons;
    for (const auto& [machine, code] : waiting_)
        ++reasons[code];
    if (!all)
        for (const auto& [code, machines] : reasons) {
            std::fprintf(out_, "    %zu: %s\n", machines, words(code).c_str());
            if (const kms::HResultInfo* info = kms::find(code); info != nullptr && !info->remedy.empty())
                std::fprintf(out_, "        %.*s\n", static_cast<int>(info->remedy.size()), info->remedy.data());
        }
    std::fflush(out_);
}

}  // namespace muster::client
