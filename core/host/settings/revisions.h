/// The numbered revisions of the settings file: STATE/revisions/NNNNNN.toml, one line about it, then its text as it
/// was. Internal to this room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "host/settings/settings.h"

namespace muster::settings {

class Revisions {
public:
    /// @param directory  made with the first revision; empty: nothing is kept
    explicit Revisions(std::filesystem::path directory);

    /// Looks what is there. What is no revision is left alone.
    void read();
    std::uint32_t newest() const noexcept { return known_.empty() ? 0 : known_.back().number; }
    const std::vector<Revision>& list() const noexcept { return known_; }  ///< oldest first
    /// @error missing, storage
    Result<std::string> text(std::uint32_t number) const;
    /// Keeps `text` under the next number; of more than kKept the oldest goes. @error storage
    Result<std::uint32_t> add(std::string_view text, std::string_view author, std::string_view comment);

    static constexpr std::size_t kKept = 1000;

private:
    std::filesystem::path path(std::uint32_t number) const;

    std::filesystem::path directory_;
    std::vector<Revision> known_;
};

}  // namespace muster::settings
