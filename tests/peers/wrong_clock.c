/* Preloaded into a name server or musterd: its clock is off by MUSTER_TEST_CLOCK seconds, or by those that stand in the
 * file MUSTER_TEST_CLOCK_FILE (8 octets, of this machine), which may change while it runs. libfaketime does that for
 * others, but not for named: its allocator asks for the time before libfaketime is ready. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long seconds;
static const volatile int64_t* shared;

/* Before any thread of the program's own: nothing has to be locked later. */
__attribute__((constructor)) static void begin(void) {
    const char* text = getenv("MUSTER_TEST_CLOCK");       // NOLINT(concurrency-mt-unsafe): one thread
    const char* path = getenv("MUSTER_TEST_CLOCK_FILE");  // NOLINT(concurrency-mt-unsafe): one thread
    seconds = text != NULL ? strtol(text, NULL, 10) : 0;
    if (path == NULL)
        return;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (memory == MAP_FAILED)
        abort();
    shared = memory;
}

static long skew(void) {
    return shared != NULL ? (long)*shared : seconds;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec* now) {
    const int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += skew();
    return result;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval* restrict now, void* restrict zone) {
    struct timespec time;
    (void)zone;
    const int result = clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return result;
}

__attribute__((visibility("default"))) time_t time(time_t* now) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    if (now != NULL)
        *now = time.tv_sec;
    return time.tv_sec;
}
