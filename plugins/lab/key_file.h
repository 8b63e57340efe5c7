/// The host keys that are installed, on disk: one line each, written whole and durably or not at all.
#pragma once

#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "host_key.h"

namespace muster::lab {

struct InstalledKey {
    HostKey key;
    Timestamp installed;
    std::string epid;  ///< as answers carry it: the same until another key takes this one's place
};

class KeyFile {
public:
    static constexpr std::size_t kMaxKeys = 64;
    static constexpr std::size_t kMaxSize = std::size_t{64} * 1024;  ///< octets

    explicit KeyFile(std::string path) : path_(std::move(path)) {}

    /// Empty where there is no file yet.
    /// @error malformed  a line that is none of ours: named, and nothing is changed
    /// @error storage    longer than kMaxSize, or the system's words
    Result<std::vector<InstalledKey>> read() const;
    /// Replaces the file, mode 0600. @error storage  then the old file stands
    Result<void> write(const std::vector<InstalledKey>& keys) const;

private:
    std::string path_;
};

}  // namespace muster::lab
