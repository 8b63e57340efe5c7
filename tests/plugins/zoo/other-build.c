/* Characteristics: built with another SDK. Nothing behind the build id may be believed. */
#include "crafted.h"

CRAFTED(other_build) = {CRAFTED_HEAD,
                        .build_id = "0123456789abcdef-gnu11-poco1.10",
                        .name = "other-build",
                        .version = "1.0.0",
                        .settings = (const void*)1,
                        .setting_count = 1000};
