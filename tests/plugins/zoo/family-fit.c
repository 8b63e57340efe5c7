/* Characteristics: none; the family that others collide with. */
#include "crafted_family.h"

ZOO_TABLES(0x10);
MUSTER_FAMILY(fit) = {MUSTER_FAMILY_HEAD, ZOO_BODY("fit", counted, keys)};
