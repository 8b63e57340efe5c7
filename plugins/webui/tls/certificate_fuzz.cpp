/// What somebody uploads as a certificate. The first octet chooses: as it is, or its rest as the DER of a certificate
/// that is asked about as the answer to a request, which gets the fuzzer past the base64.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tls/certificate.h"
#include "tls/tls.h"
#include "tls/x509.h"

using namespace muster;
using namespace muster::tls;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string key = makeRequest({"muster.example.org"})->key;
    if (size == 0)
        return 0;
    std::string upload(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 1)
        upload = toPem("CERTIFICATE", data + 1, size - 1).value_or("");
    const Timestamp now{std::chrono::hours(500'000)};
    const auto judged = judge(upload, data[0] % 4 == 1 ? key : std::string(), {"muster.example.org"}, now);
    if (!judged) {
        if (judged.error().text().empty())
            std::abort();
        return 0;
    }
    // What is taken can be stored, served, and taken again.
    const auto stored = readPair(judged->pem);
    const auto again = judge(judged->pem, {}, {}, now);
    if (judged->chain.empty() || judged->chain.size() > kMaxChain || !stored || stored->pem != judged->pem || !again ||
        again->pem != judged->pem || !Context::make(judged->pem))
        std::abort();
    return 0;
}
