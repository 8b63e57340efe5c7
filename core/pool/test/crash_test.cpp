/// kill -9 at moments that nobody chose: everything that was acknowledged is there afterwards.
#include <csignal>
#include <random>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

/// Appends for ever, and writes the number of each acknowledged request to `acknowledged`.
[[noreturn]] void workForEver(const std::string& directory, std::uint64_t first, int acknowledged) {
    StoreConfig config = smallStore(directory);
    config.segmentOctets = std::size_t{64} * 1024;
    config.applyDelay = std::chrono::milliseconds(3);
    auto store = openStore(config);
    for (std::uint64_t next = first;; next += 5) {
        std::vector<RequestRecord> piece;
        for (std::uint64_t i = 0; i < 5; ++i)
            piece.push_back(requestOf(next + i));
        if (appendAndWait(*store, std::move(piece)) != Durability::durable)
            _exit(2);
        for (std::uint64_t i = 0; i < 5; ++i) {
            const std::uint64_t number = next + i;
            if (write(acknowledged, &number, sizeof number) != sizeof number)
                _exit(3);
        }
    }
}

}  // namespace

TEST_GROUP(Crash){};

TEST(Crash, losesNothingThatWasAcknowledged) {
    std::mt19937_64 dice(4711);
    const Scratch scratch;
    std::set<std::uint64_t> acknowledged;
    std::uint64_t first = 0;
    for (int round = 0; round < 12; ++round) {
        int ends[2];
        CHECK_EQUAL(0, pipe(ends));
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            workForEver(scratch.path(), first, ends[1]);
        }
        CHECK_TRUE(child > 0);
        close(ends[1]);
        const std::size_t until = acknowledged.size() + dice() % 400;
        std::uint64_t number = 0;
        while (acknowledged.size() < until && read(ends[0], &number, sizeof number) == sizeof number)
            acknowledged.insert(number);
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        CHECK_TRUE(WIFSIGNALED(status));
        while (read(ends[0], &number, sizeof number) == sizeof number)  // what it had said before it died
            acknowledged.insert(number);
        close(ends[0]);
        first += 1'000'000;

        auto store = openStore(smallStore(scratch.path()));
        std::set<Guid> there;
        CHECK_TRUE(store->reader()
                       .keys([&](const Guid&, const Guid& cmid) {
                           there.insert(cmid);
                           return true;
                       })
                       .has_value());
        for (const std::uint64_t one : acknowledged)
            CHECK_TRUE(there.contains(cmidOf(one)));
        CHECK_TRUE(scratch.holding("damaged").empty());
    }
    CHECK_TRUE(!acknowledged.empty());
}
