/// Any octets as a file of the audit log: lines are told apart as they lie, and what is taken for an entry can be
/// written again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/lines.h"

using namespace muster;

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

void judge(std::string_view line) {
    const auto number = audit::numberOf(line);
    const auto entry = audit::readLine(line);
    if (!entry)
        return;
    require(number == entry->number);
    std::string hash;
    const audit::Entry whole = audit::bounded(static_cast<const audit::Entry&>(*entry));
    const auto same = audit::readLine(audit::writeLine(whole, entry->number, entry->previous, hash));
    require(same.has_value() && same->number == entry->number && same->hash == hash);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int fd = ::memfd_create("audit", MFD_CLOEXEC);
    require(fd >= 0 && ::ftruncate(fd, 0) == 0 && ::pwrite(fd, data, size, 0) == static_cast<ssize_t>(size));
    audit::LineReader reader(fd, static_cast<std::int64_t>(size));
    std::int64_t end = 0;
    while (const auto line = reader.next()) {
        require(line->begin == end && line->text.size() <= audit::kMaxLine + 1);
        if (line->text.size() <= audit::kMaxLine)
            end = line->begin + static_cast<std::int64_t>(line->text.size()) + (line->whole ? 1 : 0);
        else
            break;  // of a longer one the rest was left out
        judge(line->text);
    }
    judge({reinterpret_cast<const char*>(data), size});
    return 0;
}
