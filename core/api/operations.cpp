#include "api/operations.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "api/lists.h"
#include "api/text.h"

namespace muster::api {

namespace {

constexpr std::size_t kMaxPath = 200;     // octets of an operation's own path
constexpr std::size_t kMaxTarget = 4096;  // octets of a path that a caller may send
constexpr std::size_t kMaxParts = 12;
constexpr std::size_t kMaxWords = 3;  // "lab issue-key"

bool isPlaceholder(std::string_view part) noexcept {
    return part.size() > 2 && part.front() == '{' && part.back() == '}';
}

bool isWord(std::string_view word) noexcept {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

bool isLiteral(std::string_view part) noexcept {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string> pathParts(std::string_view path) {
    return path.size() > 1 ? split(path.substr(1), '/') : std::vector<std::string>{};
}

std::string subject(const Operation& operation) {
    return "operation " + std::string(operation.method) + " " + std::string(operation.path);
}

Result<void> checkShape(const Operation& operation) {
    static constexpr std::array<std::string_view, 5> kMethods{"GET", "POST", "PUT", "PATCH", "DELETE"};
    if (std::find(kMethods.begin(), kMethods.end(), operation.method) == kMethods.end())
        return fail(Code::malformed, subject(operation), "method is none of GET, POST, PUT, PATCH, DELETE");
    if (operation.path.empty() || operation.path.front() != '/' || operation.path.size() > kMaxPath)
        return fail(Code::malformed, subject(operation), "path does not begin with / or is longer than 200 octets");
    const auto parts = pathParts(operation.path);
    std::size_t placeholders = 0;
    for (const auto& part : parts) {
        if (isPlaceholder(part)) {
            const std::string_view name = std::string_view(part).substr(1, part.size() - 2);
            if (placeholders >= operation.path_.size() || name != operation.path_[placeholders].name)
                return fail(Code::malformed, subject(operation),
                            "the path has " + part + ", `path_` has no field of that name there");
            ++placeholders;
        } else if (!isLiteral(part)) {
            return fail(Code::malformed, subject(operation),
                        "\"" + part + "\" is neither {name} nor of a-z, 0-9, '-', '.', '_'");
        }
    }
    if (parts.size() > kMaxParts || placeholders != operation.path_.size())
        return fail(Code::malformed, subject(operation), "`path_` has fields that the path does not name");
    if (operation.method == "GET" && !operation.body.empty())
        return fail(Code::malformed, subject(operation), "a GET has no body; use `query`");
    if (int{operation.list} + int{operation.text} + int{operation.stream} + int{operation.file} > 1)
        return fail(Code::malformed, subject(operation), "`list`, `text`, `stream` and `file` exclude each other");
    if (operation.list)
        for (const Field& own : operation.query)
            for (const Field& common : listFields())
                if (std::string_view(own.name) == common.name)
                    return fail(Code::malformed, subject(operation),
                                std::string("every list has a parameter \"") + own.name + "\" already");
    if (operation.upload < 0 || (operation.upload > 0 && (operation.method == "GET" || !operation.body.empty())))
        return fail(Code::malformed, subject(operation), "`upload` goes with no GET and with no `body`");
    if (operation.support && (operation.method != "GET" || placeholders != 0 || operation.stream || operation.file))
        return fail(Code::malformed, subject(operation), "`support` is for a GET of JSON or text without {…} parts");
    if (!operation.cli.empty()) {
        const auto words = split(operation.cli, ' ');
        if (words.size() > kMaxWords || !std::all_of(words.begin(), words.end(), isWord))
            return fail(Code::malformed, subject(operation),
                        "cli \"" + std::string(operation.cli) + "\" is not one to three words of a-z, 0-9, '-'");
    }
    return {};
}

/// Two paths that no request could tell apart: the names of their {…} parts don't matter.
bool sameShape(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const std::string& x, const std::string& y) {
        return isPlaceholder(x) ? isPlaceholder(y) : x == y;
    });
}

template <class Rows>
Result<void> checkDuplicate(const Rows& rows, const Operation& operation, std::optional<std::string_view> except) {
    const auto parts = pathParts(operation.path);
    for (const auto& row : rows) {
        if (except && row->owner() == *except)
            continue;
        if (row->operation().method == operation.method && sameShape(row->parts(), parts))
            return fail(Code::duplicate, subject(operation),
                        "already there, from " + row->owner() + "; choose another path");
        if (!operation.cli.empty() && row->operation().cli == operation.cli)
            return fail(
                Code::duplicate, subject(operation),
                "the words \"" + std::string(operation.cli) + "\" belong to " + row->owner() + "; choose others");
    }
    return {};
}

bool before(const std::shared_ptr<const Registered>& a, const std::shared_ptr<const Registered>& b) {
    // '{' sorts behind every character of a literal: the first match is the most literal one, leftmost part first.
    return std::tie(a->parts(), a->operation().method) < std::tie(b->parts(), b->operation().method);
}

}  // namespace

const char* roleName(Role role) noexcept {
    switch (role) {
        case Role::none:
            return "none";
        case Role::viewer:
            return "viewer";
        case Role::operator_:
            return "operator";
        case Role::admin:
            return "admin";
    }
    return "admin";
}

Registered::Registered(std::string_view owner, const Operation& operation, Handler handler)
    : owner_(owner),
      method_(operation.method),
      path_(operation.path),
      cli_(operation.cli),
      summary_(operation.summary),
      confirm_(operation.confirm),
      operation_(operation),
      handler_(std::move(handler)),
      parts_(pathParts(operation.path)) {
    operation_.method = method_;
    operation_.path = path_;
    operation_.cli = cli_;
    operation_.summary = summary_;
    operation_.confirm = confirm_;
}

std::shared_ptr<const OperationTable::Rows> OperationTable::rows() const {
    const std::lock_guard lock(mutex_);
    return rows_;
}

Result<void> OperationTable::add(std::string_view owner, const Operation& operation, Handler handler) {
    if (auto shape = checkShape(operation); !shape)
        return shape;
    const std::lock_guard lock(mutex_);
    if (auto unique = checkDuplicate(*rows_, operation, std::nullopt); !unique)
        return unique;
    auto rows = std::make_shared<Rows>(*rows_);
    auto row = std::make_shared<const Registered>(owner, operation, std::move(handler));
    rows->insert(std::upper_bound(rows->begin(), rows->end(), row, before), std::move(row));
    rows_ = std::move(rows);
    return {};
}

Result<void> OperationTable::mayAdd(std::string_view owner, const Operation& operation) const {
    if (auto shape = checkShape(operation); !shape)
        return shape;
    return checkDuplicate(*rows(), operation, owner);
}

Result<void> OperationTable::replace(std::string_view owner, std::vector<Registration> registrations) {
    const std::lock_guard lock(mutex_);
    auto rows = std::make_shared<Rows>();
    for (const auto& row : *rows_)
        if (row->owner() != owner)
            rows->push_back(row);
    for (auto& registration : registrations) {
        if (auto shape = checkShape(registration.operation); !shape)
            return shape;
        if (auto unique = checkDuplicate(*rows, registration.operation, std::nullopt); !unique)
            return unique;
        auto row = std::make_shared<const Registered>(owner, registration.operation, std::move(registration.handler));
        rows->insert(std::upper_bound(rows->begin(), rows->end(), row, before), std::move(row));
    }
    rows_ = std::move(rows);
    return {};
}

void OperationTable::remove(std::string_view owner) {
    const std::lock_guard lock(mutex_);
    auto rows = std::make_shared<Rows>();
    for (const auto& row : *rows_)
        if (row->owner() != owner)
            rows->push_back(row);
    rows_ = std::move(rows);
}

std::vector<std::shared_ptr<const Registered>> OperationTable::list() const {
    return *rows();
}

std::shared_ptr<const Registered> OperationTable::sibling(const Registered& row, std::string_view method) const {
    const auto rows = this->rows();
    // Rows of one path stand together.
    const auto first = std::partition_point(rows->begin(), rows->end(),
                                            [&](const auto& other) { return other->parts() < row.parts(); });
    for (auto at = first; at != rows->end() && (*at)->parts() == row.parts(); ++at)
        if ((*at)->operation().method == method)
            return *at;
    return nullptr;
}

Match OperationTable::find(std::string_view method, std::string_view path) const {
    Match match;
    if (path.empty() || path.front() != '/' || path.size() > kMaxTarget ||
        std::count(path.begin(), path.end(), '/') > static_cast<std::ptrdiff_t>(kMaxParts))
        return match;
    std::vector<std::string> given = pathParts(path);
    for (std::string& part : given) {
        auto decoded = percentDecode(part, false);
        if (!decoded || decoded->empty())
            return match;
        part = std::move(*decoded);
    }
    const auto rows = this->rows();
    for (const auto& row : *rows) {
        const auto& parts = row->parts();
        const bool fits = std::equal(
            parts.begin(), parts.end(), given.begin(), given.end(),
            [](const std::string& mine, const std::string& theirs) { return isPlaceholder(mine) || mine == theirs; });
        if (!fits)
            continue;
        if (row->operation().method == method) {
            match.registered = row;
            for (std::size_t i = 0; i < parts.size(); ++i)
                if (isPlaceholder(parts[i]))
                    match.values.push_back(given[i]);
            match.allowed.clear();
            return match;
        }
        if (match.allowed.find(row->operation().method) == std::string::npos)
            match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(row->operation().method);
    }
    return match;
}

}  // namespace muster::api
