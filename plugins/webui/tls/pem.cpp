#include "tls/pem.h"

namespace muster::tls {

Result<std::vector<Block>> pemBlocks(std::string_view text) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    constexpr std::string_view kDashes = "-----";
    std::vector<Block> blocks;
    for (std::size_t from = text.find(kBegin); from != std::string_view::npos; from = text.find(kBegin, from)) {
        const std::size_t labelFrom = from + kBegin.size();
        const std::size_t labelEnd = text.find(kDashes, labelFrom);
        const std::string_view label = text.substr(labelFrom, labelEnd - labelFrom);
        if (labelEnd == std::string_view::npos || label.size() > 64 || label.find('\n') != std::string_view::npos)
            return fail(Code::malformed, "upload", "a line \"-----BEGIN \" is cut off; upload the whole file");
        const std::string ending = "-----END " + std::string(label) + "-----";
        const std::size_t end = text.find(ending, labelEnd);
        if (end == std::string_view::npos)
            return fail(Code::malformed, "upload",
                        "the block that begins with \"-----BEGIN " + std::string(label) +
                            "-----\" has no end; upload the whole file");
        blocks.push_back({label, text.substr(from, end + ending.size() - from)});
        from = end + ending.size();
    }
    return blocks;
}

}  // namespace muster::tls
