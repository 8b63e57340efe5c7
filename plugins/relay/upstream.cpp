#include "upstream.h"

namespace muster::relay {

const char* name(Ending ending) noexcept {
    switch (ending) {
        case Ending::answered:
            return "answered";
        case Ending::refused:
            return "refused";
        case Ending::faulted:
            return "faulted";
        case Ending::broken:
            return "broken";
        case Ending::unreachable:
            return "unreachable";
        case Ending::reset:
            return "reset";
        case Ending::timedOut:
            return "timed out";
    }
    return "broken";
}

}  // namespace muster::relay
