#include "duties.h"

#include <charconv>
#include <vector>

#include "muster/private_file.h"

namespace muster::relay {

namespace {

constexpr std::size_t kMaxFile = std::size_t{64} * 1024;

/// A line is "draining<TAB>milliseconds since 1970<TAB>by whom<TAB>name".
std::vector<std::string_view> parts(std::string_view line) {
    std::vector<std::string_view> out;
    for (int i = 0; i < 3; ++i) {
        const std::size_t tab = line.find('\t');
        if (tab == std::string_view::npos)
            return {};
        out.push_back(line.substr(0, tab));
        line.remove_prefix(tab + 1);
    }
    out.push_back(line);
    return out;
}

std::optional<Duty> dutyOf(std::string_view word) {
    for (const Duty duty : {Duty::active, Duty::draining, Duty::maintenance})
        if (word == name(duty))
            return duty;
    return std::nullopt;
}

std::string oneLine(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20)
            c = ' ';
    return text;
}

}  // namespace

Duties::Duties(std::string path) : path_(std::move(path)) {
    read();
}

void Duties::read() {
    const auto content = readPrivateFile(path_, kMaxFile);
    if (!content) {
        if (content.error().code != Code::missing)
            trouble_ = content.error().text();
        return;
    }
    std::string_view rest = *content;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const auto fields = parts(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        std::int64_t when = 0;
        const auto duty = fields.empty() ? std::nullopt : dutyOf(fields[0]);
        if (!duty || fields[3].empty() || fields[3].size() > 64 || orders_.size() >= kMaxOrders ||
            std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), when).ec != std::errc()) {
            trouble_ = path_ + ": a line is damaged and left out; drain or rest that upstream again";
            continue;
        }
        orders_[std::string(fields[3])] = {*duty, std::string(fields[2].substr(0, 128)),
                                           Timestamp(std::chrono::milliseconds(when))};
    }
}

std::optional<Duties::Order> Duties::of(const std::string& upstream) const {
    const std::lock_guard lock(mutex_);
    const auto found = orders_.find(upstream);
    return found == orders_.end() ? std::nullopt : std::optional(found->second);
}

Result<void> Duties::set(const std::string& upstream, const Order& order) {
    const std::lock_guard lock(mutex_);
    if (orders_.size() >= kMaxOrders && !orders_.contains(upstream))
        orders_.erase(orders_.begin());
    orders_[upstream] = order;
    return writeLocked();
}

Result<void> Duties::clear(const std::string& upstream) {
    const std::lock_guard lock(mutex_);
    return orders_.erase(upstream) == 0 ? Result<void>() : writeLocked();
}

Result<void> Duties::writeLocked() const {
    std::string content;
    for (const auto& [upstream, order] : orders_)
        content += std::string(name(order.duty)) + '\t' + std::to_string(order.when.time_since_epoch().count()) + '\t' +
                   oneLine(order.by.substr(0, 128)) + '\t' + oneLine(upstream) + '\n';
    return writePrivateFile(path_, content);
}

}  // namespace muster::relay
