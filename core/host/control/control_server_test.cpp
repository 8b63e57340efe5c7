#include "host/control/control_server.h"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "host/control/peer.h"

using namespace muster;
using namespace muster::control;

namespace {

constexpr Field kBody[] = {{.name = "name", .required = true}};

/// One connection of its own; reads until the server closes.
class Connection {
public:
    explicit Connection(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { ::close(fd_); }
    bool connected() const { return connected_; }
    void send(const std::string& text) const {
        // The server may refuse in the middle: what it says is what counts.
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t sent = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
            if (sent <= 0)
                return;
            done += static_cast<std::size_t>(sent);
        }
    }
    /// Up to `until`, or to the end.
    std::string read(const std::string& until = "") {
        std::string out;
        char piece[4096];
        while (until.empty() || out.find(until) == std::string::npos) {
            pollfd watched{fd_, POLLIN, 0};
            if (::poll(&watched, 1, 30'000) <= 0)
                return out + "(nothing came)";
            const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
            if (got <= 0)
                break;
            out.append(piece, static_cast<std::size_t>(got));
        }
        return out;
    }

private:
    int fd_;
    bool connected_ = false;
};

}  // namespace

TEST_GROUP(ControlServer) {
    std::filesystem::path directory;
    std::string path;
    api::OperationTable table;
    std::unique_ptr<ControlServer> server;
    std::atomic<int> streamsEnded{0};
    Options options;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-control-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        path = (directory / "control.sock").string();
        add({.method = "GET", .path = "/status", .role = Role::viewer}, [](const Call& call) -> Result<Reply> {
            return Reply(json({{"caller", call.caller.name}, {"role", api::roleName(call.caller.role)}}));
        });
        add({.method = "POST", .path = "/things", .role = Role::operator_, .body = kBody},
            [](const Call& call) -> Result<Reply> {
                return Reply(json({{"got", call.text("name")}}));
            });
        add({.method = "GET", .path = "/events", .role = Role::viewer, .stream = true},
            [this](const Call&) -> Result<Reply> {
                Reply reply;
                reply.stream = [this](Sink& sink) {
                    int n = 0;
                    while (sink.write(json({{"n", n++}})) && (n < 3 || sink.idle()))
                        ;
                    ++streamsEnded;
                };
                return reply;
            });
        options.threads = 4;
    }
    void teardown() override {
        server.reset();
        std::filesystem::remove_all(directory);
    }
    void add(const Operation& operation, Handler handler) {
        CHECK(table.add("core", operation, std::move(handler)).has_value());
    }
    void start() {
        server = std::make_unique<ControlServer>(path, table, options);
        const auto started = server->start();
        CHECK_TEXT(started.has_value(), started ? "" : started.error().text().c_str());
    }
    std::string ask(const std::string& request) const {
        Connection connection(path);
        connection.send(request);
        return connection.read();
    }
};

TEST(ControlServer, answersAndKnowsTheCaller) {
    start();
    const std::string answer = ask("GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
    STRCMP_CONTAINS("HTTP/1.1 200 OK", answer.c_str());
    STRCMP_CONTAINS(("{\"caller\":\"uid " + std::to_string(geteuid()) + "\",\"role\":\"admin\"}").c_str(),
                    answer.c_str());
    STRCMP_CONTAINS("Content-Type: application/json", answer.c_str());
}

TEST(ControlServer, takesABodyWithLengthInChunksAndAfterContinue) {
    start();
    STRCMP_CONTAINS("{\"got\":\"a\"}",
                    ask("POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Content-Length: 12\r\n\r\n{\"name\":\"a\"}")
                        .c_str());
    STRCMP_CONTAINS("{\"got\":\"ab\"}",
                    ask("POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"name\":\r\n5\r\n\"ab\"}\r\n0\r\n\r\n")
                        .c_str());
    Connection connection(path);
    connection.send(
        "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
        "Content-Length: 12\r\n\r\n");
    STRCMP_CONTAINS("100 Continue", connection.read("\r\n\r\n").c_str());
    connection.send("{\"name\":\"a\"}");
    const std::string answer = connection.read();
    STRCMP_CONTAINS("{\"got\":\"a\"}", answer.c_str());
    CHECK(answer.find("100 Continue") == std::string::npos);  // once is enough
}

TEST(ControlServer, doesNotAskForABodyThatItRefuses) {
    start();
    const std::string answer =
        ask("POST /api/v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
            "Content-Length: 12\r\n\r\n");
    STRCMP_CONTAINS("HTTP/1.1 404", answer.c_str());
    CHECK(answer.find("100 Continue") == std::string::npos);
}

TEST(ControlServer, givesProblemsTheirStatus) {
    start();
    STRCMP_CONTAINS("HTTP/1.1 404", ask("GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
    STRCMP_CONTAINS("HTTP/1.1 404", ask("GET /status HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
    const std::string wrong = ask("DELETE /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
    STRCMP_CONTAINS("HTTP/1.1 405", wrong.c_str());
    STRCMP_CONTAINS("Allow: GET", wrong.c_str());
    STRCMP_CONTAINS("application/problem+json", wrong.c_str());
}

TEST(ControlServer, boundsHeadAndBody) {
    start();
    const std::string big(17'000, 'a');
    STRCMP_CONTAINS("HTTP/1.1 431", ask("GET /api/v1/status HTTP/1.1\r\nHost: x\r\nA: " + big.substr(0, 8000) +
                                        "\r\nB: " + big.substr(0, 8000) + "\r\nC: " + big.substr(0, 800) + "\r\n\r\n")
                                        .c_str());
    CHECK(ask("GET /api/v1/status?" + big + big + " HTTP/1.1\r\nHost: x\r\n\r\n").find("200 OK") == std::string::npos);
    STRCMP_CONTAINS("HTTP/1.1 413",
                    ask("POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n").c_str());
    std::string chunks;
    for (int i = 0; i < 20; ++i)
        chunks += "1000\r\n" + std::string(4096, ' ') + "\r\n";
    STRCMP_CONTAINS("HTTP/1.1 413", ask("POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                        "Transfer-Encoding: chunked\r\n\r\n" +
                                        chunks + "0\r\n\r\n")
                                        .c_str());
}

TEST(ControlServer, survivesWhatIsNoHttp) {
    start();
    for (const char* junk :
         {"\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "GET /api/v1/status HTTP/9.9\r\n\r\n",
          "POST /api/v1/things HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
          "POST /api/v1/things HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "POST /api/v1/things HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        Connection connection(path);
        connection.send(junk);
    }
    STRCMP_CONTAINS("200 OK", ask("GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
}

TEST(ControlServer, saysWhatIsWrongWithLengthAndVersion) {
    start();
    const auto post = [&](const std::string& length) {
        return ask("POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n");
    };
    STRCMP_CONTAINS("HTTP/1.1 400", post("-5").c_str());
    // POCO closes these itself, without a word.
    for (const char* length : {"99999999999999999999", "12x", ""})
        CHECK_TEXT(post(length).find(" 200 ") == std::string::npos, length);
    STRCMP_CONTAINS("HTTP/1.1 505", ask("GET /api/v1/status HTTP/9.9\r\nHost: x\r\n\r\n").c_str());
    STRCMP_CONTAINS("HTTP/1.1 404 Not Found", ask("GET /api/v1/x HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
}

TEST(ControlServer, givesUpAHeadThatDripsInTooSlowly) {
    options.headTime = std::chrono::milliseconds(300);
    start();
    Connection connection(path);
    const auto giveUp = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    connection.send("GET /api/v1/status HTTP/1.1\r\n");
    std::atomic<bool> closed{false};
    std::thread reader([&] {
        const std::string answer = connection.read();
        closed = answer.find("200") == std::string::npos;
    });
    while (!closed && std::chrono::steady_clock::now() < giveUp) {
        connection.send("A: b\r\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    reader.join();
    CHECK(closed);
}

TEST(ControlServer, streamsLinesUntilThePeerGoes) {
    start();
    {
        Connection connection(path);
        connection.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
        STRCMP_CONTAINS("{\"n\":2}", connection.read("{\"n\":2}\n").c_str());
    }
    const auto giveUp = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (streamsEnded == 0 && std::chrono::steady_clock::now() < giveUp)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    LONGS_EQUAL(1, streamsEnded);
}

TEST(ControlServer, streamsLeaveRoomForOtherRequestsAndEndAtStop) {
    start();
    Connection one(path);
    Connection two(path);
    for (Connection* stream : {&one, &two}) {
        stream->send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
        STRCMP_CONTAINS("{\"n\":2}", stream->read("{\"n\":2}\n").c_str());
    }
    STRCMP_CONTAINS("HTTP/1.1 503", ask("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
    STRCMP_CONTAINS("200 OK", ask("GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
    server->stop();
    LONGS_EQUAL(2, streamsEnded);
    CHECK(!std::filesystem::exists(path));
}

TEST(ControlServer, makesASocketThatOthersMayNotOpen) {
    start();
    struct stat info {};
    LONGS_EQUAL(0, stat(path.c_str(), &info));
    CHECK(S_ISSOCK(info.st_mode));
    LONGS_EQUAL(0660, info.st_mode & 0777U);
}

TEST(ControlServer, replacesTheSocketOfADeadDaemonButNotOfALiveOne) {
    start();
    ControlServer second(path, table, options);
    const auto refused = second.start();
    CHECK(!refused);
    LONGS_EQUAL(int(Code::duplicate), int(refused.error().code));
    STRCMP_CONTAINS("another daemon answers there", refused.error().text().c_str());
    server->stop();

    const auto dead = listenAt(path, std::nullopt);  // a daemon that was killed leaves its file behind
    CHECK(dead.has_value());
    ::close(*dead);
    CHECK(std::filesystem::exists(path));
    CHECK(second.start().has_value());
    STRCMP_CONTAINS("200 OK", ask("GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n").c_str());
}

TEST(ControlServer, neverReplacesAFile) {
    std::ofstream(path) << "precious";
    ControlServer server(path, table, options);
    const auto refused = server.start();
    CHECK(!refused);
    STRCMP_CONTAINS("is no socket", refused.error().text().c_str());
    LONGS_EQUAL(8, std::filesystem::file_size(path));
}

TEST(ControlServer, saysWhatIsWrongWithItsPath) {
    for (const auto& [bad, words] :
         {std::pair{(directory / "no/such/control.sock").string(), "directory must be there"},
          std::pair{(directory / std::string(120, 'x')).string(), "1 to 100"}}) {
        ControlServer server(bad, table, options);
        const auto refused = server.start();
        CHECK(!refused);
        STRCMP_CONTAINS(words, refused.error().text().c_str());
    }
}

TEST(ControlServer, canBeStoppedTwiceAndWithoutAStart) {
    ControlServer never(path, table, options);
    never.stop();
    start();
    server->stop();
    server->stop();
}

TEST(ControlServer, knowsRootItsOwnUserAndTheGroupAndNobodyElse) {
    int pair[2];
    LONGS_EQUAL(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    CHECK(identify(pair[0], std::nullopt).role == Role::admin);
    ::close(pair[0]);
    ::close(pair[1]);
    CHECK(!identify(-1, std::nullopt).role.has_value());

    if (::geteuid() != 0)
        return;  // only root can become somebody else
    // {groups of the peer, what it is}: 65533 stands for the operators' group.
    struct Case {
        gid_t primary;
        std::vector<gid_t> more;
        std::optional<Role> role;
    };
    for (const Case& one : {Case{65534, {}, std::nullopt}, Case{65533, {}, Role::operator_},
                            Case{65534, {100, 65533, 101}, Role::operator_}, Case{65534, {100}, std::nullopt}}) {
        const auto listening = listenAt(path, std::nullopt);
        CHECK(listening.has_value());
        LONGS_EQUAL(0, ::chmod(path.c_str(), 0666));
        LONGS_EQUAL(0, ::chmod(directory.c_str(), 0755));
        const pid_t child = ::fork();
        if (child == 0) {
            const bool became = ::setgroups(one.more.size(), one.more.data()) == 0 &&
                                ::setresgid(one.primary, one.primary, one.primary) == 0 &&
                                ::setresuid(65534, 65534, 65534) == 0;
            char end = 0;
            const Connection connection(path);
            ::_exit(became && connection.connected() && ::read(0, &end, 0) == 0 ? 0 : 1);
        }
        const int accepted = ::accept4(*listening, nullptr, nullptr, SOCK_CLOEXEC);
        CHECK(accepted >= 0);
        const Peer peer = identify(accepted, 65533);
        LONGS_EQUAL(65534, peer.uid);
        CHECK(peer.role == one.role);
        int status = 0;
        ::waitpid(child, &status, 0);
        LONGS_EQUAL(0, status);
        ::close(accepted);
        ::close(*listening);
    }
}
