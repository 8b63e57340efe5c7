#include "system/box.h"

#include <array>
#include <ctime>
#include <span>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "muster/private_file.h"

#include "system/files.h"
#include "system/kept.h"
#include "system/texts.h"

namespace muster::system {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kLimit = 10s;    // of a program; musterd waits longer
constexpr milliseconds kTryAgain = 5s;  // the host name, while hostnamed is not there yet
constexpr int kHostnameTries = 24;      // two minutes: then somebody has to look
constexpr std::size_t kMaxBootId = 64;

std::string ownDirectory() {
    return "muster-system";
}

}  // namespace

BootClock BootClock::ofTheSystem() {
    auto boot = readPrivateFile("/proc/sys/kernel/random/boot_id", kMaxBootId);
    std::string id = boot ? *boot : "unknown";
    while (!id.empty() && (id.back() == '\n' || id.back() == ' '))
        id.pop_back();
    return {[] {
                timespec now{};
                ::clock_gettime(CLOCK_BOOTTIME, &now);
                return milliseconds(std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000);
            },
            std::move(id)};
}

Box::Box(Places places, Programs programs, BootClock clock, milliseconds trial, Log log)
    : places_(std::move(places)),
      programs_(std::move(programs)),
      clock_(std::move(clock)),
      log_(std::move(log)),
      network_(places_, programs_, clock_, trial, log_),
      updater_(places_, programs_, clock_, log_) {}

void Box::start() {
    const auto say = [this](const Result<void>& result) {
        if (!result)
            log_(true, result.error().text());
    };
    // What is below /run is gone after a start of the box: then nothing is told to daemons that come later and read it.
    const auto marked = putFile(places_.run / ownDirectory() / "started", clock_.boot, kForAll);
    const bool first = marked && *marked;
    if (!marked)
        log_(true, marked.error().text());
    network_.start(first);
    if (auto kept = readKept<OpenPorts>(places_.keep / "firewall", Verb::firewallSet, log_))
        open_ = std::move(*kept);
    say(applyFirewall(open_));
    if (auto kept = readKept<TimeSettings>(places_.keep / "time", Verb::timeSet, log_))
        time_ = std::move(*kept);
    say(applyTime(time_, !first || !time_.ntp));
    if (auto kept = readKept<Hostname>(places_.keep / "hostname", Verb::hostnameSet, log_)) {
        hostname_ = std::move(kept->name);
        hostnameDue_ = clock_.now();
    }
    updater_.start();
}

std::optional<milliseconds> Box::due() const {
    const auto network = network_.due();
    return network && hostnameDue_ ? std::min(*network, *hostnameDue_) : network ? network : hostnameDue_;
}

void Box::tick() {
    network_.tick();
    if (!hostnameDue_ || clock_.now() < *hostnameDue_)
        return;
    if (auto done = programs_.run(Command::setHostname, hostname_, kLimit); done) {
        hostnameDue_.reset();
    } else if (++hostnameTries_ < kHostnameTries) {
        hostnameDue_ = clock_.now() + kTryAgain;
    } else {
        log_(true, done.error().text());
        hostnameDue_.reset();
    }
}

Result<Answer> Box::answer(const Request& request) {
    const auto state = [](auto result) -> Result<Answer> {
        if (!result)
            return fail(result.error());
        return Answer(std::move(*result));
    };
    switch (request.verb) {
        case Verb::hello:
            return Answer(
                Hello{kProtocol, MUSTER_VERSION, places_.bundle().string(), programs_.isThere(Command::slots)});
        case Verb::networkRead:
            return Answer(network_.state());
        case Verb::networkSet:
            return state(network_.set(std::get<NetworkSettings>(request.argument)));
        case Verb::networkConfirm:
            return state(network_.confirm());
        case Verb::networkRevert:
            return state(network_.revert());
        case Verb::timeRead:
            return Answer(timeState());
        case Verb::timeSet:
            return setTime(std::get<TimeSettings>(request.argument));
        case Verb::clockSet:
            return setClock(std::get<Clock>(request.argument));
        case Verb::hostnameRead: {
            std::array<char, 256> name{};
            ::gethostname(name.data(), name.size() - 1);
            return Answer(Hostname{hostname_.empty() ? plain(name.data(), kMaxName) : hostname_});
        }
        case Verb::hostnameSet:
            return setHostname(std::get<Hostname>(request.argument));
        case Verb::firewallRead:
            return Answer(open_);
        case Verb::firewallSet:
            return setFirewall(std::get<OpenPorts>(request.argument));
        case Verb::slotsRead:
            return state(askSlots(programs_));
        case Verb::slotMark: {
            const auto& mark = std::get<SlotMark>(request.argument);
            const char* as = mark.as == SlotMark::As::good ? "good" : mark.as == SlotMark::As::bad ? "bad" : "active";
            const char* which = mark.which == SlotMark::Which::booted ? "booted" : "other";
            if (auto done = programs_.run(Command::markSlot, std::string(as) + " " + which, kLimit); !done)
                return fail(done.error());
            log_(false, std::string("the ") + which + " system is marked " + as);
            auto slots = askSlots(programs_);
            if (slots)
                updater_.marked(mark, *slots);
            return state(std::move(slots));
        }
        case Verb::updateRead:
            return Answer(updater_.state());
        case Verb::updateInstall:
            if (auto begun = updater_.install(); !begun)
                return fail(begun.error());
            return Answer(updater_.state());
        case Verb::restart:
            return endWith(Command::reboot);
        case Verb::powerOff:
            return endWith(Command::powerOff);
        case Verb::reset:
            return reset();
    }
    return fail(Code::malformed, "request", "there is no such verb");
}

