/* Characteristics: the next version of family-fit: the same IDs under other names, and virtual machines count. */
#include "crafted_family.h"

ZOO_SKUS(skus, 0x11);
static const muster_counted counted[] = {{.id = ZOO_GUID(0x10),
                                          .name = "Zoo, second edition",
                                          .generation = "zoo",
                                          .group = MUSTER_GROUP_CLIENT,
                                          .virtual_rule = MUSTER_VIRTUAL_COUNTS,
                                          .protocol_major = 4,
                                          .threshold = 25,
                                          .skus = skus,
                                          .sku_count = 1}};
static const muster_guid covers[] = {ZOO_GUID(0x10)};
static const muster_key keys[] = {ZOO_KEY(0x12, covers)};
MUSTER_FAMILY(fit) = {MUSTER_FAMILY_HEAD,
                      .name = "fit",
                      .version = "2.0.0",
                      .display_name = "Zoo",
                      .application = ZOO_APPLICATION,
                      .application_name = "Windows",
                      .counted = counted,
                      .counted_count = 1,
                      .key_count = 1,
                      .keys = keys};
