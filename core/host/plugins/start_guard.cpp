#include "host/plugins/start_guard.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace muster::plugins {

namespace {

constexpr std::size_t kMaxLines = 1000;

/// Only words that this class writes are believed: a name of a plugin's shape.
bool isName(const std::string& text) noexcept {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), good);
}

unsigned number(const std::string& text) noexcept {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

const char* name(StartGuard::Phase phase) noexcept {
    switch (phase) {
        case StartGuard::Phase::open:
            return "open";
        case StartGuard::Phase::create:
            return "create";
        case StartGuard::Phase::start:
            return "start";
    }
    return "start";
}

std::string words(int problem) {
    return std::generic_category().message(problem);
}

bool writeAll(int fd, const std::string& text) noexcept {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        done += static_cast<std::size_t>(written);
    }
    return true;
}

}  // namespace

StartGuard::StartGuard(std::string file, std::string firmware, unsigned uncleanLimit)
    : file_(std::move(file)), firmware_(std::move(firmware)), uncleanLimit_(uncleanLimit) {}

void StartGuard::read() {
    std::ifstream in(file_);
    std::string line;
    for (std::size_t i = 0; i < kMaxLines && std::getline(in, line); ++i) {
        std::istringstream parts(line);
        std::string key;
        std::string first;
        std::string second;
        parts >> key >> first >> second;
        if (key == "firmware")
            writtenBy_ = first;
        else if (key == "running")
            running_ = first == "1";
        else if (key == "unclean")
            unclean_ = number(first);
        else if (key == "crumb" && isName(first)) {
            crumbName_ = first;
            crumbPhase_ = isName(second) ? second : "start";
        } else if (key == "strike" && isName(first))
            strikes_[first] = number(second);
        else if (key == "quarantined" && isName(first))
            quarantined_.insert(first);
    }
}

void StartGuard::write(Sync sync) {
    if (file_.empty())
        return;
    std::ostringstream out;
    out << "firmware " << firmware_ << "\nrunning " << (running_ ? 1 : 0) << "\nunclean " << unclean_ << '\n';
    if (!crumbName_.empty())
        out << "crumb " << crumbName_ << ' ' << crumbPhase_ << '\n';
    for (const auto& [plugin, strikes] : strikes_)
        out << "strike " << plugin << ' ' << strikes << '\n';
    for (const std::string& plugin : quarantined_)
        out << "quarantined " << plugin << '\n';

    const std::string temporary = file_ + ".new";
    const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && writeAll(fd, out.str()) && (sync == Sync::none || fsync(fd) == 0);
    int problem = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        good = false;
        problem = errno;
    }
    if (good && rename(temporary.c_str(), file_.c_str()) != 0) {
        good = false;
        problem = errno;
    }
    trouble_ = good ? "" : file_ + ": " + words(problem) + "; a plugin that crashes at start would not be noticed";
    if (!good || sync != Sync::all)
        return;
    const std::size_t slash = file_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : file_.substr(0, slash + 1);
    if (const int at = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); at >= 0) {
        fsync(at);
        close(at);
    }
}

std::vector<std::string> StartGuard::begin() {
    std::vector<std::string> notes;
    if (begun_ || file_.empty())
        return notes;
    begun_ = true;
    read();
    if (!writtenBy_.empty() && writtenBy_ != firmware_) {
        if (!quarantined_.empty())
            notes.push_back("firmware " + firmware_ + " after " + writtenBy_ + ": quarantined plugins may try again");
        strikes_.clear();
        quarantined_.clear();
        crumbName_.clear();
        unclean_ = 0;
        running_ = false;
    }
    if (!crumbName_.empty()) {
        const unsigned strikes = ++strikes_[crumbName_];
        notes.push_back("the daemon died in " + crumbPhase_ + " of plugin " + crumbName_ + " (strike " +
                        std::to_string(strikes) + " of " + std::to_string(kStrikes) + ")");
        if (strikes >= kStrikes)
            quarantined_.insert(crumbName_);
    } else if (running_) {
        ++unclean_;
    } else {
        unclean_ = 0;
    }
    safeMode_ = uncleanLimit_ != 0 && unclean_ > uncleanLimit_;
    if (safeMode_)
        notes.push_back(std::to_string(unclean_) +
                        " unclean starts in a row: safe mode, only what clients and operators need is started");
    running_ = true;
    crumbName_.clear();
    write(Sync::all);
    return notes;
}

std::optional<std::string> StartGuard::quarantined(std::string_view name) const {
    if (quarantined_.find(name) == quarantined_.end())
        return std::nullopt;
    return "was starting when the daemon died, " + std::to_string(kStrikes) +
           " times in a row; see the log, then: musterctl plugin clear " + std::string(name);
}

void StartGuard::crumb(std::string_view name, Phase phase) {
    crumbName_ = name;
    crumbPhase_ = plugins::name(phase);
    write(phase == Phase::open ? Sync::none : Sync::file);
}

void StartGuard::good(std::string_view name) {
    if (const auto strike = strikes_.find(name); strike != strikes_.end())
        strikes_.erase(strike);
}

void StartGuard::clearCrumb() {
    if (crumbName_.empty())
        return;
    crumbName_.clear();
    write(Sync::none);  // lost with the power: one strike that the next good start forgets
}

bool StartGuard::clear(std::string_view name) {
    const auto strike = strikes_.find(name);
    const auto kept = quarantined_.find(name);
    const bool any = strike != strikes_.end() || kept != quarantined_.end();
    if (strike != strikes_.end())
        strikes_.erase(strike);
    if (kept != quarantined_.end())
        quarantined_.erase(kept);
    if (any)
        write(Sync::all);
    return any;
}

void StartGuard::healthy() {
    if (!running_ && unclean_ == 0)
        return;
    running_ = false;
    unclean_ = 0;
    write(Sync::all);
}

void StartGuard::cleanStop() {
    if (crumbName_.empty()) {
        healthy();
        return;
    }
    crumbName_.clear();
    running_ = false;
    unclean_ = 0;
    write(Sync::all);
}

}  // namespace muster::plugins
