/// Names of products later than those whose families Muster has: so that a request that no loaded family knows, and
/// that is relayed all the same, is shown under a name. Names only: no threshold, no coverage, nothing is decided by
/// them.
/// @source docs/kms.md, "Products"
/// @thread any; pure
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "muster/types.h"

namespace muster::kms {

struct LaterProduct {
    Guid counted;           ///< KMS counted ID
    std::string_view name;  ///< "Windows Server 2012"
    bool certain = true;    ///< false: one list alone names it, or nobody knows what it is for
};

/// nullptr: not in the table.
const LaterProduct* findLaterProduct(const Guid& counted) noexcept;
std::span<const LaterProduct> laterProducts() noexcept;

/// What people read: the name, and whether it is uncertain; empty for what is not in the table.
std::string laterProductName(const Guid& counted);

}  // namespace muster::kms
