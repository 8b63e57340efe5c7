/// The programs that musterd-system may start, with all that it may say to them. Nothing else can be started: a command
/// is one of an enumeration, its words stand here, and what a caller brings is at most one word that was checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "muster/result.h"

namespace muster::system {

enum class Command : std::uint8_t {
    reloadNetwork,    ///< networkctl reload
    restartResolved,  ///< systemctl --no-block try-restart systemd-resolved.service
    restartTime,      ///< systemctl --no-block restart systemd-timesyncd.service
    stopTime,         ///< systemctl --no-block stop systemd-timesyncd.service
    setClock,         ///< timedatectl set-time @SECONDS
    setHostname,      ///< hostnamectl --transient hostname NAME
    loadRuleset,      ///< nft --file PATH
    slots,            ///< rauc status --detailed --output-format=json
    markSlot,         ///< rauc status mark-good|mark-bad|mark-active booted|other: "good other"
    install,          ///< rauc install PATH
    reboot,           ///< systemctl --no-block reboot
    powerOff,         ///< systemctl --no-block poweroff
};
constexpr Command kLastCommand = Command::powerOff;

/// Argument vector with the program's absolute path first.
/// @param word  of setClock, setHostname, markSlot: as above; of loadRuleset and install: a path of the helper's own
/// @error malformed  `word` is none that this command takes
Result<std::vector<std::string>> words(Command command, std::string_view word);

/// How programs are started: without a shell, with a fixed environment, in a process group of their own.
/// @thread one
class Programs {
public:
    /// @param directory  empty: the paths that words() gives. Tests: programs of the same names in there
    explicit Programs(std::string directory = {}) : directory_(std::move(directory)) {}

    bool isThere(Command command) const;

    /// Waits for its end, at most `limit`.
    /// @return  what it printed, at most kMaxOutput octets
    /// @error malformed  as words()
    /// @error missing    the program is not installed
    /// @error timeout    it was killed
    /// @error internal   it did not end with 0; with its words
    Result<std::string> run(Command command, std::string_view word, std::chrono::milliseconds limit) const;

    struct Running {
        pid_t pid = -1;
        int output = -1;  ///< what it prints on both, non-blocking; the caller closes it
    };
    /// Does not wait. @error  as run()
    Result<Running> start(Command command, std::string_view word) const;

    static constexpr std::size_t kMaxOutput = std::size_t{64} * 1024;

private:
    Result<std::vector<std::string>> placed(Command command, std::string_view word) const;

    std::string directory_;
};

}  // namespace muster::system
