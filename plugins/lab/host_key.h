/// A lab host key: "LAB-WIN7-2008R2-C-7KQ3MXT9-VH2R8WD". It says its family and group, so that it can be issued and
/// kept where that family is not loaded; it looks like nothing that Microsoft issues, and is worth nothing anywhere
/// else.
///
///     LAB - FAMILY - GROUP - random, 8 characters - check, 7 characters
///
/// Random and check are 40 and 35 bits in Crockford's base 32: no I, L, O or U, and none that looks like another. The
/// check is CRC-32 over all before it: any wrong or swapped character is found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"

namespace muster::lab {

class HostKey {
public:
    /// A new one. @param family  "win7-2008r2": 1 to 40 of a-z, 0-9 and single dashes  @param group  MUSTER_GROUP_…
    /// @error malformed  no such name of a family can be
    static Result<HostKey> issue(std::string_view family, std::uint8_t group);
    /// Takes what a person typed: capitals or not, blanks around it, O for 0, I and L for 1.
    /// @error malformed  with the text of 0xC004F050, and what is wrong with it
    static Result<HostKey> parse(std::string_view text);

    const std::string& text() const noexcept { return text_; }
    const std::string& family() const noexcept { return family_; }
    std::uint8_t group() const noexcept { return group_; }
    /// The last five characters, as slmgr shows a key.
    std::string_view partial() const noexcept { return std::string_view(text_).substr(text_.size() - 5); }
    /// Nine digits that belong to this key, for its ePID.
    std::uint32_t number() const noexcept;

    bool operator==(const HostKey& other) const noexcept { return text_ == other.text_; }

private:
    HostKey(std::string text, std::string family, std::uint8_t group)
        : text_(std::move(text)), family_(std::move(family)), group_(group) {}

    std::string text_;
    std::string family_;
    std::uint8_t group_;
};

/// Of a name that kms::groupName() gives, capitals or not. Nothing for another word.
std::optional<std::uint8_t> groupOf(std::string_view name) noexcept;

/// What people read when a key is refused: code, Windows' own sentence, then `why`.
std::string invalidKeyText(std::string_view why);

}  // namespace muster::lab
