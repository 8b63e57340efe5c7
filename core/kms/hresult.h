/// The HRESULTs that people meet around KMS: what they are called, what Windows says, what they mean and what helps.
/// @source docs/kms.md, "Error codes"; names from [MS-ERREF] 2.1 and slerror.h of the Windows SDK
/// @thread any; pure
#pragma once

#include <span>
#include <string_view>

#include "muster/types.h"

namespace muster::kms {

struct HResultInfo {
    HResult code;
    std::string_view symbol;    ///< "SL_E_VL_NOT_ENOUGH_COUNT"; empty where no public name was found
    std::string_view sentence;  ///< Windows' own words, as slmgr prints them after the code
    std::string_view meaning;   ///< ours: what is the case
    std::string_view remedy;    ///< ours: what to do
};

/// nullptr: not in the table.
const HResultInfo* find(HResult code) noexcept;
/// In ascending order of code.
std::span<const HResultInfo> hresults() noexcept;

}  // namespace muster::kms