TimeState Box::timeState() const {
    struct stat entry {};
    return {time_, time_.ntp && ::stat((places_.run / "systemd/timesync/synchronized").c_str(), &entry) == 0,
            static_cast<std::int64_t>(::time(nullptr))};
}

Result<void> Box::applyTime(const TimeSettings& settings, bool tell) {
    const std::filesystem::path zone = places_.zones / settings.zone;
    std::error_code error;
    if (settings.zone != "UTC" && !std::filesystem::is_regular_file(zone, error))
        return fail(Code::missing, "zone", settings.zone + " is not on this box; UTC always is");
    if (auto put = putLink(places_.run / ownDirectory() / "localtime", zone); !put)
        return fail(put.error());
    if (auto put = putFiles(places_.run / "systemd/timesyncd.conf.d", timesyncFiles(settings), "muster", ".conf"); !put)
        return fail(put.error());
    if (tell)
        if (auto done = programs_.run(settings.ntp ? Command::restartTime : Command::stopTime, {}, kLimit); !done)
            return fail(done.error());
    return {};
}

Result<Answer> Box::setTime(const TimeSettings& settings) {
    if (auto applied = applyTime(settings, true); !applied) {
        static_cast<void>(applyTime(time_, true));
        return fail(applied.error());
    }
    if (auto put = putFile(places_.keep / "time", toKept(Verb::timeSet, settings), kPrivate); !put) {
        static_cast<void>(applyTime(time_, true));
        return fail(put.error());
    }
    time_ = settings;
    log_(false, "the settings of the clock are changed");
    return Answer(timeState());
}

Result<Answer> Box::setClock(const Clock& clock) {
    if (time_.ntp)
        return fail(Code::conflict, "clock", "it is set by time servers; switch ntp off to set it by hand");
    if (auto done = programs_.run(Command::setClock, std::to_string(clock.seconds), kLimit); !done)
        return fail(done.error());
    log_(false, "the clock was set by hand");
    return Answer(timeState());
}

Result<Answer> Box::setHostname(const Hostname& hostname) {
    if (auto done = programs_.run(Command::setHostname, hostname.name, kLimit); !done)
        return fail(done.error());
    hostnameDue_.reset();
    if (auto put = putFile(places_.keep / "hostname", toKept(Verb::hostnameSet, hostname), kPrivate); !put)
        return fail(put.error());
    hostname_ = hostname.name;
    log_(false, "the box is called " + hostname_);
    return Answer(hostname);
}

Result<void> Box::applyFirewall(const OpenPorts& ports) {
    const std::filesystem::path path = places_.run / ownDirectory() / "ruleset.nft";
    if (auto put = putFile(path, ruleset(ports), kForAll); !put)
        return fail(put.error());
    if (auto done = programs_.run(Command::loadRuleset, path.string(), kLimit); !done)
        return fail(done.error());
    return {};
}

Result<Answer> Box::setFirewall(const OpenPorts& ports) {
    if (ports == open_)
        return Answer(open_);
    if (auto applied = applyFirewall(ports); !applied) {
        static_cast<void>(applyFirewall(open_));
        return fail(applied.error());
    }
    open_ = ports;
    log_(false, "other ports are open");
    if (auto put = putFile(places_.keep / "firewall", toKept(Verb::firewallSet, ports), kPrivate); !put)
        return fail(put.error());
    return Answer(open_);
}

Result<Answer> Box::endWith(Command command) {
    if (updater_.isBusy())
        return fail(Code::busy, "box", "an update is being installed; wait for its end");
    if (auto done = programs_.run(command, {}, kLimit); !done)
        return fail(done.error());
    log_(false, command == Command::powerOff ? "the box is switched off" : "the box is restarted");
    return Answer(std::monostate());
}

Result<Answer> Box::reset() {
    if (updater_.isBusy())
        return fail(Code::busy, "reset", "an update is being installed; wait for its end");
    if (auto put = putFile(places_.resetFlag, "musterd-system\n", kPrivate); !put)
        return fail(put.error());
    log_(true, "the box goes back to factory settings");
    auto ended = endWith(Command::reboot);
    if (!ended)  // else a restart of another day would do it
        if (auto removed = removeFile(places_.resetFlag); !removed)
            log_(true, removed.error().text());
    return ended;
}

}  // namespace muster::system
