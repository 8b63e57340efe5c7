/* Characteristics: speaks abi 1.1, which is newer than the core. */
#include "crafted.h"

CRAFTED(newer_minor) = {.magic = UINT32_C(0x4d504c31),
                        .abi_major = 1,
                        .abi_minor = 1,
                        .size = sizeof(crafted),
                        CRAFTED_BODY("newer-minor")};
