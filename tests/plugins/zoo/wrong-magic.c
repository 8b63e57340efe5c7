/* Characteristics: a family's magic where a plugin's belongs. */
#include "crafted.h"

CRAFTED(wrong_magic) = {
    .magic = MUSTER_FAMILY_MAGIC, .abi_major = 1, .size = sizeof(crafted), CRAFTED_BODY("wrong-magic")};
