/* Preloaded into a name server: its clock is off by MUSTER_TEST_CLOCK seconds. libfaketime does that for others, but
 * not for named: its allocator asks for the time before libfaketime is ready. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long skew(void) {
    static long seconds;
    static int known;
    if (!known) {
        const char* text = getenv("MUSTER_TEST_CLOCK");
        seconds = text != NULL ? strtol(text, NULL, 10) : 0;
        known = 1;
    }
    return seconds;
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
