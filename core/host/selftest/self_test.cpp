#include "host/selftest/self_test.h"

#include <array>
#include <sys/random.h>

#include "Poco/Net/IPAddress.h"
#include "Poco/Net/SocketAddress.h"

#include "kms/body.h"
#include "kms/rpc_mgmt.h"
#include "kms/stub.h"

namespace muster::selftest {

namespace {

constexpr std::uint16_t kActivate = 0;
constexpr const char* kEpid = "muster-self-test";  // deliberately none that a Windows client would take

Monotonic soon() {
    return std::chrono::steady_clock::now() + SelfTest::kStepTime;
}

Poco::Net::SocketAddress endOf(const Address& address) {
    if (address.isV4())
        return {Poco::Net::IPAddress(address.octets.data() + 12, 4), address.port};
    return {Poco::Net::IPAddress(address.octets.data(), 16, address.scopeId), address.port};
}

tl::unexpected<Error> failed(const Address& address, const std::string& words) {
    return fail(Code::internal, address.text(), words);
}

bool fill(std::span<std::byte> octets) noexcept {
    return ::getrandom(octets.data(), octets.size(), 0) == static_cast<ssize_t>(octets.size());
}

}  // namespace

Address reachable(const Address& address) noexcept {
    Address to = address;
    if (to.isV4()) {
        if (to.octets[12] == 0 && to.octets[13] == 0 && to.octets[14] == 0 && to.octets[15] == 0) {
            to.octets[12] = 127;
            to.octets[15] = 1;
        }
    } else if (to.octets == std::array<std::uint8_t, 16>{}) {
        to.octets[15] = 1;
    }
    return to;
}

bool SelfTest::comesFrom(const Address& source) noexcept {
    if (!announced_.load(std::memory_order_acquire))
        return false;
    const std::lock_guard lock(mutex_);
    return source == from_;
}

bool SelfTest::isOwn(const Guid& cmid) noexcept {
    if (!announced_.load(std::memory_order_acquire))
        return false;
    const std::lock_guard lock(mutex_);
    return cmid == cmid_;
}

void SelfTest::decide(Exchange& exchange) noexcept {
    const ActivationRequest& request = exchange.request();
    Outcome outcome = Outcome::refuse(HResult::invalidData, "a seal that is not the self-test's");
    try {
        if (isSealed(exchange.body())) {
            ActivationAnswer answer;
            answer.major = request.major;
            answer.minor = request.minor;
            answer.epid = kEpid;
            answer.cmid = request.cmid;
            answer.clientTime = request.clientTime;
            std::array<std::byte, kms::Answer4::kMaxSize> body{};
            const std::size_t size = kms::encodeAnswer(answer, body);
            const auto whole = std::span(body).first(size);
            if (size > 0 && seal(whole) && outcome.setBody(whole))
                outcome.kind = Outcome::Kind::answered;
        }
    } catch (const std::exception&) {
        outcome = Outcome::fault(RpcStatus::serverTooBusy, "no room for the self-test");
    }
    exchange.complete(outcome);
}

Result<std::vector<Step>> SelfTest::run(const std::vector<Address>& listening, pool::Store* store) {
    const std::unique_lock running(running_, std::try_to_lock);
    if (!running)
        return fail(Code::busy, "self-test", "another one is under way; ask again in a moment");
    std::vector<Step> steps;
    for (const Address& address : listening) {
        if (auto announced = announce(); !announced)
            return fail(announced.error());
        ask(reachable(address), store, steps);
        announced_.store(false, std::memory_order_release);
    }
    return steps;
}

Result<void> SelfTest::announce() {
    std::array<std::byte, kms::SealFileKey::kSize> key{};
    Guid cmid;
    if (!fill(key) || !fill(cmid.octets))
        return fail(Code::internal, "self-test", "the system gives no random numbers");
    // RFC 9562, 5.4: as those of clients are.
    cmid.octets[7] = (cmid.octets[7] & std::byte{0x0f}) | std::byte{0x40};
    cmid.octets[8] = (cmid.octets[8] & std::byte{0x3f}) | std::byte{0x80};
    auto made = kms::LabSeal::make(kms::SealFileKey(key));
    if (!made)
        return fail(made.error());
    const std::lock_guard lock(mutex_);
    cmid_ = cmid;
    seal_ = std::move(*made);
    announced_.store(true, std::memory_order_release);
    return {};
}

void SelfTest::ask(const Address& address, pool::Store* store, std::vector<Step>& steps) {
    const auto took = [&](const char* name, const Result<std::string>& found) {
        steps.push_back({name, address.text(), found.has_value(), found ? *found : found.error().detail});
        return found.has_value();
    };
    Guid cmid;
    {
        const std::lock_guard lock(mutex_);
        cmid = cmid_;
    }
    if (took("bind", bind(address)) && took("mgmt", mgmt(address)) && took("request", request(address)) &&
        store != nullptr)
        took("record", record(*store, cmid));
}

Result<void> SelfTest::connect(client::RpcConnection& connection, const Address& address, const kms::BindOffer& offer,
                               const char* service) {
    const Poco::Net::SocketAddress end = endOf(address);
    const auto from = connection.comeFrom(end.host());
    if (!from)
        return failed(address, from.error().detail);
    {
        const std::lock_guard lock(mutex_);
        from_ = address;
        from_.port = from->port();
    }
    if (const auto connected = connection.connect(end, soon()); !connected)
        return failed(address, connected.error().detail);
    if (const auto bound = connection.bind(offer, service, soon()); !bound)
        return failed(address, bound.error().detail);
    return {};
}

Result<std::string> SelfTest::bind(const Address& address) {
    client::RpcConnection connection;
    if (auto bound = connect(connection, address, {.ndr64 = true, .features = true}, "key management service"); !bound)
        return fail(bound.error());
    return "the listener takes the association";
}

Result<std::string> SelfTest::mgmt(const Address& address) {
    client::RpcConnection connection;
    if (auto bound = connect(connection, address, {.interface = kms::kMgmtInterface}, "management interface"); !bound)
        return fail(bound.error());
    const auto answer = connection.call(kms::kIsServerListening, {}, soon());
    if (!answer)
        return failed(address, answer.error().detail);
    // status, then whether it listens
    if (answer->stub.size() < 8 || kms::load<std::uint32_t>(answer->stub.data(), answer->order) != 0 ||
        kms::load<std::uint32_t>(answer->stub.data() + 4, answer->order) == 0)
        return failed(address, "is_server_listening says no");
    return "is_server_listening says yes";
}

Result<std::string> SelfTest::request(const Address& address) {
    ActivationRequest request;
    request.major = 4;
    request.requiredClients = 25;
    request.clientTime =
        FileTime::from(std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
    request.machine.assign(kEpid);
    {
        const std::lock_guard lock(mutex_);
        request.cmid = cmid_;
    }
    std::array<std::byte, kms::Request4::kSize> body{};
    kms::encodeRequest(request, body);
    if (!seal(body))
        return failed(address, "the request cannot be sealed");
    std::array<std::byte, kms::requestStubSize(kms::Request4::kSize)> stub{};
    kms::encodeRequestStub(body, stub);

    client::RpcConnection connection;
    if (auto bound = connect(connection, address, {.features = true}, "key management service"); !bound)
        return fail(bound.error());
    const auto came = connection.call(kActivate, stub, soon());
    if (!came)
        return failed(address, came.error().detail);
    const auto answered = kms::decodeAnswerStub(came->stub, came->order);
    if (!answered)
        return failed(address, kms::text(answered.error()));
    if (answered->result != HResult::ok)
        return failed(address, "it was refused with " + text(answered->result));
    ActivationAnswer answer;
    if (const auto read = kms::decodeAnswer(answered->body, answer); !read)
        return failed(address, kms::text(read.error()));
    if (answer.cmid != request.cmid || answer.clientTime.ticks != request.clientTime.ticks || !isSealed(answered->body))
        return failed(address, "the answer is not that to the self-test's request");
    return "answered, through listener and dispatcher";
}

Result<std::string> SelfTest::record(pool::Store& store, const Guid& cmid) {
    // It was answered, so it is on disk; here it must come to the table, too.
    if (!store.settle(kStepTime))
        return fail(Code::timeout, "record", "it is on disk, and did not come to the database in time");
    const auto last = store.lastOwn();
    if (!last || *last != cmid)
        return fail(Code::storage, "record", "it is not in the database: " + store.trouble());
    return "on disk and in the database";
}

bool SelfTest::seal(std::span<std::byte> body) noexcept {
    const std::lock_guard lock(mutex_);
    return seal_ && seal_->seal(body);
}

bool SelfTest::isSealed(Octets body) noexcept {
    const std::lock_guard lock(mutex_);
    return seal_ && seal_->isSealed(body);
}

}  // namespace muster::selftest
