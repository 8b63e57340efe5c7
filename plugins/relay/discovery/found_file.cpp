#include "found_file.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "muster/private_file.h"

#include "dns/system_names.h"

namespace muster::relay {

namespace {

constexpr std::string_view kFirstLine = "muster relay, upstreams found, version 1";
constexpr std::string_view kLastLine = "end";
constexpr std::int64_t kLatest = std::int64_t{253402300799} * 1000;  // the year 9999, milliseconds

std::string_view takeUntil(std::string_view& text, char separator) noexcept {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return taken;
}

template <class Number>
bool takeNumber(std::string_view& line, Number& number) noexcept {
    const std::string_view word = takeUntil(line, ' ');
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size();
}

/// A name exactly as plainName() writes it. @param dot  one more at its end is let pass
bool takeName(std::string_view& line, std::string& name, bool dot = false) {
    const std::string_view word = takeUntil(line, ' ');
    const auto plain = dns::plainName(word);
    if (!plain || !word.starts_with(*plain) || (word.size() > plain->size() && !dot))
        return false;
    name = word;
    return true;
}

bool takeTime(std::string_view& line, Timestamp& time) noexcept {
    std::int64_t milliseconds = 0;
    if (!takeNumber(line, milliseconds) || milliseconds < 0 || milliseconds > kLatest)
        return false;
    time = Timestamp(std::chrono::milliseconds(milliseconds));
    return true;
}

bool takeLine(std::string_view line, Remembered& to) {
    const std::string_view kind = takeUntil(line, ' ');
    if (kind == "domain") {
        Remembered::Domain domain;
        if (to.domains.size() == FoundFile::kMaxDomains || !takeName(line, domain.name) ||
            !takeTime(line, domain.answered))
            return false;
        to.domains.push_back(std::move(domain));
    } else if (kind == "service") {
        dns::Service service;
        if (to.domains.empty() || to.domains.back().services.size() == dns::kMaxServices ||
            !takeNumber(line, service.priority) || !takeNumber(line, service.weight) ||
            !takeNumber(line, service.port) || service.port == 0 || !takeName(line, service.target))
            return false;
        to.domains.back().services.push_back(std::move(service));
    } else if (kind == "host") {
        Remembered::Host host;
        if (to.hosts.size() == FoundFile::kMaxHosts || !takeName(line, host.name, true) ||
            !takeTime(line, host.answered))
            return false;
        to.hosts.push_back(std::move(host));
    } else if (kind == "address") {
        const auto address = dns::numericAddress(takeUntil(line, ' '));
        if (!address || to.hosts.empty() || to.hosts.back().addresses.size() == dns::kMaxAddresses)
            return false;
        to.hosts.back().addresses.push_back(*address);
    } else {
        return false;
    }
    return line.empty();
}

std::string number(Timestamp time) {
    return std::to_string(time.time_since_epoch().count());
}

}  // namespace

std::string FoundFile::text(const Remembered& remembered) {
    std::string content = std::string(kFirstLine) + "\n";
    for (const auto& domain : remembered.domains) {
        content += "domain " + domain.name + " " + number(domain.answered) + "\n";
        for (const auto& service : domain.services)
            content += "service " + std::to_string(service.priority) + " " + std::to_string(service.weight) + " " +
                       std::to_string(service.port) + " " + service.target + "\n";
    }
    for (const auto& host : remembered.hosts) {
        content += "host " + host.name + " " + number(host.answered) + "\n";
        for (const Address& address : host.addresses)
            content += "address " + address.host() + "\n";
    }
    content += std::string(kLastLine) + "\n";
    return content;
}

Result<Remembered> FoundFile::parse(std::string_view content) {
    const auto bad = [](std::size_t line, const char* why) {
        return fail(Code::malformed, "line " + std::to_string(line), why);
    };
    Remembered remembered;
    if (content.size() > kMaxSize)
        return bad(1, "the file is longer than 1 MiB");
    if (takeUntil(content, '\n') != kFirstLine)
        return bad(1, "is not what such a file begins with");
    for (std::size_t line = 2; !content.empty(); ++line) {
        const std::string_view text = takeUntil(content, '\n');
        if (text == kLastLine && content.empty())
            return remembered;
        if (!takeLine(text, remembered))
            return bad(line, "is no domain, service, host or address as this file has them");
    }
    return bad(1, "the file has no end: it was cut off");
}

Result<Remembered> FoundFile::read() const {
    const auto content = readPrivateFile(path_, kMaxSize);
    if (!content) {
        if (content.error().code == Code::missing)
            return Remembered{};
        return fail(content.error());
    }
    auto remembered = parse(*content);
    if (!remembered)
        return fail(Code::malformed, path_, remembered.error().text());
    return remembered;
}

Result<void> FoundFile::write(const Remembered& remembered) const {
    return writePrivateFile(path_, text(remembered));
}

}  // namespace muster::relay
