/* Characteristics: one counted ID for two products of its own. */
#include "crafted_family.h"

ZOO_SKUS(skus, 0x31);
ZOO_SKUS(more_skus, 0x33);
static const muster_counted counted[] = {ZOO_COUNTED(0x30, skus), ZOO_COUNTED(0x30, more_skus)};
static const muster_guid covers[] = {ZOO_GUID(0x30)};
static const muster_key keys[] = {ZOO_KEY(0x32, covers)};
MUSTER_FAMILY(twice) = {MUSTER_FAMILY_HEAD,
                        .name = "twice",
                        .version = "1.0.0",
                        .display_name = "Zoo",
                        .application = ZOO_APPLICATION,
                        .application_name = "Windows",
                        .counted = counted,
                        .counted_count = 2,
                        .key_count = 1,
                        .keys = keys};
