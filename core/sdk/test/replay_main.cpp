/// Feeds each file of the folders and files named on the command line to a fuzz target once: so that what a fuzzer
/// found stays found in every build, without libFuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void feed(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<char> octets((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::vector<std::uint8_t> data(octets.begin(), octets.end());
    LLVMFuzzerTestOneInput(data.data(), data.size());
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t fed = 0;
    for (int i = 1; i < argc; ++i) {
        const std::filesystem::path path(argv[i]);
        if (std::filesystem::is_regular_file(path)) {
            feed(path);
            ++fed;
        } else if (std::filesystem::is_directory(path)) {
            for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
                if (entry.is_regular_file()) {
                    feed(entry.path());
                    ++fed;
                }
        }
    }
    std::printf("%zu inputs replayed\n", fed);
    return fed == 0 ? 1 : 0;  // an empty corpus is a test that cannot fail
}
