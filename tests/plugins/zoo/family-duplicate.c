/* Characteristics: without fault by itself, but its activation ID is family-fit's. */
#include "crafted_family.h"

ZOO_SKUS(skus, 0x11);
static const muster_counted counted[] = {ZOO_COUNTED(0x20, skus)};
static const muster_guid covers[] = {ZOO_GUID(0x20)};
static const muster_key keys[] = {ZOO_KEY(0x22, covers)};
MUSTER_FAMILY(duplicate) = {MUSTER_FAMILY_HEAD, ZOO_BODY("duplicate", counted, keys)};
