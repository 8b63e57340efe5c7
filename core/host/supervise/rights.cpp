#include "host/supervise/rights.h"

#include <array>
#include <cerrno>
#include <linux/capability.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

#ifdef MUSTER_SECCOMP
#    include <seccomp.h>
#endif

namespace muster::supervise {

namespace {

static_assert(kLowPorts == CAP_NET_BIND_SERVICE);

tl::unexpected<Error> refused(Code code, const char* step, int error) {
    return fail(code, "rights", std::string(step) + ": " + std::system_category().message(error));
}

}  // namespace

Result<void> dropCapabilities(unsigned kept) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused(Code::denied, "no_new_privs", errno);
    // The bounding set first, as long as the right to narrow it is there; a user without that right has nothing to
    // lose.
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
        if (capability != kept)
            ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0)
        return refused(Code::denied, "capget", errno);
    bool more = false;  // of the two words the first has those below 32
    for (__user_cap_data_struct& word : data) {
        const std::uint32_t left = &word == data.data() ? word.permitted & (1U << kept) : 0;
        more = more || word.permitted != left || word.inheritable != 0;
        word = {left, left, 0};
    }
    if (!more)
        return {};  // as under the unit, which bounds them and denies capset
    if (::syscall(SYS_capset, &header, data.data()) != 0)
        return refused(Code::denied, "capset", errno);
    return {};
}

Result<void> denyExec() {
#ifdef MUSTER_SECCOMP
    scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
    if (filter == nullptr)
        return fail(Code::missing, "rights", "seccomp_init: no memory");
    int result = ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);  // all threads, not this one alone
    if (result == 0)
        result = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0);
    if (result == 0)
        result = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0);
    if (result == 0)
        result = ::seccomp_load(filter);
    ::seccomp_release(filter);
    if (result != 0)
        return refused(Code::missing, "seccomp", -result);
    return {};
#else
    return fail(Code::missing, "rights", "built without libseccomp; execve stays allowed unless the unit denies it");
#endif
}

}  // namespace muster::supervise
