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
constexpr std::size_t kMaxKept = kMaxPacket + 256;
constexpr std::chrono::seconds kSlotsLimit{10};

const Slot* otherOf(const SlotsState& slots) {
    for (const Slot& slot : slots.slots)
        if (!slot.bootName.empty() && slot.bootName != slots.booted)
            return &slot;
    return nullptr;
}

}  // namespace

Result<SlotsState> askSlots(const Programs& programs) {
    const auto text = programs.run(Command::slots, {}, kSlotsLimit);
    if (!text)
        return fail(text.error());
    auto state = readSlots(*text);
    if (!state)
        return fail(Code::internal, state.error().subject, state.error().detail);
    return std::move(*state);
}

Updater::Updater(const Places& places, const Programs& programs, const BootClock& clock, const Log& log)
    : places_(places), programs_(programs), clock_(clock), log_(log) {}

Updater::~Updater() {
    if (!running_)
        return;
    ::kill(-running_->pid, SIGKILL);  // RAUC's service goes on by itself
    ::close(running_->output);
    while (::waitpid(running_->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void Updater::start() {
    const auto text = readPrivateFile((places_.keep / "update").string(), kMaxKept);
    const std::size_t line = text ? text->find('\n') : std::string::npos;  // "BOOT\n", then the state
    if (line == std::string::npos)
        return;
    const auto kept = decodeAnswer(std::as_bytes(std::span(*text).subspan(line + 1)), Verb::updateRead);
    if (!kept || !kept->second)
        return;
    boot_ = text->substr(0, line);
    state_ = std::get<UpdateState>(*kept->second);
    if (state_.phase == UpdateState::Phase::installing) {
        state_.phase = UpdateState::Phase::failed;
        state_.words = "it was cut short: look at the slots, and install the bundle again";
        keep();
    }
}

void Updater::keep() {
    const auto packet = encodeAnswer(0, Verb::updateRead, Answer(state_));
    if (!packet)
        return;
    const std::string text = boot_ + "\n" + std::string(reinterpret_cast<const char*>(packet->data()), packet->size());
    if (auto put = putFile(places_.keep / "update", text, kPrivate); !put)
        log_(true, put.error().text());
}

void Updater::wentInto(const SlotsState& slots) {
    const Slot* const other = otherOf(slots);
    state_.slot = other != nullptr ? other->bootName : std::string();
    state_.version = other != nullptr ? other->version : std::string();
    boot_ = clock_.boot;
    judged_ = false;
}

UpdateState Updater::state() {
    judge();
    UpdateState now = state_;
    if (isBusy())
        return now;
    // Who found it not good has written down why.
    if (const auto words = readPrivateFile(places_.wentBack().string(), kMaxWords)) {
        now.phase = UpdateState::Phase::wentBack;
        now.words = plain(*words, kMaxWords);
    }
    return now;
}

void Updater::forgetWentBack() {
    if (auto removed = removeFile(places_.wentBack()); !removed)
        log_(true, removed.error().text());
}

void Updater::judge() {
    using Phase = UpdateState::Phase;
    const bool isDue =
        state_.phase == Phase::installed || state_.phase == Phase::running || state_.phase == Phase::wentBack;
    if (!isDue || judged_ || state_.slot.empty() || boot_ == clock_.boot)
        return;
    const auto slots = askSlots(programs_);
    if (!slots || slots->booted.empty())
        return;  // asked again the next time
    judged_ = true;
    const Phase now = slots->booted == state_.slot ? Phase::running : Phase::wentBack;
    if (state_.phase == now)
        return;
    state_.phase = now;
    state_.words = now == Phase::running
                       ? "it was started"
                       : "it was started and not found good: it did not start, or Muster did not answer there";
    keep();
    log_(now == Phase::wentBack, "the update in " + state_.slot + ": " + state_.words);
}

void Updater::marked(const SlotMark& mark, const SlotsState& slots) {
    using Phase = UpdateState::Phase;
    if (isBusy() || mark.as == SlotMark::As::good)
        return;
    forgetWentBack();
    if (mark.as == SlotMark::As::active && mark.which == SlotMark::Which::other) {
        state_ = {Phase::installed, 100, "marked to be started next", {}, {}};
        wentInto(slots);
    } else {
        state_.slot.clear();  // another system than the installed one is what was asked for
        if (state_.phase == Phase::installed || state_.phase == Phase::running)
            state_.phase = Phase::none;
    }
    keep();
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
    forgetWentBack();
    running_ = *started;
    partial_.clear();
    lastError_.clear();
    state_ = {UpdateState::Phase::installing, 0, "begins", {}, {}};
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
    if (good) {
        state_.percent = 100;
        if (const auto slots = askSlots(programs_))
            wentInto(*slots);
        else
            log_(true, slots.error().text());
    } else if (!lastError_.empty()) {
        state_.words = lastError_;
    }
    keep();
    log_(!good, good ? "the bundle is installed; the next start is of the other system"
                     : "the bundle was not installed: " + state_.words);
    if (auto removed = removeFile(places_.bundle()); !removed)
        log_(true, removed.error().text());
}

}  // namespace muster::system
