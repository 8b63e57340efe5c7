#include <array>
#include <cerrno>
#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "muster/private_file.h"

#include "system/box.h"
#include "system/files.h"
#include "system/slots.h"

namespace muster::system {

namespace {

constexpr std::string_view kLastError = "LastError:";
constexpr std::size_t kMaxLine = 4096;

}  // namespace

Updater::Updater(const Places& places, const Programs& programs, const Log& log)
    : places_(places), programs_(programs), log_(log) {}

Updater::~Updater() {
    if (!running_)
        return;
    ::kill(-running_->pid, SIGKILL);  // RAUC's service goes on by itself
    ::close(running_->output);
    while (::waitpid(running_->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void Updater::start() {
    const auto text = readPrivateFile((places_.keep / "update").string(), kMaxPacket);
    if (!text)
        return;
    const auto kept = decodeAnswer(std::as_bytes(std::span(*text)), Verb::updateRead);
    if (!kept || !kept->second)
        return;
    state_ = std::get<UpdateState>(*kept->second);
    if (state_.phase == UpdateState::Phase::installing) {
        state_.phase = UpdateState::Phase::failed;
        state_.words = "it was cut short: look at the slots, and install the bundle again";
        keep();
    }
}

UpdateState Updater::state() const {
    if (isBusy())
        return state_;
    const auto words = readPrivateFile(places_.wentBack().string(), kMaxWords);
    if (!words)
        return state_;
    return {UpdateState::Phase::failed, state_.percent, plain(*words, kMaxWords)};
}

void Updater::keep() {
    const auto packet = encodeAnswer(0, Verb::updateRead, Answer(state_));
    if (!packet)
        return;
    if (auto put =
            putFile(places_.keep / "update", {reinterpret_cast<const char*>(packet->data()), packet->size()}, kPrivate);
        !put)
        log_(true, put.error().text());
}

Result<void> Updater::install() {
    if (isBusy())
        return fail(Code::busy, "update", "one is being installed; wait for its end");
    struct stat entry {};
    if (::lstat(places_.bundle().c_str(), &entry) != 0)
        return fail(Code::missing, "update", "no bundle was uploaded; upload one first");
    if (!S_ISREG(entry.st_mode))
        return fail(Code::denied, "update", "what lies in the bundle's place is no regular file; upload a bundle");
    auto started = programs_.start(Command::install, places_.bundle().string());
    if (!started)
        return fail(started.error());
    if (auto removed = removeFile(places_.wentBack()); !removed)
        log_(true, removed.error().text());
    running_ = *started;
    partial_.clear();
    lastError_.clear();
    state_ = {UpdateState::Phase::installing, 0, "begins"};
    keep();
    log_(false, "a bundle is being installed");
    return {};
}

void Updater::line(std::string_view text) {
    if (text.starts_with(kLastError)) {
        text.remove_prefix(kLastError.size());
        lastError_ = plain(text.substr(std::min(text.find_first_not_of(' '), text.size())), kMaxWords);
        return;
    }
    readProgress(text, state_);
}

void Updater::readable() {
    if (!running_)
        return;
    std::array<char, 4096> piece{};
    const ssize_t size = ::read(running_->output, piece.data(), piece.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        ended();
        return;
    }
    partial_.append(piece.data(), static_cast<std::size_t>(size));
    for (std::size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
        line(std::string_view(partial_).substr(0, end));
        partial_.erase(0, end + 1);
    }
    if (partial_.size() > kMaxLine)
        partial_.clear();
}

void Updater::ended() {
    line(partial_);
    ::close(running_->output);
    ::kill(-running_->pid, SIGKILL);  // it closed its output: there is nothing more to come
    int status = 0;
    while (::waitpid(running_->pid, &status, 0) < 0 && errno == EINTR) {
    }
    running_.reset();
    const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    state_.phase = good ? UpdateState::Phase::installed : UpdateState::Phase::failed;
    if (good)
        state_.percent = 100;
    else if (!lastError_.empty())
        state_.words = lastError_;
    keep();
    log_(!good, good ? "the bundle is installed; the next start is of the other system"
                     : "the bundle was not installed: " + state_.words);
    if (auto removed = removeFile(places_.bundle()); !removed)
        log_(true, removed.error().text());
}

}  // namespace muster::system
