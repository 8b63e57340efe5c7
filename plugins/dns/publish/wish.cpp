#include "publish/wish.h"

namespace muster::publisher {

std::vector<dns::Record> recordsOf(const Wish& wish, std::string_view zone) {
    std::vector<dns::Record> records;
    if (std::string owner = ownerOf(wish.domain); isWithin(owner, zone))
        records.push_back({std::move(owner),
                           dns::Type::srv,
                           wish.ttl,
                           {wish.priority, wish.weight, wish.port, wish.target},
                           Address()});
    if (isWithin(wish.target, zone))
        for (const Address& address : wish.addresses)
            records.push_back(
                {wish.target, address.isV4() ? dns::Type::a : dns::Type::aaaa, wish.ttl, dns::Service(), address});
    return records;
}

std::string data(const dns::Record& record) {
    if (record.type != dns::Type::srv)
        return record.address.host();
    const dns::Service& service = record.service;
    return std::to_string(service.priority) + ' ' + std::to_string(service.weight) + ' ' +
           std::to_string(service.port) + ' ' + service.target + '.';
}

std::string text(const dns::Record& record) {
    return record.name + ". " + std::to_string(record.ttl.count()) + " IN " + dns::name(record.type) + ' ' +
           data(record);
}

bool same(const dns::Record& a, const dns::Record& b) {
    return a.name == b.name && a.type == b.type &&
           (a.type == dns::Type::srv ? a.service == b.service : a.address.octets == b.address.octets);
}

}  // namespace muster::publisher
