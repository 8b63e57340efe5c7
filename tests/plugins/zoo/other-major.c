/* Characteristics: speaks abi 2.0. */
#include "crafted.h"

CRAFTED(other_major) = {
    .magic = UINT32_C(0x4d504c31), .abi_major = 2, .size = sizeof(crafted), CRAFTED_BODY("other-major")};
