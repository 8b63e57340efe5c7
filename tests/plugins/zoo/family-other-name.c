/* Characteristics: file and symbol say other-name, the table says win7-2008r2. */
#include "crafted_family.h"

ZOO_TABLES(0x40);
MUSTER_FAMILY(other_name) = {MUSTER_FAMILY_HEAD, ZOO_BODY("win7-2008r2", counted, keys)};
