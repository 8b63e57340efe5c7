#include "pool/json_text.h"

#include "nlohmann/json.hpp"

namespace muster::pool {

namespace {

using Tree = nlohmann::ordered_json;
constexpr int kMaxDepth = 16;

Tree toTree(const Json& value, int depth) {
    if (const bool* flag = value.boolean())
        return *flag;
    if (const auto* number = value.integer())
        return *number;
    if (const auto* number = value.natural())
        return *number;
    if (const auto* number = value.real())
        return *number;
    if (const auto* text = value.string())
        return *text;
    if (depth >= kMaxDepth)
        return nullptr;
    if (const auto* array = value.array()) {
        Tree out = Tree::array();
        for (const Json& item : *array)
            out.push_back(toTree(item, depth + 1));
        return out;
    }
    if (const auto* object = value.object()) {
        Tree out = Tree::object();
        for (const auto& [key, member] : *object)
            out[key] = toTree(member, depth + 1);
        return out;
    }
    return nullptr;
}

Json fromTree(const Tree& tree, int depth) {
    if (depth > kMaxDepth)
        return {};
    switch (tree.type()) {
        case Tree::value_t::boolean:
            return tree.get<bool>();
        case Tree::value_t::number_integer:
            return tree.get<std::int64_t>();
        case Tree::value_t::number_unsigned:
            return tree.get<std::uint64_t>();
        case Tree::value_t::number_float:
            return tree.get<double>();
        case Tree::value_t::string:
            return tree.get<std::string>();
        case Tree::value_t::array: {
            Json::Array out;
            for (const Tree& item : tree)
                out.push_back(fromTree(item, depth + 1));
            return out;
        }
        case Tree::value_t::object: {
            Json::Object out;
            for (const auto& item : tree.items())
                out.emplace_back(item.key(), fromTree(item.value(), depth + 1));
            return out;
        }
        default:
            return {};
    }
}

}  // namespace

std::string jsonText(const Json& value) {
    return toTree(value, 0).dump(-1, ' ', false, Tree::error_handler_t::replace);
}

Json jsonFrom(std::string_view text) {
    const Tree tree = Tree::parse(text.begin(), text.end(), nullptr, false);
    return tree.is_discarded() ? Json() : fromTree(tree, 0);
}

}  // namespace muster::pool
