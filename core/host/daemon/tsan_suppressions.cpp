/// What the thread sanitizer is to know of musterd. Part of such builds alone.

extern "C" const char* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name

extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): as above
    // Debian's POCO is not instrumented, so that the count of references by which its threads hand over a socket is
    // invisible: the last owner's delete looks like a race with the reads of the one before.
    return "race:muster::control::PeerSocket::~PeerSocket\n";
}
