/// The one place where an uploaded firmware bundle lies until it is installed.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "muster/operation.h"

namespace muster::daemon {

/// @thread any: who comes while another uploads is refused
class BundleFile {
public:
    /// Puts what comes in place of `path`, whole or not at all. Only root and we may read it.
    /// @param path  absolute, in a directory that exists
    /// @error busy     another upload is under way
    /// @error storage  the disk is full, or the directory is not ours
    /// @error          else of the source
    Result<void> take(OctetSource& source, const std::string& path);

private:
    std::unique_ptr<std::mutex> taking_ = std::make_unique<std::mutex>();
};

}  // namespace muster::daemon
