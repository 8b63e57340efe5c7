/// The TSIG keys that updates are signed with: a file each, 0600, in STATE/dns/keys. A secret goes in and never out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "dns/tsig.h"

namespace muster::publisher {

/// What a person hands in: the secret alone (base64), or a key as tsig-keygen, named.conf and Knot write it:
///     key "muster-update" { algorithm hmac-sha256; secret "…"; };
///     # hmac-sha256:muster-update:…
/// @param text       hostile; wiped by whoever has it
/// @param name       as dns::plainName() gives it; what the text names itself must be the same
/// @param algorithm  where the text names none
/// @error malformed  says what is wrong without repeating the secret
/// @thread any; pure
Result<dns::TsigKey> readKey(std::string_view text, const std::string& name, dns::Algorithm algorithm);

/// @thread any but a reactor's: it reads files
class Keys {
public:
    struct Row {
        std::string name;
        dns::Algorithm algorithm = dns::Algorithm::hmacSha256;
        std::size_t bits = 0;  ///< of the secret
        std::string problem;   ///< why it cannot be used; empty: it can
    };

    explicit Keys(std::string directory) : directory_(std::move(directory)) {}

    /// @error missing, storage, malformed
    Result<dns::TsigKey> find(const std::string& name) const;
    std::vector<Row> list() const;  ///< by name
    /// Replaces one of that name. @error storage, busy (too many)
    Result<void> put(const dns::TsigKey& key) const;
    /// @error missing, storage
    Result<void> remove(const std::string& name) const;

    static constexpr std::size_t kMaxKeys = 64;
    static constexpr std::size_t kMaxFile = 4096;  ///< octets

private:
    std::string path(const std::string& name) const { return directory_ + '/' + name; }
    Result<void> makeDirectory() const;

    const std::string directory_;
};

}  // namespace muster::publisher
