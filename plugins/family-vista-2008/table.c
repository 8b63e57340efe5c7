/* The generation of 2006 to 2008: Windows Vista and Windows Server 2008. Its threshold was a count of physical
 * machines, so a virtual one does not raise it. Sources of every identifier and range: docs/kms.md, "Products", "The
 * ePID". */
#include "muster/family.h"

/* Counted IDs: what a request asks for, and what a host key covers. */
#define VISTA MUSTER_GUID(0x212a64dc, 0x43b1, 0x4d3d, 0xa3, 0x0c, 0x2f, 0xc6, 0x9d, 0x20, 0x95, 0xc6)
#define SERVER_2008_A MUSTER_GUID(0x33e156e4, 0xb76f, 0x4a52, 0x9f, 0x91, 0xf6, 0x41, 0xdd, 0x95, 0xac, 0x48)
#define SERVER_2008_B MUSTER_GUID(0x8fe53387, 0x3087, 0x4447, 0x89, 0x85, 0xf7, 0x51, 0x32, 0x21, 0x5a, 0xc9)
#define SERVER_2008_C MUSTER_GUID(0x8a21fdf3, 0xcbc5, 0x44eb, 0x83, 0xf3, 0xfe, 0x28, 0x4e, 0x66, 0x80, 0xa7)

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define COUNTED(guid, text, its_generation, its_group, needed, its_skus)                                       \
    {                                                                                                          \
        .id = guid, .name = text, .generation = its_generation, .group = its_group,                            \
        .virtual_rule = MUSTER_VIRTUAL_COUNTS_NOT, .protocol_major = 4, .threshold = needed, .skus = its_skus, \
        .sku_count = COUNT(its_skus)                                                                           \
    }
#define KEY(guid, text, its_group, its_cover, epid, first, last)                                            \
    {                                                                                                       \
        .id = guid, .name = text, .covers = its_cover, .cover_count = COUNT(its_cover), .group = its_group, \
        .epid_group = epid, .epid_key_id_min = first, .epid_key_id_max = last                               \
    }

/* Activation IDs: one edition in one channel each. */
static const muster_sku vista_skus[] = {
    {MUSTER_GUID(0x4f3d1606, 0x3fea, 0x4c01, 0xbe, 0x3c, 0x8d, 0x67, 0x1c, 0x40, 0x1e, 0x3b), "Windows Vista Business"},
    {MUSTER_GUID(0x2c682dc2, 0x8b68, 0x4f63, 0xa1, 0x65, 0xae, 0x29, 0x1d, 0x4c, 0xf1, 0x38),
     "Windows Vista Business N"},
    {MUSTER_GUID(0xcfd8ff08, 0xc0d7, 0x452b, 0x9f, 0x60, 0xef, 0x5c, 0x70, 0xc3, 0x20, 0x94),
     "Windows Vista Enterprise"},
    {MUSTER_GUID(0xd4f54950, 0x26f2, 0x4fb4, 0xba, 0x21, 0xff, 0xab, 0x16, 0xaf, 0xca, 0xde),
     "Windows Vista Enterprise N"},
};
static const muster_sku server_2008_a_skus[] = {
    {MUSTER_GUID(0x7afb1156, 0x2c1d, 0x40fc, 0xb2, 0x60, 0xaa, 0xb7, 0x44, 0x2b, 0x62, 0xfe),
     "Windows Server 2008 HPC Edition"},
    {MUSTER_GUID(0xddfa9f7c, 0xf09e, 0x40b9, 0x8c, 0x1a, 0xbe, 0x87, 0x7a, 0x9a, 0x7f, 0x4b),
     "Windows Server 2008 Web"},
};
static const muster_sku server_2008_b_skus[] = {
    {MUSTER_GUID(0xc1af4d90, 0xd1bc, 0x44ca, 0x85, 0xd4, 0x00, 0x3b, 0xa3, 0x3d, 0xb3, 0xb9),
     "Windows Server 2008 Enterprise"},
    {MUSTER_GUID(0x8198490a, 0xadd0, 0x47b2, 0xb3, 0xba, 0x31, 0x6b, 0x12, 0xd6, 0x47, 0xb4),
     "Windows Server 2008 Enterprise without Hyper-V"},
    {MUSTER_GUID(0xad2542d4, 0x9154, 0x4c6d, 0x8a, 0x44, 0x30, 0xf1, 0x1e, 0xe9, 0x69, 0x89),
     "Windows Server 2008 Standard"},
    {MUSTER_GUID(0x2401e3d0, 0xc50a, 0x4b58, 0x87, 0xb2, 0x7e, 0x79, 0x4b, 0x7d, 0x26, 0x07),
     "Windows Server 2008 Standard without Hyper-V"},
};
static const muster_sku server_2008_c_skus[] = {
    {MUSTER_GUID(0x68b6e220, 0xcf09, 0x466b, 0x92, 0xd3, 0x45, 0xcd, 0x96, 0x4b, 0x95, 0x09),
     "Windows Server 2008 Datacenter"},
    {MUSTER_GUID(0xfd09ef77, 0x5647, 0x4eff, 0x80, 0x9c, 0xaf, 0x2b, 0x64, 0x65, 0x9a, 0x45),
     "Windows Server 2008 Datacenter without Hyper-V"},
    {MUSTER_GUID(0x01ef176b, 0x3e0d, 0x422a, 0xb4, 0xf8, 0x4e, 0xa8, 0x80, 0x03, 0x5e, 0x8f),
     "Windows Server 2008 for Itanium Systems"},
};

