#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <iterator>

#include "CppUTest/TestHarness.h"

#include "pool/events.h"
#include "pool/schema.h"
#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

TEST_GROUP(Store) {
    Scratch scratch;
    std::unique_ptr<Archive> store = openStore(smallStore(scratch.path()));

    void reopen() {
        store.reset();
        store = openStore(smallStore(scratch.path()));
    }
    ClientPage clients(const ClientQuery& query = {}) const {
        CHECK_TRUE(store->settle(kLong));
        auto page = store->reader().clients(query);
        CHECK_TRUE(page.has_value());
        return std::move(*page);
    }
    JournalPage journal(const JournalQuery& query = {}) const {
        CHECK_TRUE(store->settle(kLong));
        auto page = store->reader().journal(query);
        CHECK_TRUE(page.has_value());
        return std::move(*page);
    }
    void add(std::vector<RequestRecord> records) const {
        CHECK_TRUE(appendAndWait(*store, std::move(records)) == Durability::durable);
    }
};

TEST(Store, keepsARequestOfItsOwnApartFromAllOthers) {
    CHECK_FALSE(store->lastOwn().has_value());
    for (const unsigned number : {1U, 2U}) {
        std::promise<Durability> done;
        store->appendOwn(cmidOf(number), [&](Durability how) { done.set_value(how); });
        CHECK_TRUE(done.get_future().get() == Durability::durable);
        CHECK_TRUE(store->settle(kLong));
        CHECK_TRUE(store->lastOwn() == cmidOf(number));
    }
    reopen();
    CHECK_TRUE(store->lastOwn() == cmidOf(2));
    CHECK_TRUE(clients().clients.empty());
    CHECK_TRUE(journal().entries.empty());
    const Totals totals = store->totals();
    CHECK_EQUAL(0U, totals.requests + totals.failed + totals.machines + totals.clients);
}

