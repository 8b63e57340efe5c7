#include "publish/ledger.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "muster/private_file.h"

#include "dns/system_names.h"

namespace muster::publisher {

namespace {

constexpr std::size_t kMaxServer = 300;
constexpr std::size_t kMaxKey = 255;
constexpr std::size_t kMaxBy = 128;

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> parts;
    while (parts.size() < 16) {
        const std::size_t tab = line.find('\t');
        parts.push_back(line.substr(0, tab));
        if (tab == std::string_view::npos)
            break;
        line.remove_prefix(tab + 1);
    }
    return parts;
}

template <class T>
bool number(std::string_view text, T& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool isName(std::string_view text) {
    const auto plain = dns::plainName(text);
    return plain && *plain == text;
}

/// Printable, without blanks: what a server or a key is written with.
bool isWord(std::string_view text, std::size_t most) {
    return text.size() <= most &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

std::optional<Published> readLine(std::string_view line) {
    const auto parts = split(line);
    if (parts.size() < 9)
        return std::nullopt;
    Published out;
    std::uint32_t ttl = 0;
    if (!isName(parts[0]) || !isName(parts[1]) || !isWord(parts[2], kMaxServer) || !isWord(parts[3], 16) ||
        !isWord(parts[4], kMaxKey) || !isName(parts[5]) || !number(parts[7], ttl) || ttl > INT32_MAX)
        return std::nullopt;
    out.domain = parts[0];
    out.zone = parts[1];
    out.server = parts[2];
    out.auth = parts[3];
    out.key = parts[4];
    dns::Record& record = out.record;
    record.name = parts[5];
    record.ttl = std::chrono::seconds(ttl);
    if (parts[6] == "SRV" && parts.size() == 12) {
        record.type = dns::Type::srv;
        if (!number(parts[8], record.service.priority) || !number(parts[9], record.service.weight) ||
            !number(parts[10], record.service.port) || record.service.port == 0 || !isName(parts[11]))
            return std::nullopt;
        record.service.target = parts[11];
        return out;
    }
    if ((parts[6] != "A" && parts[6] != "AAAA") || parts.size() != 9)
        return std::nullopt;
    const auto address = dns::numericAddress(parts[8]);
    if (!address || address->scopeId != 0 || address->isV4() != (parts[6] == "A"))
        return std::nullopt;
    record.type = parts[6] == "A" ? dns::Type::a : dns::Type::aaaa;
    record.address = *address;
    return out;
}

std::string oneLine(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20)
            c = ' ';
    return text;
}

template <class Take>
void eachLine(std::string_view text, const Take& take) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        take(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

std::vector<Published> readPublished(std::string_view text, std::size_t& damaged) {
    std::vector<Published> out;
    eachLine(text, [&](std::string_view line) {
        auto one = readLine(line);
        if (one && out.size() < Ledger::kMaxRecords)
            out.push_back(std::move(*one));
        else
            ++damaged;
    });
    return out;
}

std::string writePublished(const std::vector<Published>& records) {
    std::string out;
    for (const Published& one : records) {
        const dns::Record& record = one.record;
        out += one.domain + '\t' + one.zone + '\t' + one.server + '\t' + one.auth + '\t' + one.key + '\t' +
               record.name + '\t' + dns::name(record.type) + '\t' + std::to_string(record.ttl.count()) + '\t';
        if (record.type == dns::Type::srv)
            out += std::to_string(record.service.priority) + '\t' + std::to_string(record.service.weight) + '\t' +
                   std::to_string(record.service.port) + '\t' + record.service.target + '\n';
        else
            out += record.address.host() + '\n';
    }
    return out;
}

Ledger::Ledger(std::string directory) : directory_(std::move(directory)) {
    readFiles();
}

void Ledger::readFiles() {
    const auto note = [&](const std::string& text) { trouble_ += (trouble_.empty() ? "" : "; ") + text; };
    std::size_t damaged = 0;
    if (const auto text = readPrivateFile(directory_ + "/published", kMaxFile))
        published_ = readPublished(*text, damaged);
    else if (text.error().code != Code::missing)
        note(text.error().text());
    if (damaged > 0)
        note(directory_ + "/published: " + std::to_string(damaged) +
             " lines are damaged and left out; records of ours that they named have to be removed by hand");
    const auto text = readPrivateFile(directory_ + "/withdrawn", kMaxFile);
    if (!text) {
        if (text.error().code != Code::missing)
            note(text.error().text());
        return;
    }
    bool broken = false;
    eachLine(*text, [&](std::string_view line) {
        const auto parts = split(line);
        std::int64_t when = 0;
        if (parts.size() != 3 || (parts[0] != kAll && !isName(parts[0])) || !number(parts[1], when) ||
            withdrawn_.size() >= kMaxWithdrawals)
            broken = true;
        else
            withdrawn_[std::string(parts[0])] = {std::string(parts[2].substr(0, kMaxBy)),
                                                 Timestamp(std::chrono::milliseconds(when))};
    });
    if (broken)
        note(directory_ + "/withdrawn: a line is damaged and left out; withdraw that domain again");
}

std::vector<Published> Ledger::published() const {
    const std::lock_guard lock(mutex_);
    return published_;
}

std::vector<Published> Ledger::published(std::string_view domain, std::string_view zone) const {
    std::vector<Published> out;
    const std::lock_guard lock(mutex_);
    for (const Published& one : published_)
        if (one.domain == domain && one.zone == zone)
            out.push_back(one);
    return out;
}

Result<void> Ledger::remember(std::string_view domain, std::string_view zone, std::vector<Published> records) {
    const std::lock_guard lock(mutex_);
    std::vector<Published> next;
    for (const Published& one : published_)
        if (one.domain != domain || one.zone != zone)
            next.push_back(one);
    std::move(records.begin(), records.end(), std::back_inserter(next));
    if (next == published_)
        return {};
    if (next.size() > kMaxRecords)
        return fail(Code::busy, directory_ + "/published",
                    "more than " + std::to_string(kMaxRecords) + " records of ours would have to be remembered");
    published_ = std::move(next);
    return writePrivateFile(directory_ + "/published", writePublished(published_));
}

std::optional<Ledger::Withdrawal> Ledger::withdrawn(const std::string& domain) const {
    const std::lock_guard lock(mutex_);
    auto found = withdrawn_.find(domain);
    if (found == withdrawn_.end())
        found = withdrawn_.find(kAll);
    return found == withdrawn_.end() ? std::nullopt : std::optional(found->second);
}

Result<void> Ledger::withdraw(const std::string& domain, const Withdrawal& withdrawal) {
    const std::lock_guard lock(mutex_);
    if (domain == kAll)
        withdrawn_.clear();
    else if (withdrawn_.size() >= kMaxWithdrawals)
        return fail(Code::busy, "withdrawal of " + domain, "too many domains are withdrawn; withdraw all instead");
    withdrawn_[domain] = withdrawal;
    return writeWithdrawnLocked();
}

Result<void> Ledger::allow(const std::string& domain, const std::vector<std::string>& others) {
    const std::lock_guard lock(mutex_);
    if (domain == kAll) {
        withdrawn_.clear();
        return writeWithdrawnLocked();
    }
    if (const auto all = withdrawn_.find(kAll); all != withdrawn_.end()) {
        const Withdrawal was = all->second;
        withdrawn_.erase(all);
        for (const std::string& other : others)
            if (withdrawn_.size() < kMaxWithdrawals)
                withdrawn_.emplace(other, was);
    }
    withdrawn_.erase(domain);
    return writeWithdrawnLocked();
}

Result<void> Ledger::writeWithdrawnLocked() const {
    std::string text;
    for (const auto& [domain, withdrawal] : withdrawn_)
        text += domain + '\t' + std::to_string(withdrawal.when.time_since_epoch().count()) + '\t' +
                oneLine(withdrawal.by.substr(0, kMaxBy)) + '\n';
    return writePrivateFile(directory_ + "/withdrawn", text);
}

}  // namespace muster::publisher
