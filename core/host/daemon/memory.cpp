#include "host/daemon/memory.h"

#include <malloc.h>

namespace muster::daemon {

void giveBackMemory() noexcept {
    ::malloc_trim(0);
}

}  // namespace muster::daemon