TEST(Store, listsAClientWithAllThatItSaid) {
    RequestRecord record = requestOf(7);
    record.request.vmInfo = 1;
    add({record});
    const ClientPage page = clients();
    CHECK_EQUAL(1U, page.clients.size());
    const Client& client = page.clients[0];
    CHECK_TRUE(client.cmid == cmidOf(7));
    CHECK_TRUE(client.application == kWindows);
    CHECK_TRUE(client.counted == kSeven);
    CHECK_TRUE(client.sku == kSevenEnterprise);
    STRCMP_EQUAL("pc7.example.org", client.machine.c_str());
    CHECK_TRUE(client.firstSeen == at(7));
    CHECK_TRUE(client.lastSeen == at(7));
    CHECK_EQUAL(2U, client.licenseStatus);
    CHECK_EQUAL(43'200U, client.minutesToExpiry);
    CHECK_TRUE(client.isVirtual);
    CHECK_EQUAL(25U, client.required);
    CHECK_TRUE(client.countedAt == at(7));
    CHECK_EQUAL(1U, client.addresses.size());
    STRCMP_EQUAL("10.0.0.7", client.addresses[0].host().c_str());
    CHECK_TRUE(page.next.empty());
}

TEST(Store, whoNamesNoProductIsJournalledAndHoldsNobodyUp) {
    RequestRecord opaque;
    opaque.received = at(1);
    opaque.source = requestOf(1).source;
    opaque.request.major = 6;
    RequestRecord malformed = opaque;
    malformed.wellFormed = false;
    malformed.request = {};
    malformed.result = HResult::invalidData;
    add({opaque, malformed, requestOf(7)});
    CHECK_EQUAL(1U, clients().clients.size());
    const JournalPage page = journal();
    CHECK_EQUAL(3U, page.entries.size());
    CHECK_TRUE(page.entries[0].request.counted == kSeven);
    CHECK_TRUE(page.entries[2].request.counted.isZero());
    STRCMP_EQUAL("", store->trouble().c_str());
}

TEST(Store, keepsEverythingOverARestart) {
    add({requestOf(1), requestOf(2)});
    reopen();
    CHECK_EQUAL(2U, clients().clients.size());
    CHECK_TRUE(eventually([&] { return !store->isKnown(kWindows, cmidOf(99)); }));
    CHECK_TRUE(store->isKnown(kWindows, cmidOf(1)));
    CHECK_EQUAL(2U, store->totals().requests);
}

TEST(Store, aNewCmidTakesThePlaceOfTheOneItNamesAsPrevious) {
    add({requestOf(1), requestOf(2)});
    RequestRecord renewed = requestOf(3);
    renewed.request.previousCmid = cmidOf(1);
    add({renewed});
    reopen();
    const auto counted = store->counted(kWindows, at(0), 100);
    CHECK_EQUAL(2U, counted.size());
    CHECK_TRUE(counted[0].cmid == cmidOf(3));
    CHECK_TRUE(counted[1].cmid == cmidOf(2));
}

TEST(Store, whatIsNotCountedRetiresNobody) {
    add({requestOf(1)});
    RequestRecord refused = requestOf(3);
    refused.request.previousCmid = cmidOf(1);
    refused.counted = false;
    add({refused});
    CHECK_EQUAL(1U, store->counted(kWindows, at(0), 100).size());
}

TEST(Store, knowsAClientFromTheMomentItIsAppended) {
    CHECK_TRUE(eventually([&] { return !store->isKnown(kWindows, cmidOf(1)); }));
    store->append({requestOf(1)}, {});
    CHECK_TRUE(store->isKnown(kWindows, cmidOf(1)));
    CHECK_FALSE(store->isKnown(kSeven, cmidOf(1)));
}

TEST(Store, fortyClonesAreFortyMachinesWithOneCmidThatCountsOnce) {
    std::vector<RequestRecord> clones;
    for (unsigned i = 0; i < 40; ++i) {
        RequestRecord clone = requestOf(1);
        clone.request.machine.assign("clone" + std::to_string(i));
        clones.push_back(clone);
    }
    add(clones);
    CHECK_EQUAL(40U, clients().clients.size());
    CHECK_EQUAL(1U, store->counted(kWindows, at(0), 100).size());
    const auto sum = store->reader().sum(at(10));
    CHECK_TRUE(sum.has_value());
    CHECK_EQUAL(40U, sum->machines);
    CHECK_EQUAL(1U, sum->cmids);
    CHECK_EQUAL(1U, sum->duplicateCmids);
    CHECK_EQUAL(40U, sum->duplicateMachines);
    CHECK_EQUAL(40U, store->totals().machines);
    CHECK_EQUAL(1U, store->totals().clients);
}

TEST(Store, keepsAThousandNamesOfACmidAndCountsTheOthers) {
    std::vector<RequestRecord> clones;
    for (unsigned i = 0; i < 1010; ++i) {
        RequestRecord clone = requestOf(1);
        clone.request.machine.assign("clone" + std::to_string(i));
        clones.push_back(clone);
    }
    add(clones);
    add({clones[0], clones.back()});
    store->settle(kLong);
    const auto sum = store->reader().sum(at(10));
    CHECK_EQUAL(1000U, sum->machines);
    CHECK_TRUE(sum->surplus == 10 || sum->surplus == 11);  // which names came first is the key's order
}

TEST(Store, keepsSixtyFourAddressesAndCountsTheOthers) {
    for (unsigned i = 0; i < 70; ++i) {
        RequestRecord record = requestOf(1);
        record.source = *Address::parse("10.0.1." + std::to_string(i) + ":1000");
        add({record});
    }
    RequestRecord again = requestOf(1);
    again.source = *Address::parse("10.0.1.5:1000");
    add({again});
    const Client client = clients().clients.at(0);
    CHECK_EQUAL(64U, client.addresses.size());
    STRCMP_EQUAL("10.0.1.5", client.addresses[0].host().c_str());
    CHECK_EQUAL(6, client.moreAddresses);
    CHECK_EQUAL(71, client.requests);
}

TEST(Store, countsNewestFirstWithTheLatestPolicy) {
    std::vector<RequestRecord> records;
    for (std::uint64_t i = 1; i <= 5; ++i)
        records.push_back(requestOf(i));
    records[2].counted = false;
    RequestRecord later = requestOf(1);
    later.received = at(100);
    later.request.requiredClients = 5;
    records.push_back(later);
    add(records);
    const auto counted = store->counted(kWindows, at(2), 3);
    CHECK_EQUAL(3U, counted.size());
    CHECK_TRUE(counted[0].cmid == cmidOf(1));
    CHECK_EQUAL(5U, counted[0].requiredClients);
    CHECK_TRUE(counted[1].cmid == cmidOf(5));
    CHECK_TRUE(counted[2].cmid == cmidOf(4));
    const auto applications = store->applications();
    CHECK_EQUAL(1U, applications.size());
    CHECK_EQUAL(25U, applications[0].largestRequired);
}

TEST(Store, makesNoRowOfWhatIsOpaqueMalformedOrNotFresh) {
    RequestRecord opaque = requestOf(1);
    opaque.request.major = 6;
    RequestRecord broken = requestOf(2);
    broken.wellFormed = false;
    RequestRecord stranger = requestOf(3);
    stranger.fresh = false;
    stranger.result = HResult::invalidData;
    stranger.reason = "a real client asked the lab";
    add({opaque, broken, stranger});
    CHECK_EQUAL(0U, clients().clients.size());
    const JournalPage page = journal({.id = 12290});
    CHECK_EQUAL(3U, page.entries.size());
    STRCMP_EQUAL("a real client asked the lab", page.entries[0].message.c_str());
    CHECK_TRUE(page.entries[0].result == HResult::invalidData);
    CHECK_FALSE(store->isKnown(kWindows, cmidOf(3)) &&
                !eventually([&] { return !store->isKnown(kWindows, cmidOf(3)); }));
}

TEST(Store, journalsEveryFieldOfARequest) {
    RequestRecord record = requestOf(3);
    record.source = *Address::parse("[fe80::1]:50000");
    record.request.previousCmid = cmidOf(2);
    record.request.vmInfo = 1;
    record.fault = 0x6BB;
    record.count = 26;
    add({record});
    const JournalEntry entry = journal({.id = 12290}).entries.at(0);
    CHECK_TRUE(entry.time == at(3));
    STRCMP_EQUAL("[fe80::1]:50000", entry.address.text().c_str());
    CHECK_EQUAL(4, entry.request.major);
    CHECK_TRUE(entry.request.application == kWindows);
    CHECK_TRUE(entry.request.counted == kSeven);
    CHECK_TRUE(entry.request.sku == kSevenEnterprise);
    CHECK_TRUE(entry.request.previousCmid == cmidOf(2));
    CHECK_TRUE(entry.request.clientTime == record.request.clientTime);
    CHECK_TRUE(entry.request.isVirtual());
    CHECK_EQUAL(25U, entry.request.requiredClients);
    CHECK_EQUAL(0x6BBU, entry.fault);
    CHECK_EQUAL(26U, entry.count);
    CHECK_TRUE(entry.counted);
}

TEST(Store, tellsWhoAnsweredARequestAndWhoAnsweredAClientLast) {
    RequestRecord first = requestOf(1);
    first.upstream = "kms-1";
    first.attempts = 1;
    first.waited = 900;
    RequestRecord second = requestOf(2);
    second.upstream = "kms-2";
    second.attempts = 2;
    second.waited = 2'000'900;
    RequestRecord unanswered = requestOf(2);
    unanswered.fault = 0x6BA;
    unanswered.attempts = 2;
    unanswered.waited = 8'000'000;
    add({first, second, requestOf(3)});
    add({unanswered});
    reopen();
    const JournalPage page = journal({.id = JournalEntry::kRequestId});
    CHECK_EQUAL(4U, page.entries.size());
    STRCMP_EQUAL("", page.entries[0].upstream.c_str());
    CHECK_EQUAL(2U, page.entries[0].attempts);
    CHECK_EQUAL(8'000'000U, page.entries[0].waited);
    STRCMP_EQUAL("", page.entries[1].upstream.c_str());
    CHECK_EQUAL(0U, page.entries[1].attempts);
    STRCMP_EQUAL("kms-2", page.entries[2].upstream.c_str());
    STRCMP_EQUAL("kms-1", page.entries[3].upstream.c_str());
    CHECK_EQUAL(900U, page.entries[3].waited);
    CHECK_EQUAL(1U, journal({.upstream = "KMS-2"}).entries.size());
    CHECK_EQUAL(0U, journal({.upstream = "kms"}).entries.size());
    const ClientPage listed = clients({.order = ClientOrder::cmid});
    CHECK_EQUAL(3U, listed.clients.size());
    STRCMP_EQUAL("kms-1", listed.clients[0].upstream.c_str());
    STRCMP_EQUAL("kms-2", listed.clients[1].upstream.c_str());
    STRCMP_EQUAL("", listed.clients[2].upstream.c_str());
    CHECK_EQUAL(1U, clients({.upstream = "kms-1"}).clients.size());
    CHECK_EQUAL(0U, clients({.upstream = "kms-3"}).clients.size());
}

TEST(Store, aDatabaseOfTheFirstVersionIsBroughtToThisOneWithAllThatIsInIt) {
    store.reset();
    const std::string path = scratch.file("pool.db");
    std::filesystem::remove(path);
    {
        auto old = Connection::open(path, Connection::Use::write);
        CHECK_TRUE(old.has_value());
        CHECK_TRUE(migrate(**old, 1).has_value());
        CHECK_TRUE(
            (*old)
                ->execute(
                    "INSERT INTO product "
                    "VALUES(1,x'34c792555682d74d983ed6ec3f16059f',x'1952de7ffafb4a4882c934d1ad53e856',zeroblob(16));"
                    "INSERT INTO client "
                    "VALUES(x'01000000000000000000000000000007',x'34c792555682d74d983ed6ec3f16059f','old',1,"
                    "1000,2000,3,1,1,43200,0,25,0,0,50,2000,9,x'00000000000000000000FFFF0A000007',NULL,0);"
                    "INSERT INTO journal "
                    "VALUES(9,2000,12290,'old',x'01000000000000000000000000000007',x'0A000007',49152,7,"
                    "262144,1,NULL,25,0,0,1,43200,NULL,0,0,50,'why',NULL,NULL,NULL);"
                    "UPDATE meta SET value=9 WHERE name='applied';")
                .has_value());
    }
    store = openStore(smallStore(scratch.path()));
    const ClientPage listed = clients();
    CHECK_EQUAL(1U, listed.clients.size());
    STRCMP_EQUAL("old", listed.clients[0].machine.c_str());
    CHECK_TRUE(listed.clients[0].counted == kSeven);
    STRCMP_EQUAL("", listed.clients[0].upstream.c_str());
    const JournalPage page = journal({.id = JournalEntry::kRequestId});
    CHECK_EQUAL(1U, page.entries.size());
    CHECK_EQUAL(9U, page.entries[0].seq);
    CHECK_TRUE(page.entries[0].time == Timestamp(std::chrono::milliseconds(2000)));
    STRCMP_EQUAL("old", page.entries[0].machine.c_str());
    STRCMP_EQUAL("why", page.entries[0].message.c_str());
    STRCMP_EQUAL("10.0.0.7:49152", page.entries[0].address.text().c_str());
    CHECK_EQUAL(50U, page.entries[0].count);
    CHECK_EQUAL(25U, page.entries[0].request.requiredClients);
    CHECK_TRUE(page.entries[0].request.counted == kSeven);
    CHECK_TRUE(page.entries[0].counted);
    add({requestOf(7)});
    CHECK_EQUAL(2U, clients().clients.size());
}

TEST(Store, aJournalOfAnEarlierVersionIsCountedByMinute) {
    auto old = Connection::open(scratch.file("old.db"), Connection::Use::write);
    CHECK_TRUE(old.has_value());
    CHECK_TRUE(migrate(**old, 1).has_value());
    for (const char* row :
         {"1,60000,12290,'a',NULL,x'0A000007',1,1,262144,0,NULL,25,0,0,1,0,NULL,0,0,50,'',NULL,NULL,NULL",
          "2,119999,12290,'b',NULL,x'0A000007',1,1,262144,0,NULL,25,0,0,1,0,NULL,0,0,24,'',NULL,NULL,NULL",
          "3,120000,12290,'c',NULL,x'0A000007',1,1,262144,0,NULL,25,0,0,1,0,NULL,5,0,0,'',NULL,NULL,NULL"})
        CHECK_TRUE((*old)->execute(("INSERT INTO journal VALUES(" + std::string(row) + ")").c_str()).has_value());
    CHECK_TRUE(migrate(**old).has_value());
    CHECK_EQUAL(1100, (*old)->value("SELECT answered*1000+short*100+refused*10+faulted FROM minute WHERE time=1", -1));
    CHECK_EQUAL(10, (*old)->value("SELECT answered*1000+short*100+refused*10+faulted FROM minute WHERE time=2", -1));
    CHECK_EQUAL(2, (*old)->value("SELECT count(*) FROM minute", -1));
}

TEST(Store, countsRequestsByMinuteAndByHowTheyEndedOverARestart) {
    const Timestamp noon =
        std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) - std::chrono::hours(12);
    const auto at = [&](std::chrono::seconds later, const std::function<void(RequestRecord&)>& change) {
        RequestRecord record = requestOf(7);
        record.received = noon + later;
        record.request.requiredClients = 25;
        record.count = 50;
        change(record);
        return record;
    };
    const auto as = [](RequestRecord&) {};
    add({at(std::chrono::seconds(0), as), at(std::chrono::seconds(59), [](RequestRecord& r) { r.count = 24; }),
         at(std::chrono::seconds(60), [](RequestRecord& r) { r.result = static_cast<HResult>(0xC004F042); }),
         at(std::chrono::seconds(61), [](RequestRecord& r) { r.fault = 5; }),
         at(std::chrono::seconds(62), [](RequestRecord& r) { r.count = 25; }),
         at(std::chrono::hours(3), [](RequestRecord& r) {
             r.count = 0;
             r.request.major = 6;  // nobody but the client can read its count
         })});
    CHECK_TRUE(store->settle(kLong));
    for (int turn = 0; turn < 2; ++turn) {
        const auto counts = [&](std::size_t stretch, std::chrono::minutes width) {
            const auto history = store->reader().history(noon, width);
            CHECK_TRUE(history && stretch < history->stretches.size());
            std::string text = isoTime(history->stretches[stretch].begin).substr(11, 5);
            for (const std::uint64_t count : history->stretches[stretch].counts)
                text += ' ' + std::to_string(count);
            return text;
        };
        STRCMP_EQUAL("12:00 1 1 0 0", counts(0, std::chrono::minutes(1)).c_str());
        STRCMP_EQUAL("12:01 1 0 1 1", counts(1, std::chrono::minutes(1)).c_str());
        STRCMP_EQUAL("15:00 1 0 0 0", counts(2, std::chrono::minutes(1)).c_str());
        STRCMP_EQUAL("12:00 2 1 1 1", counts(0, std::chrono::minutes(60)).c_str());
        STRCMP_EQUAL("00:00 3 1 1 1", counts(0, std::chrono::minutes(24 * 60)).c_str());
        CHECK_TRUE(store->reader().history(noon, std::chrono::minutes(1))->begins == noon);
        CHECK_EQUAL(1U,
                    store->reader().history(noon + std::chrono::hours(1), std::chrono::minutes(1))->stretches.size());
        reopen();
    }
}

