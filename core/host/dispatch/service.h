/// What the dispatcher needs from other rooms to serve requests, and what it tells them.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "muster/plugin.h"
#include "muster/types.h"

namespace muster {
class Authority;
class Exchange;
namespace pool {
class Store;
}  // namespace pool
}  // namespace muster

namespace muster::dispatch {

/// Bounds how many new clients one source may bring.
class NewClients {
public:
    /// True when this client is unknown and its source has brought too many unknown ones of late. Called once per
    /// well-formed version 4 request. @thread any reactor's, several at a time
    virtual bool overLimit(const Address& source, const Guid& application, const Guid& cmid) noexcept = 0;

protected:
    ~NewClients() = default;
};

/// A request of the appliance's own that goes the whole way and touches nothing of the clients': it is in no count and
/// no journal, and no upstream hears of it (core/host/selftest).
class OwnRequests {
public:
    /// Whether a connection from there is the appliance's own. @thread any reactor's, several at a time
    virtual bool comesFrom(const Address& source) noexcept = 0;
    /// Whether this request is one that was announced. Called once per well-formed version 4 request, so it is quick
    /// where none was. @thread any reactor's, several at a time
    virtual bool isOwn(const Guid& cmid) noexcept = 0;
    /// In the authority's place; it is recorded, and answered when the record is durable. @thread the exchange's
    /// reactor
    virtual void decide(Exchange& exchange) noexcept = 0;

protected:
    ~OwnRequests() = default;
};

/// Whom requests are given to. All may be nullptr: without an authority a client gets an RPC fault, without a store
/// nothing is recorded and nothing waits, without `newClients` there is no bound, without `own` every request is a
/// client's.
struct Service {
    Authority* authority = nullptr;
    pool::Store* store = nullptr;
    NewClients* newClients = nullptr;
    OwnRequests* own = nullptr;
};

struct Limits {
    std::chrono::milliseconds commit{2000};     ///< an answer waits at most this long for its record
    std::chrono::milliseconds exchange{30000};  ///< an authority has this long to decide
    std::chrono::milliseconds gather{2};        ///< a group grows at most this long while requests keep coming
    std::size_t longBodies = std::size_t{4}
                             << 20U;  ///< octets per reactor held of bodies longer than any known version
};

/// What has happened since the start. Only grows. @thread any
struct Counters {
    Counter requests;          ///< submitted; the appliance's own are in none of these
    Counter malformed;         ///< of them: no request of a known shape
    Counter answered;          ///< outcomes by kind, as they left
    Counter refused;           ///<
    Counter faulted;           ///<
    Counter dropped;           ///<
    Counter notDurable;        ///< answers that left although their record was not on disk
    Counter withheld;          ///< answers turned into a fault because their record was not on disk
    Counter overdue;           ///< the authority had not decided in time
    Counter completedTwice;    ///< an authority's mistake
    Counter withoutAuthority;  ///< nobody was there to decide
    Counter newOverLimit;      ///< from a source with too many new clients
};

/// Is told when records stop reaching the disk in time (false), and when they do so again (true).
/// Only changes are told. @thread any reactor's; returns soon
using OnDurability = std::function<void(bool durable)>;

}  // namespace muster::dispatch
