/* Characteristics: says that a host key covers two hundred counted IDs; its library ends before that many. */
#include "crafted_family.h"

ZOO_SKUS(skus, 0x41);
static const muster_counted counted[] = {ZOO_COUNTED(0x40, skus)};
static const muster_key keys[] = {{.id = ZOO_GUID(0x42),
                                   .name = "Zoo key",
                                   .covers = (const muster_guid*)(const void*)0x1000,
                                   .cover_count = 200,
                                   .group = MUSTER_GROUP_CLIENT}};
MUSTER_FAMILY(past_the_end) = {MUSTER_FAMILY_HEAD, ZOO_BODY("past-the-end", counted, keys)};