TEST(Store, journalsEventsWithTheirFieldsInOrder) {
    EventRecord event;
    event.when = at(5);
    event.id = 22001;
    event.severity = Severity::warning;
    event.source = "lab";
    event.message = "A real client asked the lab.";
    event.fields = json({{"machine", "pc1"}, {"cmid", cmidOf(1).text()}, {"n", 3}});
    store->journal(event);
    add({requestOf(9)});
    const JournalPage page = journal({.machinePrefix = "PC1"});
    CHECK_EQUAL(1U, page.entries.size());
    const JournalEntry& entry = page.entries[0];
    CHECK_EQUAL(22001U, entry.id);
    CHECK_TRUE(entry.severity == Severity::warning);
    STRCMP_EQUAL("lab", entry.source.c_str());
    CHECK_TRUE(entry.cmid == cmidOf(1));
    CHECK_TRUE(entry.fields.find("n") && *entry.fields.find("n") == Json(std::int64_t{3}));
}

TEST(Store, givesRequestsAndEventsInOneOrderInBothDirections) {
    EventRecord event;
    event.source = "test";
    event.message = "between";
    event.fields = json({{"n", 1}});
    std::vector<std::uint64_t> expected;
    for (std::uint64_t i = 0; i < 12; ++i) {
        add({requestOf(2 * i), requestOf(2 * i + 1)});
        event.id = 30'000 + static_cast<std::uint32_t>(i);
        store->journal(event);
        if (i % 4 == 3)  // a block of its own, and events within its range
            CHECK_TRUE(store->settle(kLong));
    }
    add({requestOf(24)});  // and with it all before
    // The check of the database after the start tells of itself, too: not between two of the pages.
    CHECK_TRUE(eventually([&] {
        store->settle(kLong);
        return journal({.id = kEventChecked}).entries.size() == 1;
    }));
    const auto all = journal({.limit = 10'000}).entries;
    CHECK_TRUE(all.size() >= 38);
    CHECK_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.seq > b.seq; }));
    const auto number = [](const JournalEntry& entry) { return entry.seq; };
    expected.reserve(all.size());
    for (const JournalEntry& entry : all)
        expected.push_back(number(entry));
    for (const std::size_t limit : {1U, 2U, 5U, 7U}) {
        std::vector<std::uint64_t> backward;
        std::vector<std::uint64_t> forward;
        JournalQuery query{.limit = limit};
        do {
            const JournalPage page = journal(query);
            CHECK_TRUE(page.entries.size() <= limit);
            std::transform(page.entries.begin(), page.entries.end(), std::back_inserter(backward), number);
            query.before = page.next;
        } while (query.before != 0);
        query = {.after = 0, .limit = limit};
        do {
            const JournalPage page = journal(query);
            std::transform(page.entries.begin(), page.entries.end(), std::back_inserter(forward), number);
            query.after = page.next;
        } while (*query.after != 0);
        CHECK_TRUE(backward == expected);
        std::reverse(forward.begin(), forward.end());
        CHECK_TRUE(forward == expected);
    }
    CHECK_EQUAL(25U, journal({.id = JournalEntry::kRequestId}).entries.size());
    CHECK_EQUAL(1U, journal({.id = 30'007}).entries.size());
}

TEST(Store, givesTheJournalPageByPage) {
    for (std::uint64_t i = 1; i <= 7; ++i)
        add({requestOf(i)});
    JournalQuery query{.id = 12290, .limit = 3};
    std::vector<std::uint64_t> seen;
    do {
        const JournalPage page = journal(query);
        for (const JournalEntry& entry : page.entries)
            seen.push_back(entry.seq);
        query.before = page.next;
    } while (query.before != 0);
    CHECK_EQUAL(7U, seen.size());
    CHECK_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
    const JournalPage newer = journal({.id = 12290, .after = seen[2]});
    CHECK_EQUAL(2U, newer.entries.size());
    CHECK_EQUAL(seen[1], newer.entries[0].seq);
}

TEST(Store, givesClientsPageByPageInEveryOrder) {
    std::vector<RequestRecord> records;
    for (std::uint64_t i = 0; i < 25; ++i) {
        records.push_back(requestOf(i));
        records.back().received = at(static_cast<std::int64_t>(i / 3));  // several at one time
    }
    add(records);
    for (const ClientOrder order : {ClientOrder::lastSeen, ClientOrder::name, ClientOrder::cmid}) {
        ClientQuery query{.order = order, .limit = 4};
        std::vector<Client> seen;
        do {
            ClientPage page = clients(query);
            seen.insert(seen.end(), page.clients.begin(), page.clients.end());
            query.cursor = page.next;
        } while (!query.cursor.empty());
        CHECK_EQUAL(25U, seen.size());
        for (std::size_t i = 1; i < seen.size(); ++i) {
            if (order == ClientOrder::lastSeen)
                CHECK_TRUE(seen[i - 1].lastSeen >= seen[i].lastSeen);
            if (order == ClientOrder::name)
                CHECK_TRUE(seen[i - 1].machine < seen[i].machine);
            if (order == ClientOrder::cmid)
                CHECK_TRUE(seen[i - 1].cmid < seen[i].cmid);
        }
    }
    const auto bad = store->reader().clients({.cursor = "1.2.3"});
    CHECK_FALSE(bad.has_value());
    CHECK_TRUE(bad.error().code == Code::malformed);
}

TEST(Store, filtersClients) {
    std::vector<RequestRecord> records;
    for (std::uint64_t i = 0; i < 10; ++i)
        records.push_back(requestOf(i));
    records[3].request.vmInfo = 1;
    records[4].request.licenseStatus = 1;
    records[5].source = *Address::parse("[2001:db8::5]:1");
    add(records);
    CHECK_EQUAL(1U, clients({.machinePrefix = "PC3."}).clients.size());
    CHECK_EQUAL(1U, clients({.cmidPrefix = cmidOf(6).text()}).clients.size());
    CHECK_EQUAL(10U, clients({.cmidPrefix = cmidOf(6).text().substr(0, 8)}).clients.size());
    CHECK_EQUAL(1U, clients({.address = "2001:db8::5"}).clients.size());
    CHECK_EQUAL(9U, clients({.address = "10.0.0.7"}).clients.size());
    CHECK_EQUAL(1U, clients({.licenseStatus = 1}).clients.size());
    CHECK_EQUAL(1U, clients({.isVirtual = true}).clients.size());
    CHECK_EQUAL(2U, clients({.seenSince = at(8)}).clients.size());
    CHECK_EQUAL(0U, clients({.counted = kWindows}).clients.size());
    CHECK_EQUAL(10U, clients({.counted = kSeven}).clients.size());
    CHECK_FALSE(store->reader().clients({.address = "pc1"}).has_value());
}

TEST(Store, filtersByWhetherACmidIsShared) {
    std::vector<RequestRecord> records;
    for (std::uint64_t i = 0; i < 10; ++i)
        records.push_back(requestOf(i));
    records[3].request.cmid = records[4].request.cmid = records[7].request.cmid = cmidOf(2);
    records[3].request.vmInfo = 1;
    records[8].request = records[9].request;  // one machine in two applications is no clone
    records[8].request.application = cmidOf(99);
    add(records);
    const auto names = [&](const ClientQuery& query) {
        std::string out;
        for (const Client& client : clients(query).clients)
            out += client.machine.substr(0, client.machine.find('.')) + " ";
        return out;
    };
    for (const ClientOrder order : {ClientOrder::name, ClientOrder::cmid}) {
        STRCMP_EQUAL("pc2 pc3 pc4 pc7 ", names({.sharesCmid = true, .order = order}).c_str());
        STRCMP_EQUAL("pc3 ", names({.isVirtual = true, .sharesCmid = true, .order = order}).c_str());
        STRCMP_EQUAL("pc0 pc1 pc5 pc6 pc9 pc9 ", names({.sharesCmid = false, .order = order}).c_str());
        // Page by page, the border within a CMID: nothing twice, nothing left out.
        for (const bool shared : {true, false}) {
            std::string paged;
            ClientQuery query{.sharesCmid = shared, .order = order, .limit = 1};
            do {
                const ClientPage page = clients(query);
                for (const Client& client : page.clients)
                    paged += client.machine.substr(0, client.machine.find('.')) + " ";
                query.cursor = page.next;
            } while (!query.cursor.empty());
            STRCMP_EQUAL(names({.sharesCmid = shared, .order = order}).c_str(), paged.c_str());
        }
    }
}

TEST(Store, aRemovedClientIsGoneAndComesBackAsANewOne) {
    add({requestOf(1), requestOf(2)});
    std::atomic<bool> removed{false};
    store->remove(cmidOf(1), [&](Durability) { removed = true; });
    CHECK_TRUE(eventually([&] { return removed.load(); }));
    CHECK_EQUAL(1U, clients().clients.size());
    RequestRecord again = requestOf(1);
    again.received = at(500);
    add({again});
    reopen();
    const auto rows = store->reader().client(cmidOf(1));
    CHECK_EQUAL(1U, rows->size());
    CHECK_TRUE(rows->at(0).firstSeen == at(500));
    CHECK_EQUAL(2U, store->totals().clients);
    CHECK_EQUAL(3U, store->totals().requests);
}

TEST(Store, survivesManyTurnsOfItsFiles) {
    // 256 KiB a file: some thousand records turn them several times.
    std::atomic<std::uint64_t> durable{0};
    constexpr std::uint64_t kPieces = 200;
    for (std::uint64_t i = 0; i < kPieces; ++i) {
        std::vector<RequestRecord> piece;
        for (std::uint64_t j = 0; j < 40; ++j)
            piece.push_back(requestOf(i * 40 + j));
        store->append(std::move(piece), [&](Durability how) { durable += how == Durability::durable ? 1 : 0; });
    }
    CHECK_TRUE(eventually([&] { return durable == kPieces; }));
    reopen();
    CHECK_EQUAL(kPieces * 40, store->totals().machines);
    const auto sum = store->reader().sum(at(0));
    CHECK_EQUAL(kPieces * 40, sum->machines);
    CHECK_TRUE(store->trouble().empty());
}

TEST(Store, refusesADirectoryThatAnotherOneUses) {
    const auto second = Archive::open(smallStore(scratch.path()));
    CHECK_FALSE(second.has_value());
    CHECK_TRUE(second.error().code == Code::storage);
    STRCMP_CONTAINS("another Muster", second.error().detail.c_str());
}

TEST(Store, aBackupHoldsAllThatWasAcknowledgedAndReplacesNothing) {
    add({requestOf(1), requestOf(2)});
    const std::string copy = scratch.file("copy.db");
    CHECK_TRUE(store->backup(copy).has_value());
    const auto again = store->backup(copy);
    CHECK_FALSE(again.has_value());
    CHECK_TRUE(again.error().code == Code::duplicate);
    DatabaseFiles files(copy);
    files.hold();
    Reader reader(files);
    CHECK_EQUAL(2U, reader.clients({})->clients.size());
}
