/// Writes the seeds of the corpus system_message: of each verb a request and an answer, and what RAUC says.
///     muster_system_seeds core/system/corpus/system_message
#include <filesystem>
#include <fstream>
#include <string>

#include "system/test_values.h"

using namespace muster;
using namespace muster::system;

namespace {

void write(const std::filesystem::path& directory, const std::string& name, Octets octets) {
    std::ofstream(directory / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2)
        return 64;
    const std::filesystem::path directory = argv[1];
    std::filesystem::create_directories(directory);
    for (const Request& request : test::requests()) {
        if (const auto packet = encodeRequest(7, request))
            write(directory, std::string("request-") + name(request.verb), *packet);
        if (const auto packet = encodeAnswer(7, request.verb, test::answer(request.verb)))
            write(directory, std::string("answer-") + name(request.verb), *packet);
    }
    if (const auto packet = encodeAnswer(7, Verb::hello, fail(Code::busy, "update", "wait")))
        write(directory, "answer-error", *packet);
    const std::string status =
        R"({"compatible":"m","booted":"A","boot_primary":"boot.0","slots":[{"boot.0":{"bootname":"A","state":"booted",)"
        R"("boot_status":"good","slot_status":{"bundle":{"version":"1"},"installed":{"timestamp":"t"}}}}]})";
    write(directory, "rauc-status", std::as_bytes(std::span(status)));
    const std::string progress = " 40% Copying image";
    write(directory, "rauc-progress", std::as_bytes(std::span(progress)));
    return 0;
}
