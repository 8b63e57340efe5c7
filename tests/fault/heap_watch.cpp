/// Preloaded into musterd by the simulated day: writes down, ten times a second, how much of its heap is in use and how
/// much was freed and is still held. What the process holds resident does not tell a leak from a heap with holes.
///
/// One line in the file that MUSTER_HEAP_WATCH names: seconds of CLOCK_MONOTONIC, octets in use, octets free.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <malloc.h>
#include <pthread.h>
#include <string>

namespace {

constexpr timespec kPause{0, 100'000'000};

void write(const std::string& path, const std::string& line) {
    const std::string next = path + ".next";
    std::FILE* const file = std::fopen(next.c_str(), "we");
    if (file == nullptr)
        return;
    const bool whole = std::fputs(line.c_str(), file) >= 0;
    if (std::fclose(file) == 0 && whole)
        std::rename(next.c_str(), path.c_str());
}

void* watch(void*) {
    const std::string path = std::getenv("MUSTER_HEAP_WATCH");
    for (;;) {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        const struct mallinfo2 heap = mallinfo2();
        write(path, std::to_string(now.tv_sec) + "." + std::to_string(1'000'000'000 + now.tv_nsec).substr(1) + " " +
                        std::to_string(heap.uordblks + heap.hblkhd) + " " + std::to_string(heap.fordblks) + "\n");
        nanosleep(&kPause, nullptr);
    }
}

__attribute__((constructor)) void begin() {
    if (std::string(program_invocation_short_name) != "musterd" || std::getenv("MUSTER_HEAP_WATCH") == nullptr)
        return;
    pthread_t thread{};
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are musterd's own
    if (pthread_create(&thread, nullptr, watch, nullptr) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
