/// What was seen of each SRV target, and what was told of it: kept over restarts in one small file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "verdict.h"

namespace muster::publisher {

/// One target and port in one domain. Of the set of name servers as a whole: target ".", port 0.
struct Sighting {
    struct Change {
        Timestamp at;
        Verdict verdict = Verdict::unknown;
    };
    std::string domain;  ///< as dns::plainName() gives it, as is the target
    std::string target;
    std::uint16_t port = 0;
    std::uint16_t priority = 0;  ///< when it was last seen
    std::uint16_t weight = 0;
    Timestamp first;  ///< both zero: never seen in DNS
    Timestamp last;
    std::vector<Change> changes;  ///< of the verdict, oldest first: the last kMaxChanges; the last is the present one
    std::vector<Change> told;     ///< when each trouble was last told, one for each verdict
    std::optional<Verdict> open;  ///< the trouble that was told and is not over
};

constexpr std::string_view kServersTarget = ".";

class HistoryFile {
public:
    static constexpr std::size_t kMaxSize = std::size_t{2048} * 1024;  ///< octets
    static constexpr std::size_t kMaxSightings = 2048;
    static constexpr std::size_t kMaxChanges = 16;

    explicit HistoryFile(std::string path) : path_(std::move(path)) {}

    /// Empty where there is no file yet.
    /// @error malformed  a line that is none of ours is named; nothing of the file is used
    /// @error storage    the system's words
    Result<std::vector<Sighting>> read() const;
    /// Replaces the file, mode 0600: whole and durably or not at all. @error storage  then the old file stands
    Result<void> write(const std::vector<Sighting>& sightings) const;
    /// Puts the file beside, as PATH.bad, in place of an earlier one there.
    void setAside() const noexcept;
    const std::string& path() const noexcept { return path_; }

    /// The file's content. @thread any; pure
    static std::string text(const std::vector<Sighting>& sightings);
    /// @param content  hostile: whoever can write the file chose it
    /// @error malformed  with the line's number
    static Result<std::vector<Sighting>> parse(std::string_view content);

private:
    std::string path_;
};

/// The sightings, and the rule for what is told: a trouble that two looks in a row find, once, and again after a day;
/// its end likewise.
/// @thread one at a time
class History {
public:
    using Key = std::tuple<std::string, std::string, std::uint16_t>;  ///< domain, target, port

    struct News {
        enum class Kind : std::uint8_t { none, trouble, settled };
        Kind kind = Kind::none;
        Verdict before = Verdict::unknown;  ///< of settled: the trouble that is over
        bool lookAgain = false;             ///< a second look soon would settle what this one says
    };

    /// @param path  empty: nothing is kept
    explicit History(const std::string& path);

    /// Reads the file. @return what was wrong with it; it is set aside then, and the history begins anew
    std::optional<Error> load();
    /// Writes what has changed; sightings alone at most once an hour.
    /// @param always  also what is not due yet: at the end  @error storage
    Result<void> save(Timestamp now, bool always);

    void seen(const Key& key, std::uint16_t priority, std::uint16_t weight, Timestamp now);
    /// `unknown` changes nothing.
    News judged(const Key& key, Verdict verdict, Timestamp now);
    /// DNS says that the record is not there (any more).
    News gone(const Key& key, Timestamp now);

    /// nullptr: never seen.
    const Sighting* find(const Key& key) const noexcept;
    std::vector<Sighting> all() const;
    /// The keys of a domain that are not gone.
    std::vector<Key> present(const std::string& domain) const;

private:
    struct Entry {
        Sighting sighting;
        Verdict looked = Verdict::unknown;  ///< what the last looks found
        unsigned looks = 0;                 ///< so many in a row, since the start
        bool here = false;                  ///< at the last look, since the start
    };
    Entry& entry(const Key& key);
    News settle(Entry& entry);

    HistoryFile file_;
    bool kept_;
    std::map<Key, Entry> entries_;
    bool changed_ = false;  ///< a verdict or a new target: to be written at once
    std::string written_;
    Timestamp saved_;
};

}  // namespace muster::publisher
