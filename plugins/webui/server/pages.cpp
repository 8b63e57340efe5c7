#include "server/pages.h"

#include <algorithm>

namespace muster::webui {

const Page* findPage(std::span<const Page> pages, std::string_view path) noexcept {
    const auto exactly = [&](std::string_view wanted) -> const Page* {
        const auto found = std::lower_bound(pages.begin(), pages.end(), wanted,
                                            [](const Page& page, std::string_view name) { return page.path < name; });
        return found != pages.end() && found->path == wanted ? &*found : nullptr;
    };
    if (const Page* page = exactly(path))
        return page;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos || path.find('.', slash) != std::string_view::npos)
        return nullptr;
    return exactly("/");
}

}  // namespace muster::webui
