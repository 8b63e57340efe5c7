/// PEM (RFC 7468) taken apart, before the library sees it. Internal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

namespace muster::tls {

/// One block, with both its lines and a line feed at the end.
struct Block {
    std::string_view label;  ///< "CERTIFICATE"
    std::string_view text;   ///< from "-----BEGIN" to the last hyphen of its end
};

/// Text between blocks is left out: openssl writes there what is in them.
/// @error malformed  a block without an end
Result<std::vector<Block>> pemBlocks(std::string_view text);

}  // namespace muster::tls
