#include "connections.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::listener;

TEST_GROUP(Connections) {
    ConnectionPlaces places;

    Connection& take() {
        Connection* connection = places.take();
        CHECK_TRUE(connection != nullptr);
        connection->state = Connection::State::open;
        return *connection;
    }
};

TEST(Connections, areFoundByTheirTokenUntilTheirPlaceIsGivenBack) {
    Connection& one = take();
    const std::uint64_t token = one.token();
    POINTERS_EQUAL(&one, places.find(token));
    places.giveBack(one);
    POINTERS_EQUAL(nullptr, places.find(token));
    Connection& again = take();
    POINTERS_EQUAL(&one, &again);
    POINTERS_EQUAL(nullptr, places.find(token));
    POINTERS_EQUAL(&again, places.find(again.token()));
    POINTERS_EQUAL(nullptr, places.find(~std::uint64_t{0}));
}

TEST(Connections, keepTheirPlacesWhenMoreComes) {
    std::vector<std::uint64_t> tokens;
    for (int i = 0; i < 1000; ++i)
        tokens.push_back(take().token());
    for (std::size_t i = 0; i < tokens.size(); ++i)
        LONGS_EQUAL(i, places.find(tokens[i])->index);
}

TEST(Connections, leaveAListFromAnywhere) {
    ConnectionList list(&Connection::byState);
    Connection& a = take();
    Connection& b = take();
    Connection& c = take();
    for (Connection* connection : {&a, &b, &c})
        list.append(*connection);
    list.remove(b);
    POINTERS_EQUAL(&a, list.first());
    POINTERS_EQUAL(&c, list.after(a));
    list.remove(a);
    list.append(a);
    POINTERS_EQUAL(&c, list.first());
    list.remove(c);
    list.remove(a);
    POINTERS_EQUAL(nullptr, list.first());
    LONGS_EQUAL(0, list.size());
}

TEST(Connections, holdWhatWaitsInItsOrderAndNoMemoryAfterwards) {
    Waiting waiting;
    const std::array<std::byte, 3> abc{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    for (int i = 0; i < 200; ++i)
        CHECK_TRUE(waiting.append(abc));
    waiting.consume(4);
    CHECK_TRUE(waiting.append(abc));
    LONGS_EQUAL(599, waiting.size());
    CHECK_TRUE(waiting.octets()[0] == std::byte{'b'});
    CHECK_TRUE(waiting.octets()[598] == std::byte{'c'});
    waiting.consume(599);
    CHECK_TRUE(waiting.empty());
    POINTERS_EQUAL(nullptr, waiting.octets().data());
}