static const muster_counted counted[] = {
    COUNTED(VISTA, "Windows Vista", "vista", MUSTER_GROUP_CLIENT, 25, vista_skus),
    COUNTED(SERVER_2008_A, "Windows Server 2008 A (Web and HPC)", "server2008", MUSTER_GROUP_A, 5, server_2008_a_skus),
    COUNTED(SERVER_2008_B, "Windows Server 2008 B (Standard and Enterprise)", "server2008", MUSTER_GROUP_B, 5,
            server_2008_b_skus),
    COUNTED(SERVER_2008_C, "Windows Server 2008 C (Datacenter and Itanium)", "server2008", MUSTER_GROUP_C, 5,
            server_2008_c_skus),
};

/* What a host key covers: its own group and those below. */
static const muster_guid cover_client[] = {VISTA};
static const muster_guid cover_a[] = {VISTA, SERVER_2008_A};
static const muster_guid cover_b[] = {VISTA, SERVER_2008_A, SERVER_2008_B};
static const muster_guid cover_c[] = {VISTA, SERVER_2008_A, SERVER_2008_B, SERVER_2008_C};

static const muster_key keys[] = {
    KEY(MUSTER_GUID(0x212a64dc, 0x43b1, 0x4d3d, 0xa3, 0x0c, 0x2f, 0xc6, 0x9d, 0x20, 0x95, 0xc6),
        "Windows Vista (1 of 2)", MUSTER_GROUP_CLIENT, cover_client, 142, 26000000, 35999999),
    KEY(MUSTER_GUID(0x4871de8b, 0x3adf, 0x4455, 0xa7, 0xd3, 0xfd, 0x7b, 0x6c, 0x01, 0xc9, 0x39),
        "Windows Vista (2 of 2)", MUSTER_GROUP_CLIENT, cover_client, 154, 394000000, 416999999),
    KEY(MUSTER_GUID(0xc448fa06, 0x49d1, 0x44ec, 0x82, 0xbb, 0x00, 0x85, 0x54, 0x5c, 0x3b, 0x51),
        "Windows Server 2008 A (Web & HPC)", MUSTER_GROUP_A, cover_a, 152, 368000000, 380999999),
    KEY(MUSTER_GUID(0x56df4151, 0x1f9f, 0x41bf, 0xac, 0xaa, 0x29, 0x41, 0xc0, 0x71, 0x87, 0x2b),
        "Windows Server 2008 B (Standard & Enterprise)", MUSTER_GROUP_B, cover_b, 152, 339000000, 358999999),
    KEY(MUSTER_GUID(0xc90d1b4e, 0x8aa8, 0x439e, 0x8b, 0x9e, 0xb6, 0xd6, 0xb6, 0xa6, 0xd9, 0x75),
        "Windows Server 2008 C (Datacenter & Itanium)", MUSTER_GROUP_C, cover_c, 152, 381000000, 392999999),
};

MUSTER_FAMILY(vista_2008) = {
    MUSTER_FAMILY_HEAD,
    .name = "vista-2008",
    .version = "1.0.0",
    .display_name = "Windows Vista and Windows Server 2008",
    .application = MUSTER_GUID(0x55c92734, 0xd682, 0x4d71, 0x98, 0x3e, 0xd6, 0xec, 0x3f, 0x16, 0x05, 0x9f),
    .application_name = "Windows",
    .counted = counted,
    .counted_count = COUNT(counted),
    .key_count = COUNT(keys),
    .keys = keys,
};
