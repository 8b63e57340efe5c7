/* The generation of 2009: Windows 7 and Windows Server 2008 R2. Virtual machines count as physical ones do. Its host
 * keys cover the generation before as well. Sources of every identifier and range: docs/kms.md, "Products", "The ePID".
 */
#include "muster/family.h"

/* Counted IDs: what a request asks for, and what a host key covers. */
#define WINDOWS_7 MUSTER_GUID(0x7fde5219, 0xfbfa, 0x484a, 0x82, 0xc9, 0x34, 0xd1, 0xad, 0x53, 0xe8, 0x56)
#define SERVER_2008_R2_A MUSTER_GUID(0x0fc6ccaf, 0xff0e, 0x4fae, 0x9d, 0x08, 0x43, 0x70, 0x78, 0x5b, 0xf7, 0xed)
#define SERVER_2008_R2_B MUSTER_GUID(0xca87f5b6, 0xcd46, 0x40c0, 0xb0, 0x6d, 0x8e, 0xcd, 0x57, 0xa4, 0x37, 0x3f)
#define SERVER_2008_R2_C MUSTER_GUID(0xb2ca2689, 0xa9a8, 0x42d7, 0x93, 0x8d, 0xcf, 0x8e, 0x9f, 0x20, 0x19, 0x58)
/* … and those of the generation before, which the keys of this one cover. */
#define VISTA MUSTER_GUID(0x212a64dc, 0x43b1, 0x4d3d, 0xa3, 0x0c, 0x2f, 0xc6, 0x9d, 0x20, 0x95, 0xc6)
#define SERVER_2008_A MUSTER_GUID(0x33e156e4, 0xb76f, 0x4a52, 0x9f, 0x91, 0xf6, 0x41, 0xdd, 0x95, 0xac, 0x48)
#define SERVER_2008_B MUSTER_GUID(0x8fe53387, 0x3087, 0x4447, 0x89, 0x85, 0xf7, 0x51, 0x32, 0x21, 0x5a, 0xc9)
#define SERVER_2008_C MUSTER_GUID(0x8a21fdf3, 0xcbc5, 0x44eb, 0x83, 0xf3, 0xfe, 0x28, 0x4e, 0x66, 0x80, 0xa7)

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define COUNTED(guid, text, its_generation, its_group, needed, its_skus)                                   \
    {                                                                                                      \
        .id = guid, .name = text, .generation = its_generation, .group = its_group,                        \
        .virtual_rule = MUSTER_VIRTUAL_COUNTS, .protocol_major = 4, .threshold = needed, .skus = its_skus, \
        .sku_count = COUNT(its_skus)                                                                       \
    }
#define KEY(guid, text, its_group, its_cover, epid, first, last)                                            \
    {                                                                                                       \
        .id = guid, .name = text, .covers = its_cover, .cover_count = COUNT(its_cover), .group = its_group, \
        .epid_group = epid, .epid_key_id_min = first, .epid_key_id_max = last                               \
    }

/* Activation IDs: one edition in one channel each. */
static const muster_sku windows_7_skus[] = {
    {MUSTER_GUID(0xdb537896, 0x376f, 0x48ae, 0xa4, 0x92, 0x53, 0xd0, 0x54, 0x77, 0x73, 0xd0),
     "Windows 7 Embedded POSReady"},
    {MUSTER_GUID(0xe1a8296a, 0xdb37, 0x44d1, 0x8c, 0xce, 0x7b, 0xc9, 0x61, 0xd5, 0x9c, 0x54),
     "Windows 7 Embedded Standard"},
    {MUSTER_GUID(0xae2ee509, 0x1b34, 0x41c0, 0xac, 0xb7, 0x6d, 0x46, 0x50, 0x16, 0x89, 0x15), "Windows 7 Enterprise"},
    {MUSTER_GUID(0x46bbed08, 0x9c7b, 0x48fc, 0xa6, 0x14, 0x95, 0x25, 0x05, 0x73, 0xf4, 0xea), "Windows 7 Enterprise E"},
    {MUSTER_GUID(0x1cb6d605, 0x11b3, 0x4e14, 0xbb, 0x30, 0xda, 0x91, 0xc8, 0xe3, 0x98, 0x3a), "Windows 7 Enterprise N"},
    {MUSTER_GUID(0xb92e9980, 0xb9d5, 0x4821, 0x9c, 0x94, 0x14, 0x0f, 0x63, 0x2f, 0x63, 0x12), "Windows 7 Professional"},
    {MUSTER_GUID(0x5a041529, 0xfef8, 0x4d07, 0xb0, 0x6f, 0xb5, 0x9b, 0x57, 0x3b, 0x32, 0xd2),
     "Windows 7 Professional E"},
    {MUSTER_GUID(0x54a09a0d, 0xd57b, 0x4c10, 0x8b, 0x69, 0xa8, 0x42, 0xd6, 0x59, 0x0a, 0xd5),
     "Windows 7 Professional N"},
    {MUSTER_GUID(0xaa6dd3aa, 0xc2b4, 0x40e2, 0xa5, 0x44, 0xa6, 0xbb, 0xb3, 0xf5, 0xc3, 0x95), "Windows 7 ThinPC"},
};
static const muster_sku server_2008_r2_a_skus[] = {
    {MUSTER_GUID(0xf772515c, 0x0e87, 0x48d5, 0xa6, 0x76, 0xe6, 0x96, 0x2c, 0x3e, 0x11, 0x95),
     "Windows MultiPoint Server 2010"},
    {MUSTER_GUID(0xcda18cf3, 0xc196, 0x46ad, 0xb2, 0x89, 0x60, 0xc0, 0x72, 0x86, 0x99, 0x94),
     "Windows Server 2008 R2 HPC Edition"},
    {MUSTER_GUID(0xa78b8bd9, 0x8017, 0x4df5, 0xb8, 0x6a, 0x09, 0xf7, 0x56, 0xaf, 0xfa, 0x7c),
     "Windows Server 2008 R2 Web"},
};
static const muster_sku server_2008_r2_b_skus[] = {
    {MUSTER_GUID(0x620e2b3d, 0x09e7, 0x42fd, 0x80, 0x2a, 0x17, 0xa1, 0x36, 0x52, 0xfe, 0x7a),
     "Windows Server 2008 R2 Enterprise"},
    {MUSTER_GUID(0x68531fb9, 0x5511, 0x4989, 0x97, 0xbe, 0xd1, 0x1a, 0x0f, 0x55, 0x63, 0x3f),
     "Windows Server 2008 R2 Standard"},
};
static const muster_sku server_2008_r2_c_skus[] = {
    {MUSTER_GUID(0x7482e61b, 0xc589, 0x4b7f, 0x8e, 0xcc, 0x46, 0xd4, 0x55, 0xac, 0x3b, 0x87),
     "Windows Server 2008 R2 Datacenter"},
    {MUSTER_GUID(0x8a26851c, 0x1c7e, 0x48d3, 0xa6, 0x87, 0xfb, 0xca, 0x9b, 0x9a, 0xc1, 0x6b),
     "Windows Server 2008 R2 for Itanium Systems"},
};

