/// What the database keeps as numbers: products and upstreams.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "pool/database.h"

namespace muster::pool {

struct Numbers {
    struct Product {
        Guid application;
        Guid counted;
        Guid sku;
    };
    std::unordered_map<std::int64_t, Product> products;
    std::unordered_map<std::int64_t, std::string> upstreams;

    /// All zero for a number that is not there.
    Product product(std::int64_t id) const {
        const auto at = products.find(id);
        return at == products.end() ? Product{} : at->second;
    }
    /// nullptr for a number that is not there.
    const std::string* upstream(std::int64_t id) const {
        const auto at = upstreams.find(id);
        return at == upstreams.end() ? nullptr : &at->second;
    }
};

/// @error storage
Result<Numbers> loadNumbers(Connection& connection);

}  // namespace muster::pool
