/* Characteristics: a plugin's magic where a family's belongs. */
#include "crafted_family.h"

ZOO_TABLES(0x40);
MUSTER_FAMILY(wrong_magic) = {.magic = UINT32_C(0x4d504c31),
                              .abi_major = MUSTER_FAMILY_MAJOR,
                              .size = (uint32_t)sizeof(muster_family),
                              ZOO_BODY("wrong-magic", counted, keys)};
