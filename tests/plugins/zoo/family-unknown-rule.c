/* Characteristics: a rule for virtual machines that this core does not know. */
#include "crafted_family.h"

ZOO_SKUS(skus, 0x41);
static const muster_counted counted[] = {{.id = ZOO_GUID(0x40),
                                          .name = "Zoo",
                                          .generation = "zoo",
                                          .virtual_rule = 9,
                                          .protocol_major = 4,
                                          .threshold = 25,
                                          .skus = skus,
                                          .sku_count = 1}};
static const muster_guid covers[] = {ZOO_GUID(0x40)};
static const muster_key keys[] = {ZOO_KEY(0x42, covers)};
MUSTER_FAMILY(unknown_rule) = {MUSTER_FAMILY_HEAD, ZOO_BODY("unknown-rule", counted, keys)};
