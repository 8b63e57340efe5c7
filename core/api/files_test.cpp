#include <algorithm>

#include "CppUTest/TestHarness.h"

#include "api/kept_octets.h"
#include "api/serve.h"
#include "api/serve_fixture.h"

using namespace muster;
using namespace muster::api;

namespace {

/// Says how much comes, and gives it in pieces of three octets.
class Pieces final : public OctetSource {
public:
    explicit Pieces(std::string text, std::int64_t announced) : text_(std::move(text)), announced_(announced) {}
    std::int64_t announced() const noexcept override { return announced_; }
    Result<std::size_t> read(char* into, std::size_t most) override {
        touched = true;
        const std::size_t some = std::min({most, std::size_t{3}, text_.size() - at_});
        text_.copy(into, some, at_);
        at_ += some;
        return some;
    }
    bool touched = false;

private:
    std::string text_;
    std::int64_t announced_;
    std::size_t at_ = 0;
};

}  // namespace

TEST_GROUP_BASE(Files, ServeTest) {
    std::string received;
    std::string trouble;

    void setup() override {
        ServeTest::setup();
        add({.method = "POST", .path = "/file", .role = Role::operator_, .upload = 20},
            [this](const Call& call) -> Result<Reply> {
                char piece[7];
                while (true) {
                    const auto read = call.upload->read(piece, sizeof piece);
                    if (!read) {
                        trouble = read.error().text();
                        return fail(read.error());
                    }
                    if (*read == 0)
                        return Reply(json({{"octets", static_cast<std::int64_t>(received.size())}}));
                    received.append(piece, *read);
                }
            });
        add({.method = "GET", .path = "/file", .role = Role::viewer, .file = true}, [](const Call&) -> Result<Reply> {
            Reply reply;
            reply.file = {
                .mediaType = "text/csv", .name = "a\"\r\nb.csv", .write = [](OctetSink& sink) -> Result<void> {
                    sink.write("a,b\r\n");
                    return {};
                }};
            return reply;
        });
    }
    Response send(OctetSource & source, const char* target = "/file", Role role = Role::admin,
                  std::string_view type = "application/octet-stream") {
        return serve(table, {.method = "POST",
                             .target = target,
                             .contentType = type,
                             .body = {},
                             .caller = {"uid 0", role, "test"},
                             .source = &source});
    }
};

TEST(Files, anUploadReachesTheHandlerPieceByPiece) {
    Pieces file("0123456789", 10);
    LONGS_EQUAL(200, send(file).status);
    STRCMP_EQUAL("0123456789", received.c_str());
}

TEST(Files, anUploadIsNotTouchedBeforeItIsKnownWhoAsksAndHowLongItIs) {
    Pieces file("0123456789", 10);
    problem(send(file, "/file", Role::viewer), 403, "denied");
    problem(send(file, "/file", Role::none), 401, "unauthenticated");
    problem(send(file, "/no-such-thing"), 404, "missing");
    problem(send(file, "/file", Role::admin, "text/plain"), 415, "malformed");
    Pieces endless("0123456789", -1);
    problem(send(endless), 411, "malformed");
    Pieces big(std::string(21, 'x'), 21);
    problem(send(big), 413, "malformed");
    CHECK_FALSE(file.touched || endless.touched || big.touched);
    problem(call("POST", "/file"), 411, "malformed");
}

TEST(Files, anUploadThatIsLongerThanItSaidIsCutOff) {
    Pieces liar(std::string(40, 'x'), 10);
    problem(send(liar), 400, "malformed");
    STRCMP_CONTAINS("longer than", trouble.c_str());
    CHECK(received.size() <= 20);
}

TEST(Files, aBodyOfJsonIsReadFromItsSource) {
    Pieces body(R"({"name":"x"})", 12);
    LONGS_EQUAL(200, send(body, "/things", Role::operator_, "application/json").status);
    STRCMP_EQUAL("x", std::string(seen.text("name")).c_str());
    Pieces chunked(std::string(kMaxBody + 1, ' '), -1);
    problem(send(chunked, "/things", Role::operator_, "application/json"), 413, "malformed");
    Pieces announced("", static_cast<std::int64_t>(kMaxBody) + 1);
    problem(send(announced, "/things", Role::operator_, "application/json"), 413, "malformed");
    CHECK_FALSE(announced.touched);
}

TEST(Files, anAnswerThatIsAFileHasATypeAndAHarmlessName) {
    const Response response = call("GET", "/file");
    LONGS_EQUAL(200, response.status);
    STRCMP_EQUAL("text/csv", response.contentType.c_str());
    LONGS_EQUAL(1, response.headers.size());
    STRCMP_EQUAL("attachment; filename=\"a___b.csv\"", response.headers.front().second.c_str());
    KeptOctets kept;
    CHECK(response.file(kept).has_value());
    STRCMP_EQUAL("a,b\r\n", kept.text.c_str());
}

TEST(Files, shapesThatContradictThemselvesAreNotTaken) {
    const auto none = [](const Call&) -> Result<Reply> { return Reply(); };
    CHECK_FALSE(table.add("core", {.method = "GET", .path = "/up", .upload = 1}, none).has_value());
    CHECK_FALSE(table.add("core", {.method = "POST", .path = "/up", .body = kBody, .upload = 1}, none).has_value());
    CHECK_FALSE(table.add("core", {.method = "GET", .path = "/up", .list = true, .file = true}, none).has_value());
}
