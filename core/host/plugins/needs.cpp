#include "host/plugins/needs.h"

#include <algorithm>
#include <functional>
#include <set>

namespace muster::plugins {

namespace {

using Graph = std::map<std::string, std::vector<std::string>>;

/// The way from `name` back to itself: "a -> b -> a"; empty if there is none.
std::string circleOf(const Graph& graph, const std::string& name) {
    std::vector<std::string> way{name};
    std::set<std::string> seen;
    const std::function<bool(const std::string&)> walk = [&](const std::string& at) {
        for (const std::string& next : graph.at(at)) {
            if (next == name)
                return true;
            if (graph.count(next) == 0 || !seen.insert(next).second)
                continue;
            way.push_back(next);
            if (walk(next))
                return true;
            way.pop_back();
        }
        return false;
    };
    if (!walk(name))
        return "";
    std::string text;
    for (const std::string& step : way)
        text += step + " -> ";
    return text + name;
}

}  // namespace

StartOrder orderByNeeds(std::vector<Needs> plugins) {
    Graph graph;
    for (Needs& plugin : plugins)
        graph[plugin.name] = std::move(plugin.needs);

    StartOrder order;
    for (const auto& [name, needs] : graph)
        if (std::string circle = circleOf(graph, name); !circle.empty())
            order.circles[name] = std::move(circle);

    std::set<std::string> placed;
    const auto waits = [&](const std::string& need) {
        return graph.count(need) != 0 && order.circles.count(need) == 0 && placed.count(need) == 0;
    };
    while (placed.size() + order.circles.size() < graph.size())
        for (const auto& [name, needs] : graph)  // by name: the first that can go goes
            if (order.circles.count(name) == 0 && placed.count(name) == 0 &&
                std::none_of(needs.begin(), needs.end(), waits)) {
                placed.insert(name);
                order.names.push_back(name);
                break;
            }
    return order;
}

}  // namespace muster::plugins
