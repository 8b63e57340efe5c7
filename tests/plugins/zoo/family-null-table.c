/* Characteristics: counts one product and has none. */
#include "crafted_family.h"

static const muster_guid covers[] = {ZOO_GUID(0x40)};
static const muster_key keys[] = {ZOO_KEY(0x42, covers)};
MUSTER_FAMILY(null_table) = {MUSTER_FAMILY_HEAD, ZOO_BODY("null-table", NULL, keys)};
