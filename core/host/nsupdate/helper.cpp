#include "host/nsupdate/helper.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <linux/capability.h>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "host/nsupdate/message.h"

namespace muster::nsupdate {

namespace {

using namespace std::chrono_literals;

constexpr auto kAfterLimit = 5s;  // for the helper to kill, to wait and to say so
constexpr int kSocket = 3;        // the helper's only descriptor but the three standard ones

tl::unexpected<Error> ended() {
    return fail(Code::missing, "secure update", "the helper process that starts nsupdate has ended; restart musterd");
}

/// @return  whether all of it worked: the helper does not run with more than it needs
bool giveUp(int fd) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    if (::syscall(SYS_capget, &header, held.data()) != 0)
        return false;
    const bool any = held[0].permitted != 0 || held[0].inheritable != 0 || held[1].permitted != 0 ||
                     held[1].inheritable != 0;  // the unit's filter denies capset to those who have none
    if (any && ::syscall(SYS_capset, &header, none.data()) != 0)
        return false;
    const int null = ::open("/dev/null", O_RDWR);
    if (null < 0)
        return false;
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup2(null, standard) < 0)
            return false;
    if (::dup2(fd, kSocket) < 0)
        return false;
    ::fcntl(kSocket, F_SETFD, FD_CLOEXEC);
    return ::close_range(kSocket + 1, ~0U, 0) == 0;
}

[[noreturn]] void serve(const Runner& runner) {
    std::vector<std::byte> packet(kMaxPacket);
    for (;;) {
        const ssize_t size = ::recv(kSocket, packet.data(), packet.size(), 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            ::_exit(0);  // musterd has ended
        const auto request = decodeRequest(Octets(packet).first(static_cast<std::size_t>(size)));
        const auto answer = request ? encodeAnswer(request->first, runner.run(request->second))
                                    : encodeAnswer(0, fail(request.error()));
        if (::send(kSocket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0)
            ::_exit(0);
    }
}

}  // namespace

Result<std::unique_ptr<Helper>> Helper::start(const std::filesystem::path& state, const Programs& programs) {
    const auto refused = [](const char* step) {
        return fail(Code::internal, "the helper that starts nsupdate",
                    std::string(step) + ": " + std::system_category().message(errno));
    };
    const Runner runner(state, programs);
    std::array<int, 2> pair{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
        return refused("socketpair");
    const pid_t musterd = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        const auto error = refused("fork");
        ::close(pair[0]);
        ::close(pair[1]);
        return error;
    }
    if (child == 0) {
        if (!giveUp(pair[1]) || ::getppid() != musterd)
            ::_exit(EXIT_FAILURE);
        serve(runner);
    }
    ::close(pair[1]);
    return std::unique_ptr<Helper>(new Helper(pair[0], child));
}

Helper::~Helper() {
    ::close(fd_);  // it ends by itself; and with it, killed by the kernel, what it runs
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<SecureUpdateOutcome> Helper::ask(const SecureUpdate& update) {
    if (auto checked = check(update); !checked)
        return fail(checked.error());
    const std::unique_lock lock(mutex_, update.limit);
    if (!lock.owns_lock())
        return fail(Code::busy, "secure update of zone " + update.zone, "another one does not end; it is tried again");
    const std::uint32_t number = ++number_ == 0 ? ++number_ : number_;
    auto request = encodeRequest(number, update);
    if (!request)
        return fail(request.error());
    if (::send(fd_, request->data(), request->size(), MSG_NOSIGNAL) < 0)
        return ended();
    const auto until = std::chrono::steady_clock::now() + update.limit + kAfterLimit;
    std::vector<std::byte> packet(kMaxPacket);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd wait{fd_, POLLIN, 0};
        const int ready = left > 0ms ? ::poll(&wait, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return fail(Code::timeout, "secure update of zone " + update.zone,
                        "the helper process does not answer; restart musterd");
        const ssize_t size = ::recv(fd_, packet.data(), packet.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size <= 0)
            return ended();
        auto answer = decodeAnswer(Octets(packet).first(static_cast<std::size_t>(size)));
        if (!answer)
            return fail(answer.error());
        if (answer->first == number || answer->first == 0)
            return std::move(answer->second);
        // of a question that was given up
    }
}

}  // namespace muster::nsupdate
