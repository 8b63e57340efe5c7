/// POCO counts the references to a socket inside its own library, where the thread sanitizer does not look: it is told
/// here that the last use of a socket comes before its end. Nothing in any other build.
#pragma once

#if defined(__SANITIZE_THREAD__)
#    define MUSTER_TSAN 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define MUSTER_TSAN 1
#    endif
#endif
#ifdef MUSTER_TSAN
extern "C" {
void __tsan_acquire(void* address);  // NOLINT(bugprone-reserved-identifier): the sanitizer's own name
void __tsan_release(void* address);  // NOLINT(bugprone-reserved-identifier): the sanitizer's own name
}
#endif

namespace muster::http {

/// In each function of a socket that POCO calls.
class SocketUse {
public:
    explicit SocketUse([[maybe_unused]] void* socket) noexcept : socket_(socket) {}
    SocketUse(const SocketUse&) = delete;
    SocketUse& operator=(const SocketUse&) = delete;
    ~SocketUse() {
#ifdef MUSTER_TSAN
        __tsan_release(socket_);
#endif
    }

private:
    [[maybe_unused]] void* socket_;
};

/// In its destructor.
inline void endOfUses([[maybe_unused]] void* socket) noexcept {
#ifdef MUSTER_TSAN
    __tsan_acquire(socket);
#endif
}

}  // namespace muster::http
