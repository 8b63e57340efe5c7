/* Characteristics: says that its descriptor is longer than it is. */
#include "crafted.h"

CRAFTED(long_size) = {.magic = UINT32_C(0x4d504c31), .abi_major = 1, .size = 4000, CRAFTED_BODY("long-size")};
