/// A library that was opened, and stays so for the life of the process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/result.h"

#include "host/plugins/image.h"

namespace muster::plugins {

class Library {
public:
    static constexpr std::size_t kMaxText = 128;  ///< octets of a name, a version, a label

    /// dlopen of the sealed image with all symbols resolved at once (RTLD_NOW) and none shown to others. Its ELF
    /// constructors run. There is no closing: destroying this object leaves the code where it is.
    /// @error incompatible  a symbol or a library that it needs is not there; the loader's words
    static Result<std::shared_ptr<const Library>> open(Image image, const std::string& file);

    /// What the library itself defines under that name (not what one of its dependencies does), and how long it is.
    struct Symbol {
        const void* at = nullptr;  ///< nullptr: it defines no such thing
        std::size_t size = 0;      ///< octets, as its symbol table says
    };
    Symbol symbol(const std::string& name) const noexcept;

    /// Whether these octets are the library's own and can be read: the answer to a wild pointer or an absurd count.
    bool holds(const void* at, std::uint64_t size) const noexcept;
    template <class T>
    bool holdsArray(const T* at, std::uint64_t count) const noexcept {
        return reinterpret_cast<std::uintptr_t>(at) % alignof(T) == 0 && count <= kMaxItems &&
               holds(at, count * sizeof(T));
    }
    /// The text at `at`: UTF-8 without control characters, 1 to kMaxText octets, ended by a NUL inside the library.
    std::optional<std::string> text(const char* at) const;

    const std::string& hash() const noexcept { return hash_; }

private:
    static constexpr std::uint64_t kMaxItems = 4096;

    Library() = default;

    void* handle_ = nullptr;
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> readable_;  // begin, end
    std::string hash_;
};

}  // namespace muster::plugins
