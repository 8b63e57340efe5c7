/// What the publisher asks of the world, so that tests can be the world.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/secure_update.h"
#include "muster/types.h"

#include "dns/exchange.h"
#include "dns/lookup.h"
#include "dns/tsig.h"
#include "dns/update.h"
#include "publish/refusals.h"

namespace muster::publisher {

/// With what an update is signed.
struct Credentials {
    Auth auth = Auth::none;
    std::string key;  ///< of tsig: its name
};

/// @thread any, several at a time; each call blocks for a few seconds at most, about 0.1 s once `stopped` says true
class Outside {
public:
    virtual ~Outside() = default;

    /// One question to one server, for what it knows itself: no recursion.
    virtual dns::Reply ask(const Address& server, const std::string& name, dns::Type type,
                           const dns::Stopped& stopped) = 0;
    /// One question to the resolvers.
    virtual dns::Finding find(const std::string& name, dns::Type type, const dns::Stopped& stopped) = 0;
    /// A and AAAA by the resolvers; numeric text is itself.
    virtual dns::AddressAnswer addresses(const std::string& host, const dns::Stopped& stopped) = 0;

    /// Sends one update, once.
    /// @param named  how the server is called in sentences
    /// @error missing, denied, malformed, storage  it was not sent: no such key, a key file that cannot be read, no
    ///                                             GSS-TSIG on this host, an update that cannot be written
    virtual Result<Sent> send(const dns::Update& update, const Address& server, const std::string& named,
                              const Credentials& credentials, const dns::Stopped& stopped) = 0;
    /// Who signs, in words for verdicts.
    virtual Asker asker(const Credentials& credentials) = 0;
};

/// The world itself.
class Network final : public Outside {
public:
    struct Gss {
        std::string keytab;
        std::string principal;
    };
    struct Hooks {
        std::function<std::vector<Address>()> resolvers;  ///< empty: the system's
        std::function<Result<dns::TsigKey>(const std::string& name)> key;
        std::function<Gss()> gss;
        std::function<Result<SecureUpdateOutcome>(const SecureUpdate&)> secure;
        std::function<Timestamp()> now;
    };
    explicit Network(Hooks hooks) : hooks_(std::move(hooks)) {}

    dns::Reply ask(const Address& server, const std::string& name, dns::Type type,
                   const dns::Stopped& stopped) override;
    dns::Finding find(const std::string& name, dns::Type type, const dns::Stopped& stopped) override;
    dns::AddressAnswer addresses(const std::string& host, const dns::Stopped& stopped) override;
    Result<Sent> send(const dns::Update& update, const Address& server, const std::string& named,
                      const Credentials& credentials, const dns::Stopped& stopped) override;
    Asker asker(const Credentials& credentials) override;

private:
    Result<Sent> sendSecurely(const dns::Update& update, const Address& server, Sent sent) const;

    Hooks hooks_;
};

}  // namespace muster::publisher
