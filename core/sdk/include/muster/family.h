/* A product family: one generation of products as data. A family's library exports one const table of this shape,
 * under the name muster_family_<name> (dashes as underscores), and nothing else. No C++ crosses this border and there
 * is no build id: a family loads in every firmware of the same major version.
 *
 * All pointers are to constant data of the library, valid for ever (nothing is unmapped). Texts are UTF-8,
 * at most 128 octets. GUIDs are 16 octets in Windows memory order ([MS-DTYP] 2.3.4.2); MUSTER_GUID writes them. */
#ifndef MUSTER_FAMILY_H
#define MUSTER_FAMILY_H

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): families are written in C */

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_FAMILY_MAGIC UINT32_C(0x4d465431) /* "MFT1" */
#define MUSTER_FAMILY_MAJOR 1
#define MUSTER_FAMILY_MINOR 0

typedef struct muster_guid {
    uint8_t octets[16];
} muster_guid;

/* MUSTER_GUID(0x55c92734, 0xd682, 0x4d71, 0x98, 0x3e, 0xd6, 0xec, 0x3f, 0x16, 0x05, 0x9f) */
#define MUSTER_GUID(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7)                                                           \
    {                                                                                                                  \
        {                                                                                                              \
            (uint8_t)((a)&0xff), (uint8_t)(((a) >> 8) & 0xff), (uint8_t)(((a) >> 16) & 0xff),                          \
                (uint8_t)(((a) >> 24) & 0xff), (uint8_t)((b)&0xff), (uint8_t)(((b) >> 8) & 0xff), (uint8_t)((c)&0xff), \
                (uint8_t)(((c) >> 8) & 0xff), (d0), (d1), (d2), (d3), (d4), (d5), (d6), (d7)                           \
        }                                                                                                              \
    }

/* Whether a client that is a virtual machine raises the count towards the threshold. A setting overrides it. */
enum { MUSTER_VIRTUAL_COUNTS_NOT = 0, MUSTER_VIRTUAL_COUNTS = 1 };

/* Key groups, least to most inclusive. The numbers are bits of muster_key.covers as well: 1 << group. */
enum { MUSTER_GROUP_CLIENT = 0, MUSTER_GROUP_A = 1, MUSTER_GROUP_B = 2, MUSTER_GROUP_C = 3 };

typedef struct muster_sku {
    muster_guid id;   /* activation ID */
    const char* name; /* "Windows 7 Enterprise" */
} muster_sku;

typedef struct muster_counted {
    muster_guid id; /* KMS counted ID */
    const char* name;
    const char* generation; /* "windows7", "server2008r2" */
    uint8_t group;          /* MUSTER_GROUP_… */
    uint8_t virtual_rule;   /* MUSTER_VIRTUAL_… */
    uint8_t protocol_major;
    uint8_t reserved;
    uint32_t threshold; /* for display before a client was seen: the client's own N-policy is the truth */
    const muster_sku* skus;
    uint32_t sku_count;
    uint32_t reserved2;
} muster_counted;

/* A host key of this family: what it covers, and how its ePID reads (community-observed ranges: a label, no proof). */
typedef struct muster_key {
    muster_guid id; /* activation ID of the host key */
    const char* name;
    const muster_guid* covers; /* counted IDs, also of older families */
    uint32_t cover_count;
    uint8_t group; /* MUSTER_GROUP_… */
    uint8_t reserved[3];
    uint32_t epid_group;
    uint32_t epid_key_id_min;
    uint32_t epid_key_id_max;
    uint32_t reserved2;
} muster_key;

typedef struct muster_family {
    /* Frozen prefix: all that is trusted until it has passed. */
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size; /* sizeof(muster_family) of the header this was built with */
    /* Since 1.0 */
    uint32_t reserved;
    const char* name;    /* "win7-2008r2": also the file's name */
    const char* version; /* "1.0.0" */
    const char* display_name;
    muster_guid application;
    const char* application_name;
    const muster_counted* counted;
    uint32_t counted_count;
    uint32_t key_count;
    const muster_key* keys;
} muster_family;

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
#    define MUSTER_EXPORT __attribute__((visibility("default")))
#else
#    define MUSTER_EXPORT
#endif

/* MUSTER_FAMILY(win7_2008r2) = { MUSTER_FAMILY_HEAD, .name = "win7-2008r2", … }; */
#define MUSTER_FAMILY(symbol)                                        \
    extern MUSTER_EXPORT const muster_family muster_family_##symbol; \
    const muster_family muster_family_##symbol
#define MUSTER_FAMILY_HEAD                                                                            \
    .magic = MUSTER_FAMILY_MAGIC, .abi_major = MUSTER_FAMILY_MAJOR, .abi_minor = MUSTER_FAMILY_MINOR, \
    .size = (uint32_t)sizeof(muster_family)

#endif
