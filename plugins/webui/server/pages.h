/// The files of the page as they are compiled into the plugin: no request opens a file.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace muster::webui {

struct Page {
    std::string_view path;   ///< "/", "/assets/index-4f2a.js"
    std::string_view type;   ///< content type
    std::string_view etag;   ///< with its quotes
    bool immutable = false;  ///< its name changes with its content: may be kept for ever
    std::string_view plain;
    std::string_view gzip;
};

/// In the order of their paths; made by embed.py from what the build of web/ wrote. Empty: built without the page.
std::span<const Page> allPages() noexcept;

/// nullptr: no such file. What has no dot in its last part is a place within the page: "/".
const Page* findPage(std::span<const Page> pages, std::string_view path) noexcept;

}  // namespace muster::webui
