#include "system/commands.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "system/message.h"
#include "system/settings.h"

namespace muster::system {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr const char* kHostnamectl = "/usr/bin/hostnamectl";
constexpr const char* kNetworkctl = "/usr/bin/networkctl";
constexpr const char* kNft = "/usr/sbin/nft";
constexpr const char* kRauc = "/usr/bin/rauc";
constexpr const char* kSystemctl = "/usr/bin/systemctl";
constexpr const char* kTimedatectl = "/usr/bin/timedatectl";

constexpr std::size_t kShownWords = 400;  // octets of a program's words in an error
constexpr int kSignalled = 128;           // as shells count

const char* packageOf(std::string_view program) noexcept {
    return program == kNft ? "nftables" : program == kRauc ? "rauc" : "systemd";
}

bool isSeconds(std::string_view word) noexcept {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seconds);
    return error == std::errc() && end == word.data() + word.size() && seconds >= kMinClock && seconds <= kMaxClock;
}

bool isPath(std::string_view word) noexcept {
    return word.substr(0, 1) == "/" && isPlain(word, kMaxPath);
}

/// Closed at the end of its scope.
class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

int waitFor(pid_t child) noexcept {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return kSignalled;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

}  // namespace

Result<std::vector<std::string>> words(Command command, std::string_view word) {
    using Words = std::vector<std::string>;
    const auto refused = [&]() -> Result<Words> {
        return fail(Code::malformed, "command of the system helper", "\"" + plain(word, 64) + "\" is no word for it");
    };
    const auto alone = [&](Words all) -> Result<Words> {
        if (!word.empty())
            return refused();
        return all;
    };
    switch (command) {
        case Command::reloadNetwork:
            return alone({kNetworkctl, "reload"});
        case Command::restartResolved:
            return alone({kSystemctl, "--no-block", "try-restart", "systemd-resolved.service"});
        case Command::restartTime:
            return alone({kSystemctl, "--no-block", "restart", "systemd-timesyncd.service"});
        case Command::stopTime:
            return alone({kSystemctl, "--no-block", "stop", "systemd-timesyncd.service"});
        case Command::setClock:
            if (!isSeconds(word))
                return refused();
            return Words{kTimedatectl, "set-time", "@" + std::string(word)};
        case Command::setHostname:
            if (!hostnameFindings(word).empty())
                return refused();
            return Words{kHostnamectl, "--transient", "hostname", std::string(word)};
        case Command::loadRuleset:
            if (!isPath(word))
                return refused();
            return Words{kNft, "--file", std::string(word)};
        case Command::slots:
            return alone({kRauc, "status", "--detailed", "--output-format=json"});
        case Command::markSlot:
            for (const char* as : {"good", "bad", "active"})
                for (const char* which : {"booted", "other"})
                    if (word == std::string(as) + " " + which)
                        return Words{kRauc, "status", std::string("mark-") + as, which};
            return refused();
        case Command::install:
            if (!isPath(word))
                return refused();
            return Words{kRauc, "install", std::string(word)};
        case Command::reboot:
            return alone({kSystemctl, "--no-block", "reboot"});
        case Command::powerOff:
            return alone({kSystemctl, "--no-block", "poweroff"});
    }
    return refused();
}

Result<std::vector<std::string>> Programs::placed(Command command, std::string_view word) const {
    auto all = words(command, word);
    if (!all)
        return all;
    const std::string standard = all->front();
    if (!directory_.empty())
        all->front() = directory_ + standard.substr(standard.rfind('/'));
    if (::access(all->front().c_str(), X_OK) != 0)
        return fail(Code::missing, all->front(),
                    std::string("is not there; it is of Debian's package ") + packageOf(standard));
    return all;
}

bool Programs::isThere(Command command) const {
    return placed(command, {}).has_value();
}

Result<Programs::Running> Programs::start(Command command, std::string_view word) const {
    auto all = placed(command, word);
    if (!all)
        return fail(all.error());
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
        return fail(Code::internal, all->front(), "pipe2: " + std::system_category().message(errno));
    Descriptor output(pipe[0]);
    const Descriptor his(pipe[1]);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);

    std::vector<char*> arguments;
    for (std::string& one : *all)
        arguments.push_back(one.data());
    arguments.push_back(nullptr);
    // systemctl and its like find the bus and the manager at their fixed places.
    std::array<std::string, 4> variables{"PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "SYSTEMD_COLORS=0"};
    std::array<char*, variables.size() + 1> environment{};
    std::transform(variables.begin(), variables.end(), environment.begin(),
                   [](std::string& one) { return one.data(); });

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, his.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, his.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    sigset_t none;
    sigset_t all_;
    ::sigemptyset(&none);
    ::sigfillset(&all_);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all_);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    Running running;
    const int error =
        ::posix_spawn(&running.pid, all->front().c_str(), &actions, &attributes, arguments.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return fail(Code::internal, all->front(), "cannot be started: " + std::system_category().message(error));
    running.output = output.release();
    return running;
}

Result<std::string> Programs::run(Command command, std::string_view word, std::chrono::milliseconds limit) const {
    auto running = start(command, word);
    if (!running)
        return fail(running.error());
    const Descriptor output(running->output);
    const auto until = Steady::now() + limit;
    std::string text;
    bool late = false;
    for (bool more = true; more && !late;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
        pollfd wait{output.get(), POLLIN, 0};
        const int ready = left > 0ms ? ::poll(&wait, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        late = ready <= 0;
        if (late)
            break;
        std::array<char, 4096> piece{};
        const ssize_t size = ::read(output.get(), piece.data(), piece.size());
        more = size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
        if (size > 0)
            text.append(piece.data(), std::min(static_cast<std::size_t>(size), kMaxOutput - text.size()));
    }
    // It has said all; one that closed its output and goes on has what is left of the limit.
    while (!late) {
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(running->pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid != 0)
            break;
        late = Steady::now() >= until;
        ::poll(nullptr, 0, 2);
    }
    if (late)
        ::kill(-running->pid, SIGKILL);
    const int exit = waitFor(running->pid);
    const std::string program = words(command, word)->front();
    if (late)
        return fail(Code::timeout, program, "did not end within " + std::to_string(limit.count()) + " ms");
    if (exit != 0) {
        std::string said = plain(text, kShownWords);
        said.erase(said.find_last_not_of(' ') + 1);
        return fail(Code::internal, program,
                    "ended with " + std::to_string(exit) + (said.empty() ? " and said nothing" : ": " + said));
    }
    return text;
}

}  // namespace muster::system
