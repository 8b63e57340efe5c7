#include "pool/pool_operations.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "pool/event_operations.h"
#include "pool/events.h"
#include "pool/history_operations.h"

namespace muster::pool {

namespace {

constexpr std::chrono::milliseconds kReadersWait{250};
constexpr std::chrono::seconds kRemovalWait{10};
constexpr std::size_t kRequestsShown = 10;

constexpr const char* kStatusWords[] = {"unlicensed",  "licensed",     "initial-grace", "additional-grace",
                                        "non-genuine", "notification", "extended-grace"};
constexpr const char* kStatusChoices =
    "unlicensed|licensed|initial-grace|additional-grace|non-genuine|notification|extended-grace";

constexpr Field kCmidPath[] = {{.name = "cmid", .type = FieldType::guid, .help = "The client machine ID."}};

constexpr Field kClientQuery[] = {
    {.name = "product", .type = FieldType::guid, .help = "KMS counted ID of the product."},
    {.name = "machine",
     .type = FieldType::text,
     .help = "What the machine's name begins with.",
     .minimum = 1,
     .maximum = 192},
    {.name = "cmid", .type = FieldType::text, .help = "What the CMID begins with.", .minimum = 1, .maximum = 36},
    {.name = "address", .type = FieldType::text, .help = "An address it was seen at.", .minimum = 2, .maximum = 64},
    {.name = "status", .type = FieldType::choice, .help = "Its licence status.", .choices = kStatusChoices},
    {.name = "virtual", .type = FieldType::boolean, .help = "Only virtual machines, or only physical ones."},
    {.name = "shared",
     .type = FieldType::boolean,
     .help = "Only machines whose CMID others have as well, or only those that have one of their own."},
    {.name = "since", .type = FieldType::timestamp, .help = "Seen then or later."},
    {.name = "upstream",
     .type = FieldType::text,
     .help = "Name of the upstream that answered it last.",
     .minimum = 1,
     .maximum = 64},
    {.name = "sort",
     .type = FieldType::choice,
     .help = "Latest first, or by name, or by CMID.",
     .fallback = "last-seen",
     .choices = "last-seen|name|cmid"},
    {.name = "limit",
     .type = FieldType::integer,
     .help = "How many items at most.",
     .fallback = "100",
     .minimum = 1,
     .maximum = 1000},
    {.name = "cursor",
     .type = FieldType::text,
     .help = "Where to go on: `next` of the page before.",
     .minimum = 1,
     .maximum = 1024},
};

constexpr Field kClientAnswer[] = {
    {.name = "cmid", .type = FieldType::guid, .help = "Client machine ID.", .column = true},
    {.name = "machine", .type = FieldType::text, .help = "The name it gave.", .column = true},
    {.name = "product", .type = FieldType::text, .help = "Name of its product, or the activation ID.", .column = true},
    {.name = "addresses",
     .type = FieldType::texts,
     .help = "Where it was seen, latest first; at most 64.",
     .column = true},
    {.name = "firstSeen", .type = FieldType::timestamp, .help = "First request."},
    {.name = "lastSeen", .type = FieldType::timestamp, .help = "Latest request.", .column = true},
    {.name = "status", .type = FieldType::text, .help = "Licence status that it gave.", .column = true},
    {.name = "minutesToExpiry", .type = FieldType::integer, .help = "Minutes left in that status.", .column = true},
    {.name = "virtual", .type = FieldType::boolean, .help = "It says that it is a virtual machine.", .column = true},
    {.name = "count", .type = FieldType::integer, .help = "Count in its latest answer.", .column = true},
    {.name = "result", .type = FieldType::text, .help = "HRESULT of its latest answer.", .column = true},
    {.name = "upstream",
     .type = FieldType::text,
     .help = "Upstream that gave its latest answer; empty: none ever did.",
     .column = true},
    {.name = "required", .type = FieldType::integer, .help = "Its N-policy: the count that it needs."},
    {.name = "requests", .type = FieldType::integer, .help = "How often it asked."},
    {.name = "countedAt", .type = FieldType::timestamp, .help = "When it was last counted."},
    {.name = "application", .type = FieldType::guid, .help = "Application ID."},
    {.name = "countedId", .type = FieldType::guid, .help = "KMS counted ID."},
    {.name = "activationId", .type = FieldType::guid, .help = "Activation ID (SKU)."},
    {.name = "moreAddresses", .type = FieldType::integer, .help = "How often another address was seen and not kept."},
};

constexpr Field kShowAnswer[] = {
    {.name = "cmid", .type = FieldType::guid, .help = "Client machine ID."},
    {.name = "machines",
     .type = FieldType::objects,
     .help = "All that have this CMID: more than one are clones.",
     .fields = kClientAnswer},
    {.name = "requests", .type = FieldType::objects, .help = "Its latest requests.", .fields = kEventAnswer},
};

constexpr Field kRemoveAnswer[] = {
    {.name = "removed", .type = FieldType::integer, .help = "How many machines had this CMID.", .column = true}};

constexpr Field kProductAnswer[] = {
    {.name = "application", .type = FieldType::guid, .help = "Application ID."},
    {.name = "countedId", .type = FieldType::guid, .help = "KMS counted ID."},
    {.name = "product", .type = FieldType::text, .help = "Its name.", .column = true},
    {.name = "machines", .type = FieldType::integer, .help = "Machines.", .column = true},
    {.name = "cmids", .type = FieldType::integer, .help = "Different CMIDs.", .column = true},
    {.name = "counted", .type = FieldType::integer, .help = "CMIDs counted within 30 days.", .column = true},
    {.name = "virtual", .type = FieldType::integer, .help = "Virtual machines.", .column = true},
    {.name = "lastSeen", .type = FieldType::timestamp, .help = "When the latest of its clients asked."},
    {.name = "count", .type = FieldType::integer, .help = "Count in that one's answer."},
    {.name = "required", .type = FieldType::integer, .help = "The count that it needs."},
    {.name = "upstream",
     .type = FieldType::text,
     .help = "Upstream that gave its latest answer; empty: none ever did."},
};

constexpr Field kStatusAnswer[] = {
    {.name = "status", .type = FieldType::text, .help = "Licence status that they gave.", .column = true},
    {.name = "machines", .type = FieldType::integer, .help = "Machines.", .column = true},
};

constexpr Field kPoolAnswer[] = {
    {.name = "machines", .type = FieldType::integer, .help = "Machines.", .column = true},
    {.name = "cmids", .type = FieldType::integer, .help = "Different CMIDs.", .column = true},
    {.name = "virtual", .type = FieldType::integer, .help = "Virtual machines.", .column = true},
    {.name = "duplicateCmids", .type = FieldType::integer, .help = "CMIDs of more than one machine.", .column = true},
    {.name = "duplicateMachines", .type = FieldType::integer, .help = "Machines that share theirs.", .column = true},
    {.name = "surplusRequests",
     .type = FieldType::integer,
     .help = "Requests under names beyond the first 1,000 of a CMID."},
    {.name = "trouble", .type = FieldType::text, .help = "What is wrong with the store; empty: nothing."},
    {.name = "products", .type = FieldType::objects, .help = "By product.", .fields = kProductAnswer},
    {.name = "statuses", .type = FieldType::objects, .help = "By licence status.", .fields = kStatusAnswer},
};

std::string nameOf(const PoolContext& context, const Guid& counted, const Guid& sku) {
    std::string name = context.productName ? context.productName(counted, sku) : std::string();
    return name.empty() ? (sku.isZero() ? counted : sku).text() : name;
}

Json clientJson(const PoolContext& context, const Client& client) {
    Json::Array addresses;
    for (const Address& address : client.addresses)
        addresses.emplace_back(address.host());
    return json({{"cmid", client.cmid.text()},
                 {"machine", client.machine},
                 {"product", nameOf(context, client.counted, client.sku)},
                 {"addresses", std::move(addresses)},
                 {"firstSeen", isoTime(client.firstSeen)},
                 {"lastSeen", isoTime(client.lastSeen)},
                 {"status", licenseStatusWord(client.licenseStatus)},
                 {"minutesToExpiry", client.minutesToExpiry},
                 {"virtual", client.isVirtual},
                 {"count", client.count},
                 {"result", text(client.result)},
                 {"upstream", client.upstream},
                 {"required", client.required},
                 {"requests", client.requests},
                 {"countedAt", client.countedAt ? Json(isoTime(*client.countedAt)) : Json()},
                 {"application", client.application.text()},
                 {"countedId", client.counted.text()},
                 {"activationId", client.sku.text()},
                 {"moreAddresses", client.moreAddresses}});
}

bool given(const Call& call, std::string_view name) {
    const Json* value = call.query.find(name);
    return value && !value->isNull();
}

Result<ClientQuery> clientQuery(const Call& call) {
    ClientQuery query;
    if (given(call, "product"))
        query.counted = Guid::parse(call.text("product"));
    query.machinePrefix = call.text("machine");
    query.cmidPrefix = call.text("cmid");
    query.address = call.text("address");
    query.upstream = call.text("upstream");
    if (const std::string_view status = call.text("status"); !status.empty()) {
        const auto* word = std::find(std::begin(kStatusWords), std::end(kStatusWords), status);
        query.licenseStatus = static_cast<std::uint32_t>(word - std::begin(kStatusWords));
    }
    if (given(call, "virtual"))
        query.isVirtual = call.flag("virtual");
    if (given(call, "shared"))
        query.sharesCmid = call.flag("shared");
    if (const std::string_view since = call.text("since"); !since.empty()) {
        query.seenSince = parseIsoTime(since);
        if (!query.seenSince)
            return fail(Code::malformed, "since", "\"" + std::string(since) + "\" is no time as 2026-11-22T15:04:05Z");
    }
    const std::string_view sort = call.text("sort");
    query.order = sort == "name" ? ClientOrder::name : sort == "cmid" ? ClientOrder::cmid : ClientOrder::lastSeen;
    query.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(call.integer("limit", 100), 1, 1000));
    query.cursor = call.text("cursor");
    return query;
}

Result<Reply> listClients(const PoolContext& context, const Call& call) {
    const auto query = clientQuery(call);
    if (!query)
        return fail(query.error());
    context.archive.settle(kReadersWait);
    auto page = context.archive.reader().clients(*query);
    if (!page)
        return fail(page.error());
    Json::Array items;
    for (const Client& client : page->clients)
        items.push_back(clientJson(context, client));
    return Reply(json({{"items", std::move(items)}, {"next", page->next.empty() ? Json() : Json(page->next)}}));
}

/// All machines of the CMID in the call's path. @error missing
Result<std::vector<Client>> clientOf(const PoolContext& context, const Call& call) {
    const auto cmid = Guid::parse(call.text("cmid"));
    if (!cmid)
        return fail(Code::malformed, "cmid", "\"" + std::string(call.text("cmid")) + "\" is no GUID");
    context.archive.settle(kReadersWait);
    auto machines = context.archive.reader().client(*cmid);
    if (machines && machines->empty())
        return fail(Code::missing, "client " + cmid->text(),
                    "no such CMID in the pool; `musterctl client list` shows all");
    return machines;
}

Result<Reply> showClient(const PoolContext& context, const Call& call) {
    auto machines = clientOf(context, call);
    if (!machines)
        return fail(machines.error());
    std::uint64_t latest = 0;
    Json::Array list;
    for (const Client& client : *machines) {
        latest = std::max(latest, client.lastSeq);
        list.push_back(clientJson(context, client));
    }
    // From its latest request backwards: no index leads to the others, so the search is bounded.
    auto page = context.archive.reader().journal({.id = JournalEntry::kRequestId,
                                                  .cmid = machines->front().cmid,
                                                  .before = latest + 1,
                                                  .limit = kRequestsShown});
    Json::Array requests;
    if (page)
        for (const JournalEntry& entry : page->entries)
            requests.push_back(eventJson(entry));
    return Reply(json(
        {{"cmid", machines->front().cmid.text()}, {"machines", std::move(list)}, {"requests", std::move(requests)}}));
}

Result<Reply> removeClient(const PoolContext& context, const Call& call) {
    const auto machines = clientOf(context, call);
    if (!machines)
        return fail(machines.error());
    const Guid cmid = machines->front().cmid;
    struct Waiting {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<Durability> ended;
    };
    const auto waiting = std::make_shared<Waiting>();
    context.archive.remove(cmid, [waiting](Durability how) {
        const std::lock_guard lock(waiting->mutex);
        waiting->ended = how;
        waiting->changed.notify_all();
    });
    {
        std::unique_lock lock(waiting->mutex);
        waiting->changed.wait_for(lock, kRemovalWait, [&] { return waiting->ended.has_value(); });
        if (waiting->ended != Durability::durable)
            return fail(Code::storage, "client " + cmid.text(),
                        "the removal is not on disk; it is done when the store is back: " + context.archive.trouble());
    }
    if (context.forget)
        for (std::size_t i = 0; i < machines->size(); ++i)
            if (i == 0 || (*machines)[i].application != (*machines)[i - 1].application)
                context.forget((*machines)[i].application, cmid);
    EventRecord event = storeEvent(kEventClientRemoved, {});
    event.message = "The client " + cmid.text() + " was removed by " + call.caller.name + ".";
    event.fields = json({{"cmid", cmid.text()}, {"who", call.caller.name}, {"machine", machines->front().machine}});
    context.archive.journal(std::move(event));
    Reply reply(json({{"removed", std::uint64_t{machines->size()}}}));
    reply.before = json(
        {{"cmid", cmid.text()}, {"machine", machines->front().machine}, {"machines", std::uint64_t{machines->size()}}});
    return reply;
}

Result<Reply> showPool(const PoolContext& context) {
    context.archive.settle(kReadersWait);
    const auto sum = context.archive.sum();
    if (!sum)
        return fail(sum.error());
    Json::Array products;
    for (const ProductSum& line : sum->products)
        products.push_back(json({{"application", line.application.text()},
                                 {"countedId", line.counted.text()},
                                 {"product", nameOf(context, line.counted, Guid{})},
                                 {"machines", line.machines},
                                 {"cmids", line.cmids},
                                 {"counted", line.countedCmids},
                                 {"virtual", line.virtualMachines},
                                 {"lastSeen", isoTime(line.lastSeen)},
                                 {"count", line.count},
                                 {"required", line.required},
                                 {"upstream", line.upstream}}));
    Json::Array statuses;
    for (std::uint32_t status = 0; status < sum->statuses.size(); ++status)
        if (sum->statuses[status] > 0)
            statuses.push_back(json({{"status", licenseStatusWord(status)}, {"machines", sum->statuses[status]}}));
    return Reply(json({{"machines", sum->machines},
                       {"cmids", sum->cmids},
                       {"virtual", sum->virtualMachines},
                       {"duplicateCmids", sum->duplicateCmids},
                       {"duplicateMachines", sum->duplicateMachines},
                       {"surplusRequests", sum->surplus},
                       {"trouble", context.archive.trouble()},
                       {"products", std::move(products)},
                       {"statuses", std::move(statuses)}}));
}

}  // namespace

