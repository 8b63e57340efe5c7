/// The one main of all unit tests. CppUTest's own leak detector is not thread-safe and takes lazy statics for leaks:
/// it is off, LeakSanitizer (preset asan) does that work.
#include "CppUTest/CommandLineTestRunner.h"
#include "CppUTest/MemoryLeakWarningPlugin.h"

int main(int argc, char** argv) {
    MemoryLeakWarningPlugin::turnOffNewDeleteOverloads();
    return CommandLineTestRunner::RunAllTests(argc, argv);
}
