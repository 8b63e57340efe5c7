/* Characteristics: says that its descriptor has 40 octets. */
#include "crafted.h"

CRAFTED(short_size) = {.magic = UINT32_C(0x4d504c31), .abi_major = 1, .size = 40, CRAFTED_BODY("short-size")};
