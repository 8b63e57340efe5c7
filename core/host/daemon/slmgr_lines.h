/// What slmgr.vbs prints about a KMS host, line for line, so that what people and scripts know keeps its place.
/// @source docs/kms.md, "What slmgr prints"
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/authority.h"
#include "muster/types.h"

namespace muster::daemon {

struct HostView {
    std::vector<HostKeyStatus> keys;
    std::uint16_t port = 0;
    bool publishesDns = false;
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
    std::array<std::uint64_t, 7> byLicenseStatus{};
    std::string version;  ///< Muster's
    Timestamp now{};
};

/// slmgr /dli: a block per installed key; the error line if there is none. Of keys that are elsewhere, what is known of
/// each, "not known" else; then what this machine itself does, once.
std::string dliText(const HostView& view);
/// slmgr /dlv: the same with identifiers. What only a licensed host has (installation ID, certificate addresses) says
/// so.
std::string dlvText(const HostView& view);

}  // namespace muster::daemon
