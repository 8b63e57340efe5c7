/* A small family without fault, to be spoilt member by member. Its GUIDs are nobody's. */
#ifndef MUSTER_ZOO_CRAFTED_FAMILY_H
#define MUSTER_ZOO_CRAFTED_FAMILY_H

#include <stddef.h>

#include "muster/family.h"

#define ZOO_GUID(n) MUSTER_GUID(0x00000000 + (n), 0x1111, 0x2222, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa)
#define ZOO_APPLICATION ZOO_GUID(1)

#define ZOO_SKUS(name, n) static const muster_sku name[] = {{ZOO_GUID(n), "Zoo Enterprise"}}
#define ZOO_COUNTED(n, its_skus)                                                                           \
    {                                                                                                      \
        .id = ZOO_GUID(n), .name = "Zoo", .generation = "zoo", .group = MUSTER_GROUP_CLIENT,               \
        .virtual_rule = MUSTER_VIRTUAL_COUNTS_NOT, .protocol_major = 4, .threshold = 25, .skus = its_skus, \
        .sku_count = 1                                                                                     \
    }
#define ZOO_KEY(n, its_covers)                                                                                      \
    {                                                                                                               \
        .id = ZOO_GUID(n), .name = "Zoo key", .covers = its_covers, .cover_count = 1, .group = MUSTER_GROUP_CLIENT, \
        .epid_group = 0, .epid_key_id_min = 0, .epid_key_id_max = 9                                                 \
    }
#define ZOO_BODY(its_name, its_counted, its_keys)                                                \
    .name = its_name, .version = "1.0.0", .display_name = "Zoo", .application = ZOO_APPLICATION, \
    .application_name = "Windows", .counted = its_counted, .counted_count = 1, .key_count = 1, .keys = its_keys
/* All that a family without fault needs, with GUIDs from `first` on. */
#define ZOO_TABLES(first)                                               \
    ZOO_SKUS(skus, (first) + 1);                                        \
    static const muster_counted counted[] = {ZOO_COUNTED(first, skus)}; \
    static const muster_guid covers[] = {ZOO_GUID(first)};              \
    static const muster_key keys[] = {ZOO_KEY((first) + 2, covers)}

#endif
