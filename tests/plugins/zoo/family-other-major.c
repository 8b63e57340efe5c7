/* Characteristics: speaks abi 2.0. */
#include "crafted_family.h"

ZOO_TABLES(0x40);
MUSTER_FAMILY(other_major) = {.magic = MUSTER_FAMILY_MAGIC,
                              .abi_major = 2,
                              .size = (uint32_t)sizeof(muster_family),
                              ZOO_BODY("other-major", counted, keys)};
