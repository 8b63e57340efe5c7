/// The appliance asks itself what a client would ask, over its own network sockets: bind, mgmt, and a version 4 request
/// through listener and dispatcher to the disk and back. It is what a new firmware is judged by before it is kept, so
/// it asks nobody else: no upstream and no name server hears of it, and it leaves nothing in pool, counts and journal.
///
/// The request carries a seal that is made up for it, as its CMID is. Nobody else can ask in this way: a request is
/// taken for the appliance's own only while one is announced, by 122 random bits.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "muster/exchange.h"
#include "muster/result.h"
#include "muster/types.h"

#include "client/rpc_connection.h"
#include "host/dispatch/service.h"
#include "kms/lab_seal.h"
#include "pool/store.h"

namespace muster::selftest {

/// One thing that was tried.
struct Step {
    std::string name;   ///< "bind", "mgmt", "request", "record"
    std::string where;  ///< "127.0.0.1:1688"
    bool good = false;
    std::string words;  ///< what was found, a clause
};

class SelfTest final : public dispatch::OwnRequests {
public:
    static constexpr std::chrono::seconds kStepTime{15};

    SelfTest() = default;
    virtual ~SelfTest() = default;
    SelfTest(const SelfTest&) = delete;
    SelfTest& operator=(const SelfTest&) = delete;

    bool comesFrom(const Address& source) noexcept override;
    bool isOwn(const Guid& cmid) noexcept override;
    void decide(Exchange& exchange) noexcept override;

    /// Tries all of `listening`, one at a time; a step that fails ends that address. Empty: nothing is listened on.
    /// @param store  where the record must arrive; nullptr: nothing is recorded, and that step is left out
    /// @error busy      another one is under way
    /// @error internal  the system gives no random numbers, or no AES-CMAC
    /// @thread any but a reactor's; takes at most kStepTime a step
    Result<std::vector<Step>> run(const std::vector<Address>& listening, pool::Store* store);

private:
    /// Makes up CMID and seal.
    Result<void> announce();
    void ask(const Address& address, pool::Store* store, std::vector<Step>& steps);
    /// A connection that the listener knows for the appliance's own, and an association for that interface.
    Result<void> connect(client::RpcConnection& connection, const Address& address, const kms::BindOffer& offer,
                         const char* service);
    Result<std::string> bind(const Address& address);
    Result<std::string> mgmt(const Address& address);
    Result<std::string> request(const Address& address);
    static Result<std::string> record(pool::Store& store, const Guid& cmid);
    bool seal(std::span<std::byte> body) noexcept;
    bool isSealed(Octets body) noexcept;

    std::mutex running_;
    std::atomic<bool> announced_{false};
    std::mutex mutex_;
    Guid cmid_;
    Address from_;
    std::optional<kms::LabSeal> seal_;
};

/// Where a program of this machine reaches a socket that listens on `address`: loopback for "all addresses".
Address reachable(const Address& address) noexcept;

}  // namespace muster::selftest
