/// Fuzz target: one record of the intake. What decodes must encode to octets that decode to the same.
#include <cstdint>
#include <cstdlib>

#include "pool/record.h"

using namespace muster::pool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto record = decode(std::as_bytes(std::span(data, size)));
    if (!record)
        return 0;
    std::vector<std::byte> again;
    if (const auto* request = std::get_if<RequestRecord>(&*record))
        encode(*request, again);
    else if (const auto* event = std::get_if<StoredEvent>(&*record))
        encode(Note(*event), again);
    else if (const auto* removal = std::get_if<Removal>(&*record))
        encode(Note(*removal), again);
    else
        encode(Note(std::get<OwnRequest>(*record)), again);
    std::vector<std::byte> third;
    const auto back = decode(again);
    if (!back || back->index() != record->index())
        std::abort();
    if (const auto* request = std::get_if<RequestRecord>(&*back))
        encode(*request, third);
    if (!third.empty() && third != again)
        std::abort();
    return 0;
}
