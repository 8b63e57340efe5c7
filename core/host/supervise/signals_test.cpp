#include "host/supervise/signals.h"

#include <csignal>
#include <string>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "host/reactor/epoll_reactor.h"

using namespace std::chrono_literals;

TEST_GROUP(SignalWatch){};

TEST(SignalWatch, tellsApartToStopAndToReadAgain) {
    muster::supervise::blockSignals();
    muster::reactor::EpollReactor reactor;
    std::string log;
    {
        const muster::supervise::SignalWatch watch(
            reactor, {[&](int signal) { log += signal == SIGTERM ? "T" : "I"; }, [&] { log += "H"; }});
        for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
            ::kill(::getpid(), signal);
            reactor.turn(10s);
        }
    }
    STRCMP_EQUAL("THI", log.c_str());
}
