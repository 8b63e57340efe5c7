/// What discovery found last, on disk: so that a restart while DNS is silent finds its upstreams again.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "dns/message.h"

namespace muster::relay {

struct Remembered {
    struct Domain {
        std::string name;  ///< as dns::plainName() gives it
        Timestamp answered;
        std::vector<dns::Service> services;  ///< at most dns::kMaxServices
    };
    struct Host {
        std::string name;  ///< likewise; with its last dot where a person wrote one
        Timestamp answered;
        std::vector<Address> addresses;  ///< 1 to dns::kMaxAddresses, port 0
    };
    std::vector<Domain> domains;
    std::vector<Host> hosts;
};

class FoundFile {
public:
    static constexpr std::size_t kMaxSize = std::size_t{1024} * 1024;  ///< octets
    static constexpr std::size_t kMaxDomains = 64;
    static constexpr std::size_t kMaxHosts = 4096;

    explicit FoundFile(std::string path) : path_(std::move(path)) {}

    /// Empty where there is no file yet.
    /// @error malformed  a line that is none of ours is named; nothing of the file is used
    /// @error storage    the system's words
    Result<Remembered> read() const;
    /// Replaces the file, mode 0600: whole and durably or not at all. @error storage  then the old file stands
    Result<void> write(const Remembered& remembered) const;

    /// The file's content. @thread any; pure
    static std::string text(const Remembered& remembered);
    /// @param content  hostile: whoever can write the file chose it
    /// @error malformed  with the line's number
    static Result<Remembered> parse(std::string_view content);

private:
    std::string path_;
};

}  // namespace muster::relay
