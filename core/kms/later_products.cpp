#include "kms/later_products.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace muster::kms {

namespace {

struct Row {
    std::string_view counted;
    std::string_view name;
    bool certain;
};

constexpr Row kRows[] = {
    {"e85af946-2e25-47b7-83e1-bebcebeac611", "Office 2010", true},
    {"e6a6f1bf-9d40-40c3-aa9f-c77ba21578c0", "Office 2013", true},
    {"85b5f61b-320b-4be3-814a-b76b2bfafc82", "Office 2016", true},
    {"617d9eb1-ef36-4f82-86e0-a65ae07b96c6", "Office 2019", true},
    {"86d50b16-4808-41af-b83b-b338274318b2", "Office 2021", false},
    {"969fe3c0-a3ec-491a-9f25-423605deb365", "Windows 10 2016 (Volume)", true},
    {"11b15659-e603-4cf1-9c1f-f0ec01b81888", "Windows 10 2019 (Volume)", true},
    {"cbdcb1ba-e093-4c81-a463-10775291fdf9", "Windows 10 ServerRdsh (Volume)", false},
    {"d27cd636-1962-44e9-8b4f-27b6c23efb85", "Windows 10 (Volume)", false},
    {"e1c51358-fe3e-4203-a4a2-3b6b20c9734e", "Windows 10/11 (Retail)", true},
    {"58e2134f-8e11-4d17-9cb2-91069c151148", "Windows 10/11 2015 (Volume)", true},
    {"7ba0bf23-d0f5-4072-91d9-d55af5a481b6", "Windows 10/11 China Government", true},
    {"bbb97b3b-8ca4-4a28-9717-89fabd42c4ac", "Windows 8 (Retail)", true},
    {"3c40b358-5948-45af-923b-53d21fcc7e79", "Windows 8 (Volume)", true},
    {"6d646890-3606-461a-86ab-598bb84ace82", "Windows 8.1 (Retail)", true},
    {"cb8fc780-2c05-495a-9710-85afffc904d7", "Windows 8.1 (Volume)", true},
    {"8665cb71-468c-4aa3-a337-cb9bc9d5eaac", "Windows Server 2012", true},
    {"8456efd3-0c04-4089-8740-5b7238535a65", "Windows Server 2012 R2", true},
    {"6e9fc069-257d-4bc4-b4a7-750514d32743", "Windows Server 2016", true},
    {"8449b1fb-f0ea-497a-99ab-66ca96e9a0f5", "Windows Server 2019", true},
    {"b74263e4-0f92-46c6-bcf8-c11d5efe2959", "Windows Server 2022", false},
};

using Table = std::array<LaterProduct, std::size(kRows)>;

const Table& table() noexcept {
    static const Table products = [] {
        Table made;
        std::transform(std::begin(kRows), std::end(kRows), made.begin(), [](const Row& row) {
            return LaterProduct{Guid::parse(row.counted).value_or(Guid{}), row.name, row.certain};
        });
        return made;
    }();
    return products;
}

}  // namespace

const LaterProduct* findLaterProduct(const Guid& counted) noexcept {
    const auto at = std::find_if(table().begin(), table().end(),
                                 [&](const LaterProduct& product) { return product.counted == counted; });
    return at != table().end() ? &*at : nullptr;
}

std::span<const LaterProduct> laterProducts() noexcept {
    return table();
}

std::string laterProductName(const Guid& counted) {
    const LaterProduct* product = findLaterProduct(counted);
    if (product == nullptr)
        return {};
    return std::string(product->name) + (product->certain ? "" : " (uncertain)");
}

}  // namespace muster::kms