std::string licenseStatusWord(std::uint32_t status) {
    return status < std::size(kStatusWords) ? kStatusWords[status] : std::to_string(status);
}

void addPoolOperations(const PoolContext& context, const AddOperation& add) {
    add({.method = "GET",
         .path = "/clients",
         .role = Role::viewer,
         .cli = "client list",
         .summary = "Lists the clients that Muster knows: one line per machine.",
         .query = kClientQuery,
         .answer = kClientAnswer,
         .list = true},
        [context](const Call& call) { return listClients(context, call); });
    add({.method = "GET",
         .path = "/clients/{cmid}",
         .role = Role::viewer,
         .cli = "client show",
         .summary = "Shows all machines with one CMID, their addresses and latest requests.",
         .path_ = kCmidPath,
         .answer = kShowAnswer},
        [context](const Call& call) { return showClient(context, call); });
    add({.method = "DELETE",
         .path = "/clients/{cmid}",
         .role = Role::operator_,
         .cli = "client remove",
         .summary = "Removes a client from the pool: it counts no more until it asks again.",
         .path_ = kCmidPath,
         .answer = kRemoveAnswer,
         .confirm = "Remove all machines with this CMID from the pool?"},
        [context](const Call& call) { return removeClient(context, call); });
    add({.method = "GET",
         .path = "/pool",
         .role = Role::viewer,
         .support = true,
         .summary = "Sums of the pool: machines, CMIDs, virtual machines, duplicates, by product.",
         .answer = kPoolAnswer},
        [context](const Call&) { return showPool(context); });
    addEventOperations(context, add);
    addHistoryOperations(context, add);
}

}  // namespace muster::pool
