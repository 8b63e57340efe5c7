#include "host/plugins/library.h"

#include <algorithm>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include "api/text.h"

namespace muster::plugins {

namespace {

/// The loader's words, with the path that only it knows taken out.
std::string loaderWords(const std::string& path) {
    const char* words = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
    std::string out = words ? words : "no reason given";
    if (const std::size_t at = out.find(path + ": "); at != std::string::npos)
        out.erase(at, path.size() + 2);
    return out;
}

}  // namespace

Result<std::shared_ptr<const Library>> Library::open(Image image, const std::string& file) {
    const std::string path = "/proc/self/fd/" + std::to_string(image.descriptor());
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return fail(Code::incompatible, file,
                    "cannot be loaded: " + loaderWords(path) + "; what it needs is not on this system");
    image.keep();

    const std::shared_ptr<Library> library(new Library);
    library->handle_ = handle;
    library->hash_ = image.hash();
    link_map* map = nullptr;
    if (dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || !map)
        return fail(Code::internal, file, "cannot be found in memory: " + loaderWords(path));
    for (const Image::Segment& segment : image.segments())
        if (segment.readable) {
            const std::uintptr_t begin = map->l_addr + static_cast<std::uintptr_t>(segment.address);
            library->readable_.emplace_back(begin, begin + static_cast<std::uintptr_t>(segment.size));
        }
    return std::shared_ptr<const Library>(library);
}

Library::Symbol Library::symbol(const std::string& name) const noexcept {
    const void* at = dlsym(handle_, name.c_str());
    if (!at)
        return {};
    Dl_info info{};
    const ElfW(Sym)* entry = nullptr;
    if (dladdr1(at, &info, const_cast<void**>(reinterpret_cast<const void**>(&entry)), RTLD_DL_SYMENT) == 0 || !entry)
        return {};
    // dlsym looks into dependencies as well: what is not inside is somebody else's.
    if (!holds(at, 1))
        return {};
    return {at, holds(at, entry->st_size) ? static_cast<std::size_t>(entry->st_size) : 0};
}

bool Library::holds(const void* at, std::uint64_t size) const noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(at);
    return std::any_of(readable_.begin(), readable_.end(), [&](const auto& range) {
        return begin >= range.first && begin < range.second && size <= range.second - begin;
    });
}

std::optional<std::string> Library::text(const char* at) const {
    std::string out;
    for (std::size_t i = 0; i <= kMaxText; ++i) {
        if (!holds(at + i, 1))
            return std::nullopt;
        if (at[i] == '\0') {
            if (out.empty() || !api::isUtf8(out))
                return std::nullopt;
            return out;
        }
        const auto octet = static_cast<unsigned char>(at[i]);
        if (octet < 0x20 || octet == 0x7f)
            return std::nullopt;
        out.push_back(at[i]);
    }
    return std::nullopt;
}

}  // namespace muster::plugins
