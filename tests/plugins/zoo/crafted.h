/* A plugin's descriptor built by hand, member by member, for libraries that the SDK's macros would not let be made.
 * The zoo's animal `crafted` has no fault: it shows that this layout is the SDK's. */
#ifndef MUSTER_ZOO_CRAFTED_H
#define MUSTER_ZOO_CRAFTED_H

#include <stddef.h>
#include <stdint.h>

#include "muster/family.h"

typedef struct crafted {
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size;
    uint32_t flags;
    const char* build_id;
    const char* name;
    const char* version;
    void* (*create)(void* host);
    void (*destroy)(void* plugin);
    uint32_t kind;
    const char* const* needs;
    const void* settings;
    size_t setting_count;
    const void* events;
    size_t event_count;
} crafted;

/* No test lets these be called. */
static inline void* crafted_create(void* host) {
    (void)host;
    return NULL;
}
static inline void crafted_destroy(void* plugin) {
    (void)plugin;
}

#define CRAFTED(symbol)                                        \
    extern MUSTER_EXPORT const crafted muster_plugin_##symbol; \
    const crafted muster_plugin_##symbol
#define CRAFTED_HEAD .magic = UINT32_C(0x4d504c31), .abi_major = 1, .abi_minor = 0, .size = (uint32_t)sizeof(crafted)
#define CRAFTED_BODY(its_name)                                                                   \
    .build_id = MUSTER_BUILD_ID, .name = its_name, .version = "1.0.0", .create = crafted_create, \
    .destroy = crafted_destroy, .kind = 6

#endif
