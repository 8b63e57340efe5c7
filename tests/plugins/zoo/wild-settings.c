/* Characteristics: two hundred settings at an address that is not its own. */
#include "crafted.h"

CRAFTED(wild_settings) = {CRAFTED_HEAD, CRAFTED_BODY("wild-settings"), .settings = (const void*)4096,
                          .setting_count = 200};
