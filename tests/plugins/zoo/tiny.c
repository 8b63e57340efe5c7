/* Characteristics: the right name on four octets: not even the frozen prefix. */
#include "crafted.h"

extern MUSTER_EXPORT const uint32_t muster_plugin_tiny;
const uint32_t muster_plugin_tiny = UINT32_C(0x4d504c31);
