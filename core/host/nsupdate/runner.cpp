#include "host/nsupdate/runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "muster/types.h"

#include "host/nsupdate/message.h"
#include "host/nsupdate/script.h"

namespace muster::nsupdate {

namespace {

using namespace std::chrono_literals;

constexpr int kSignalled = 128;  // as shells count
constexpr int kNotStarted = 127;

std::string words(int error) {
    return std::system_category().message(error);
}

std::optional<std::string> installed(const std::vector<std::string>& places) {
    for (const std::string& place : places)
        if (::access(place.c_str(), X_OK) == 0)
            return place;
    return std::nullopt;
}

/// Closed at the end of its scope.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const noexcept { return fd_; }
    void set(int fd) noexcept { fd_ = fd; }
    void close() noexcept {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

/// A file that is gone at the end of a scope.
struct Forgotten {
    const std::filesystem::path& path;
    ~Forgotten() { ::unlink(path.c_str()); }
};

struct Ended {
    int exit = kNotStarted;
    bool timedOut = false;
};

class Child {
public:
    /// @param words  up to kMaxWords octets of what it prints are put behind what is there
    static Ended run(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                     std::string_view input, Monotonic until, std::string& words);

private:
    [[noreturn]] static void become(const std::vector<std::string>& command,
                                    const std::vector<std::string>& environment, int input, int output);
    static bool feed(Descriptor& input, std::string_view& left);
    static bool drain(int output, std::string& words);
};

void Child::become(const std::vector<std::string>& command, const std::vector<std::string>& environment, int input,
                   int output) {
    const auto pointers = [](const std::vector<std::string>& texts) {
        std::vector<char*> all;
        all.reserve(texts.size() + 1);
        for (const std::string& text : texts)
            all.push_back(const_cast<char*>(text.c_str()));  // execve takes them so and changes nothing
        all.push_back(nullptr);
        return all;
    };
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execve(command.front().c_str(), pointers(command).data(), pointers(environment).data());
    ::_exit(kNotStarted);
}

/// @return  false: nothing more is to be written
bool Child::feed(Descriptor& input, std::string_view& left) {
    const ssize_t wrote = ::send(input.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (wrote > 0)
        left.remove_prefix(static_cast<std::size_t>(wrote));
    if ((wrote < 0 && errno != EAGAIN && errno != EINTR) || left.empty())
        input.close();  // its end of file
    return input.get() >= 0;
}

/// @return  false: nothing more comes
bool Child::drain(int output, std::string& words) {
    std::array<char, 4096> piece{};
    const ssize_t size = ::read(output, piece.data(), piece.size());
    if (size > 0) {
        const std::size_t room = kMaxWords - std::min(words.size(), kMaxWords);
        words.append(piece.data(), std::min(static_cast<std::size_t>(size), room));
    }
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

Ended Child::run(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                 std::string_view input, Monotonic until, std::string& words) {
    std::array<int, 2> in{-1, -1};
    std::array<int, 2> out{-1, -1};
    // No pipe: a program that ends before it has read all is no signal for this process.
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()) != 0)
        return {};
    Descriptor hisInput(in[0]);
    Descriptor input_(in[1]);
    if (::pipe2(out.data(), O_CLOEXEC) != 0)
        return {};
    Descriptor output(out[0]);
    Descriptor hisOutput(out[1]);
    ::fcntl(input_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    const pid_t child = ::fork();
    if (child == 0)
        become(command, environment, hisInput.get(), hisOutput.get());
    if (child < 0)
        return {};
    ::setpgid(child, child);  // both do it: whoever comes first
    hisInput.close();
    hisOutput.close();

    Ended ended;
    for (bool more = true; more;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left <= 0ms) {
            ended.timedOut = true;
            break;
        }
        std::array<pollfd, 2> waits{{{output.get(), POLLIN, 0}, {input_.get(), POLLOUT, 0}}};
        if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
            break;
        if (waits[1].revents != 0)
            feed(input_, input);
        if (waits[0].revents != 0)
            more = drain(output.get(), words);
    }
    // It has said all, or may say no more: a program that closed its output and goes on is ended too.
    int status = 0;
    const auto grace = std::min(until, std::chrono::steady_clock::now() + 2s);
    while (!ended.timedOut && ::waitpid(child, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() >= grace)
            ended.timedOut = true;
        ::poll(nullptr, 0, 2);
    }
    if (ended.timedOut) {
        ::kill(-child, SIGKILL);
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    ended.exit = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
    return ended;
}

}  // namespace

Runner::Runner(const std::filesystem::path& state, Programs programs)
    : directory_(state / "gss"), programs_(std::move(programs)) {
    environment_.emplace_back("LC_ALL=C");
    const char* config = std::getenv("KRB5_CONFIG");  // NOLINT(concurrency-mt-unsafe): before the first thread
    if (config != nullptr)
        environment_.push_back(std::string("KRB5_CONFIG=") + config);
}

Result<SecureUpdateOutcome> Runner::run(const SecureUpdate& update) const {
    const std::string subject = "secure update of zone " + update.zone;
    const auto program = installed(programs_.nsupdate);
    if (!program)
        return fail(Code::missing, subject,
                    programs_.nsupdate.front() + " is not there: install the package bind9-dnsutils");
    const auto kinit = installed(programs_.kinit);
    if (!update.principal.empty() && !kinit)
        return fail(Code::missing, subject,
                    programs_.kinit.front() +
                        " is not there: install the package krb5-user, or name no principal: the "
                        "first of the keytab is taken then");
    {
        const Descriptor keytab(::open(update.keytab.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        struct stat entry {};
        if (keytab.get() < 0)
            return fail(Code::denied, subject,
                        "the keytab " + update.keytab + " cannot be read: " + words(errno) +
                            "; it must be there and belong to the daemon's own user, mode 0600");
        if (::fstat(keytab.get(), &entry) != 0 || !S_ISREG(entry.st_mode))
            return fail(Code::denied, subject, "the keytab " + update.keytab + " is no regular file");
    }
    struct stat entry {};
    if ((::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) || ::lstat(directory_.c_str(), &entry) != 0 ||
        !S_ISDIR(entry.st_mode))
        return fail(Code::storage, subject, directory_.string() + " cannot be made: " + words(errno));

    const std::filesystem::path ticket = directory_ / "ticket";
    ::unlink(ticket.c_str());  // of a run that was killed
    const Forgotten forgotten{ticket};

    std::vector<std::string> environment = environment_;
    environment.push_back("KRB5_CLIENT_KTNAME=FILE:" + update.keytab);
    environment.push_back("KRB5CCNAME=FILE:" + ticket.string());
    const Monotonic until = std::chrono::steady_clock::now() + update.limit;
    SecureUpdateOutcome outcome;
    const auto took = [&](const Ended& ended) {
        outcome.exit = ended.exit;
        outcome.timedOut = ended.timedOut;
        outcome.ticket = ::stat(ticket.c_str(), &entry) == 0 && entry.st_size > 0;
        return ended.exit == 0 && !ended.timedOut;
    };
    if (!update.principal.empty() &&
        !took(Child::run({*kinit, "-k", "-t", update.keytab, "-c", "FILE:" + ticket.string(), update.principal},
                         environment, {}, until, outcome.words))) {
        if (outcome.timedOut)
            outcome.words += "kinit did not end in time: no KDC of the realm answers";
        outcome.ticket = false;
        outcome.timedOut = false;  // what was killed was kinit: nothing was sent to a name server
        return outcome;
    }
    took(Child::run({*program, "-g"}, environment, script(update), until, outcome.words));
    return outcome;
}

}  // namespace muster::nsupdate