static const muster_counted counted[] = {
    COUNTED(WINDOWS_7, "Windows 7", "windows7", MUSTER_GROUP_CLIENT, 25, windows_7_skus),
    COUNTED(SERVER_2008_R2_A, "Windows Server 2008 R2 A (Web and HPC)", "server2008r2", MUSTER_GROUP_A, 5,
            server_2008_r2_a_skus),
    COUNTED(SERVER_2008_R2_B, "Windows Server 2008 R2 B (Standard and Enterprise)", "server2008r2", MUSTER_GROUP_B, 5,
            server_2008_r2_b_skus),
    COUNTED(SERVER_2008_R2_C, "Windows Server 2008 R2 C (Datacenter and Itanium)", "server2008r2", MUSTER_GROUP_C, 5,
            server_2008_r2_c_skus),
};

/* What a host key covers: its own group and those below, here and in the generation before. */
static const muster_guid cover_client[] = {WINDOWS_7, VISTA};
static const muster_guid cover_a[] = {WINDOWS_7, SERVER_2008_R2_A, VISTA, SERVER_2008_A};
static const muster_guid cover_b[] = {WINDOWS_7, SERVER_2008_R2_A, SERVER_2008_R2_B,
                                      VISTA,     SERVER_2008_A,    SERVER_2008_B};
static const muster_guid cover_c[] = {WINDOWS_7, SERVER_2008_R2_A, SERVER_2008_R2_B, SERVER_2008_R2_C,
                                      VISTA,     SERVER_2008_A,    SERVER_2008_B,    SERVER_2008_C};

static const muster_key keys[] = {
    KEY(MUSTER_GUID(0xd188820a, 0xcb63, 0x4bad, 0xa9, 0xa2, 0x40, 0xb8, 0x43, 0xee, 0x23, 0xb7), "Windows 7",
        MUSTER_GROUP_CLIENT, cover_client, 172, 37000000, 49749999),
    KEY(MUSTER_GUID(0xf73d1bcd, 0x0802, 0x47dd, 0xb2, 0xd9, 0x81, 0xbf, 0x2f, 0x8c, 0x07, 0x44),
        "Windows Server 2008 R2 A (Web & HPC)", MUSTER_GROUP_A, cover_a, 168, 249000000, 259119999),
    KEY(MUSTER_GUID(0xc99b641f, 0xc4ea, 0x4e63, 0xbe, 0xc3, 0x5e, 0xd2, 0xcc, 0xd0, 0xf3, 0x57),
        "Windows Server 2008 R2 B (Standard & Enterprise)", MUSTER_GROUP_B, cover_b, 168, 312880000, 332999999),
    KEY(MUSTER_GUID(0x8fe15d04, 0xfc66, 0x40e6, 0xbf, 0x34, 0x94, 0x24, 0x81, 0xe0, 0x6f, 0xd8),
        "Windows Server 2008 R2 C (Datacenter & Itanium)", MUSTER_GROUP_C, cover_c, 168, 305000000, 312119999),
};

MUSTER_FAMILY(win7_2008r2) = {
    MUSTER_FAMILY_HEAD,
    .name = "win7-2008r2",
    .version = "1.0.0",
    .display_name = "Windows 7 and Windows Server 2008 R2",
    .application = MUSTER_GUID(0x55c92734, 0xd682, 0x4d71, 0x98, 0x3e, 0xd6, 0xec, 0x3f, 0x16, 0x05, 0x9f),
    .application_name = "Windows",
    .counted = counted,
    .counted_count = COUNT(counted),
    .key_count = COUNT(keys),
    .keys = keys,
};
