#include "duties.h"

#include <charconv>
#include <vector>

#include "muster/private_file.h"

namespace muster::relay {

namespace {

constexpr std::size_t kMaxFile = std::size_t{64} * 1024;

constexpr std::string_view kNotNamed = "-";

/// A line is "draining<TAB>active<TAB>milliseconds since 1970<TAB>by whom<TAB>name"; the second is what the settings
/// said, "-" where they did not name it.
std::vector<std::string_view> parts(std::string_view line) {
    std::vector<std::string_view> out;
    for (int i = 0; i < 4; ++i) {
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
        const auto over = fields.empty() ? std::nullopt : dutyOf(fields[1]);
        if (!duty || (!over && fields[1] != kNotNamed) || fields[4].empty() || fields[4].size() > 64 ||
            orders_.size() >= kMaxOrders ||
            std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), when).ec != std::errc()) {
            trouble_ = path_ + ": a line is damaged and left out; drain or rest that upstream again";
            continue;
        }
        orders_[std::string(fields[4])] = {*duty, over, std::string(fields[3].substr(0, 128)),
                                           Timestamp(std::chrono::milliseconds(when))};
    }
}

std::optional<Duties::Order> Duties::of(const std::string& upstream) const {
    const std::lock_guard lock(mutex_);
    const auto found = orders_.find(upstream);
    return found == orders_.end() ? std::nullopt : std::optional(found->second);
}

Result<void> Duties::set(const std::string& upstream, const Order& order) {
    if (order.duty == order.over.value_or(Duty::active))
        return clear(upstream);
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

Result<void> Duties::rename(const std::string& before, const std::string& after) {
    const std::lock_guard lock(mutex_);
    auto order = orders_.extract(before);
    if (order.empty())
        return {};
    orders_[after] = std::move(order.mapped());
    return writeLocked();
}

std::vector<std::string> Duties::settle(const Configured& configured) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ended;
    for (auto order = orders_.begin(); order != orders_.end();) {
        const auto found = configured.find(order->first);
        const auto now = found != configured.end() ? std::optional(found->second) : std::nullopt;
        if (now == order->second.over) {
            ++order;
            continue;
        }
        ended.push_back("upstream " + order->first + " is no longer " + name(order->second.duty) + " by the word of " +
                        order->second.by + ": the settings " +
                        (now ? std::string("say ") + name(*now) + " since" : "name it no more"));
        order = orders_.erase(order);
    }
    // Where that cannot be written, the next start comes to the same conclusion.
    if (!ended.empty())
        (void)writeLocked();
    return ended;
}

Result<void> Duties::writeLocked() const {
    std::string content;
    for (const auto& [upstream, order] : orders_)
        content += std::string(name(order.duty)) + '\t' + (order.over ? name(*order.over) : std::string(kNotNamed)) +
                   '\t' + std::to_string(order.when.time_since_epoch().count()) + '\t' +
                   oneLine(order.by.substr(0, 128)) + '\t' + oneLine(upstream) + '\n';
    return writePrivateFile(path_, content);
}

}  // namespace muster::relay
