/// The box: what each verb does. Knows no socket; the loop around it gives requests, asks when to come again, and reads
/// what an installer prints.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "muster/result.h"

#include "system/commands.h"
#include "system/message.h"

namespace muster::system {

/// Directories and files of the helper's own. None of them comes from a caller.
struct Places {
    std::filesystem::path keep = "/data/muster/system";       ///< what lasts; root's alone
    std::filesystem::path run = "/run";                       ///< below it: what systemd and nftables read
    std::filesystem::path update = "/data/muster/update";     ///< where musterd puts bundle.raucb
    std::filesystem::path resetFlag = "/data/factory-reset";  ///< what the initrd looks for
    std::filesystem::path zones = "/usr/share/zoneinfo";

    /// Written by the image's muster-bless where a slot used up its tries: one line of words.
    std::filesystem::path wentBack() const { return keep / "went-back"; }
    std::filesystem::path bundle() const { return update / "bundle.raucb"; }
};

/// Time since the box was started, and which start that was. Injected by tests.
struct BootClock {
    std::function<std::chrono::milliseconds()> now;  ///< goes on while the box sleeps, and over restarts of the helper
    std::string boot;                                ///< another one after every start; printable

    /// CLOCK_BOOTTIME and /proc/sys/kernel/random/boot_id
    static BootClock ofTheSystem();
};

/// @param trouble  a person should see it
using Log = std::function<void(bool trouble, const std::string& text)>;

/// Addresses and names, and the trial of new ones: what is not confirmed in time goes back to what was before, also
/// when the helper or the box was restarted meanwhile.
class Network {
public:
    Network(const Places& places, const Programs& programs, const BootClock& clock, std::chrono::milliseconds trial,
            const Log& log);

    /// @param first  of this start of the box: networkd is not there yet, and reads the files when it comes
    void start(bool first);
    NetworkState state() const;
    /// @error storage, timeout, internal, missing  nothing has changed: what was before is in force again
    Result<NetworkState> set(const NetworkSettings& settings);
    /// @error conflict  nothing is on trial
    Result<NetworkState> confirm();
    Result<NetworkState> revert();

    std::optional<std::chrono::milliseconds> due() const { return deadline_; }
    void tick();

private:
    const NetworkSettings& inForce() const { return trial_ ? *trial_ : kept_; }
    Result<void> apply(const NetworkSettings& settings, bool tell);
    void load();
    Result<void> goBack(const char* why);

    const Places& places_;
    const Programs& programs_;
    const BootClock& clock_;
    const std::chrono::milliseconds limit_;
    const Log& log_;
    NetworkSettings kept_;
    std::optional<NetworkSettings> trial_;
    std::optional<std::chrono::milliseconds> deadline_;  ///< of the trial, or of the next try to go back
};

/// The installation of a bundle: one at a time, in the background.
class Updater {
public:
    Updater(const Places& places, const Programs& programs, const BootClock& clock, const Log& log);
    ~Updater();
    Updater(const Updater&) = delete;
    Updater& operator=(const Updater&) = delete;

    void start();  ///< picks up how the last one ended
    /// After a restart of the box: also whether what was installed runs now, or the box went back, and why.
    UpdateState state();
    /// A person chose what is started next.
    void marked(const SlotMark& mark, const SlotsState& slots);
    bool isBusy() const { return running_.has_value(); }
    /// @error busy     one is under way
    /// @error missing  there is no bundle, or no RAUC
    Result<void> install();
    /// To be polled for reading; below 0: nothing runs.
    int output() const { return running_ ? running_->output : -1; }
    void readable();

private:
    void line(std::string_view text);
    void ended();
    void keep();
    void wentInto(const SlotsState& slots);
    void judge();
    void forgetWentBack();

    const Places& places_;
    const Programs& programs_;
    const BootClock& clock_;
    const Log& log_;
    UpdateState state_;
    std::string boot_;     ///< the start of the box in which it was installed
    bool judged_ = false;  ///< in this start of the box
    std::optional<Programs::Running> running_;
    std::string partial_;    ///< of a line
    std::string lastError_;  ///< RAUC's own word for it
};

class Box {
public:
    Box(Places places, Programs programs, BootClock clock, std::chrono::milliseconds trial, Log log);

    /// Puts all kept settings in force. Trouble goes to the log: the box is to be reached all the same.
    void start();
    /// @param request  that check() has let pass
    Result<Answer> answer(const Request& request);

    /// When tick() is wanted, on the BootClock; nothing: not at all.
    std::optional<std::chrono::milliseconds> due() const;
    void tick();
    std::chrono::milliseconds now() const { return clock_.now(); }

    Updater& updater() { return updater_; }

private:
    TimeState timeState() const;
    Result<void> applyTime(const TimeSettings& settings, bool tell);
    Result<Answer> setTime(const TimeSettings& settings);
    Result<Answer> setClock(const Clock& clock);
    Result<Answer> setHostname(const Hostname& hostname);
    Result<void> applyFirewall(const OpenPorts& ports);
    Result<Answer> setFirewall(const OpenPorts& ports);
    Result<Answer> endWith(Command command);
    Result<Answer> reset();

    const Places places_;
    const Programs programs_;
    const BootClock clock_;
    const Log log_;
    Network network_;
    Updater updater_;
    TimeSettings time_;
    OpenPorts open_{{443, 1688}, {}};  ///< what a new box lets in
    std::string hostname_;             ///< kept; empty: none was set
    std::optional<std::chrono::milliseconds> hostnameDue_;
    int hostnameTries_ = 0;
};

/// @error  as Programs::run(); internal: RAUC says what we do not understand
Result<SlotsState> askSlots(const Programs& programs);

/// The box's network ports as the kernel knows them, without the loopback.
std::vector<LivePort> livePorts();

}  // namespace muster::system
