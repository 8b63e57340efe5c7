#include "host/daemon/box_operations.h"

#include <functional>
#include <memory>
#include <utility>

#include "api/problem.h"
#include "api/values.h"
#include "host/daemon/box_values.h"
#include "host/daemon/bundle_file.h"
#include "system/client.h"

namespace muster::daemon {

namespace {

using system::Verb;
using system::Wrong;

constexpr std::int64_t kLargestBundle = std::int64_t{512} * 1024 * 1024;

// --- what goes in and comes out

constexpr Field kPort[] = {
    {.name = "name", .help = "As the box calls it: see live.", .minimum = 1, .maximum = 15, .required = true},
    {.name = "ipv4",
     .type = FieldType::choice,
     .help = "off; auto: DHCP; fixed: addresses.",
     .fallback = "auto",
     .choices = "off|auto|fixed"},
    {.name = "ipv6",
     .type = FieldType::choice,
     .help = "off; auto: as routers say, and DHCP; fixed: addresses.",
     .fallback = "auto",
     .choices = "off|auto|fixed"},
    {.name = "addresses",
     .type = FieldType::texts,
     .help = "Where fixed: 10.0.0.7/24, 2001:db8::7/64.",
     .fallback = "[]",
     .maximum = system::kMaxAddresses},
    {.name = "gateway4", .help = "The router to other IPv4 networks, where ipv4 is fixed.", .maximum = 64},
    {.name = "gateway6", .help = "The router to other IPv6 networks, where ipv6 is fixed.", .maximum = 64}};
constexpr Field kPorts{.name = "ports",
                       .type = FieldType::objects,
                       .help = "Ports with settings of their own, as JSON; the others are automatic.",
                       .maximum = system::kMaxPorts,
                       .column = true,
                       .fields = kPort};
constexpr Field kNameServers{.name = "nameServers",
                             .type = FieldType::texts,
                             .help = "In the place of those that DHCP names; an empty one: none.",
                             .maximum = system::kMaxNameServers,
                             .column = true};
constexpr Field kDomains{.name = "domains",
                         .type = FieldType::texts,
                         .help = "Where a name without a dot is looked for; an empty one: none.",
                         .maximum = system::kMaxDomains,
                         .column = true};
constexpr Field kNetworkBody[] = {kPorts, kNameServers, kDomains};
constexpr Field kLive[] = {{.name = "name", .help = "As the box calls it.", .column = true},
                           {.name = "up", .type = FieldType::boolean, .help = "It has a link.", .column = true},
                           {.name = "mac", .help = "Its hardware address.", .column = true},
                           {.name = "addresses", .type = FieldType::texts, .help = "As they are now.", .column = true}};
constexpr Field kNetwork[] = {
    kPorts,
    kNameServers,
    kDomains,
    {.name = "secondsLeft",
     .type = FieldType::integer,
     .help = "Above 0: on trial; without POST /network/confirm they go back then to what was before.",
     .column = true},
    {.name = "live",
     .type = FieldType::objects,
     .help = "The box's ports as they are.",
     .column = true,
     .fields = kLive}};

constexpr Field kNtp{.name = "ntp", .type = FieldType::boolean, .help = "Time servers set the clock.", .column = true};
constexpr Field kServers{.name = "servers",
                         .type = FieldType::texts,
                         .help = "Names or addresses; none, or an empty one: those that DHCP names, else Debian's.",
                         .maximum = system::kMaxTimeServers,
                         .column = true};
constexpr Field kZone{.name = "zone",
                      .help = "The time zone of the box's own console and logs: Europe/Berlin.",
                      .minimum = 1,
                      .maximum = 64,
                      .column = true};
constexpr Field kTimeBody[] = {kNtp, kServers, kZone};
constexpr Field kTime[] = {
    kNtp,
    kServers,
    kZone,
    {.name = "synchronized", .type = FieldType::boolean, .help = "A server has told the time.", .column = true},
    {.name = "now", .type = FieldType::timestamp, .help = "The box's clock.", .column = true}};
constexpr Field kClockBody[] = {
    {.name = "now", .type = FieldType::timestamp, .help = "In UTC: 2026-11-28T12:00:00Z.", .required = true}};
constexpr Field kHostname[] = {{.name = "hostname",
                                .help = "What the box is called.",
                                .minimum = 1,
                                .maximum = 63,
                                .required = true,
                                .column = true}};
constexpr Field kFirewall[] = {{.name = "tcp", .type = FieldType::integers, .help = "Open TCP ports.", .column = true},
                               {.name = "udp", .type = FieldType::integers, .help = "Open UDP ports.", .column = true}};

constexpr Field kSlot[] = {{.name = "name", .help = "Of the slot.", .column = true},
                           {.name = "boot", .help = "A or B; absent: it belongs to one that has one.", .column = true},
                           {.name = "state", .help = "booted, active or inactive.", .column = true},
                           {.name = "health", .help = "good or bad.", .column = true},
                           {.name = "version", .help = "Of what is installed there.", .column = true},
                           {.name = "installed", .help = "When.", .column = true}};
constexpr Field kSlots[] = {
    {.name = "compatible", .help = "Which bundles fit.", .column = true},
    {.name = "booted", .help = "The system that runs.", .column = true},
    {.name = "primary", .help = "The slot that is started next.", .column = true},
    {.name = "slots", .type = FieldType::objects, .help = "All of them.", .column = true, .fields = kSlot}};
constexpr Field kMarkBody[] = {{.name = "as",
                                .type = FieldType::choice,
                                .help = "good; bad: not started again; active: started next.",
                                .choices = "good|bad|active",
                                .required = true},
                               {.name = "which",
                                .type = FieldType::choice,
                                .help = "The system that runs, or the other one.",
                                .choices = "booted|other",
                                .required = true}};
constexpr Field kUpdate[] = {
    {.name = "phase",
     .help =
         "none; installing; installed: the next start is of it; failed: it was not installed; running: it was started; "
         "went-back: it was started, and the box went back by itself.",
     .column = true},
    {.name = "percent", .type = FieldType::integer, .help = "How far it is.", .column = true},
    {.name = "words", .help = "What the installer says.", .column = true},
    {.name = "slot", .help = "A or B: the system that it went into; absent: not known.", .column = true},
    {.name = "version", .help = "Of what was installed there; absent: not known.", .column = true}};
constexpr Field kSystem[] = {
    {.name = "version", .help = "Of the box's helper.", .column = true},
    {.name = "slots", .type = FieldType::boolean, .help = "It updates itself.", .column = true}};
constexpr Field kDone[] = {{.name = "begun", .type = FieldType::boolean, .help = "It will be so.", .column = true}};

// --- asking

/// All that is wrong, at once.
Reply refused(const char* what, const std::vector<Wrong>& wrong) {
    std::vector<api::Finding> all;
    all.reserve(wrong.size());
    for (const Wrong& one : wrong)
        all.push_back({one.field, one.found, one.allowed, ""});
    return api::problemReply({Code::malformed, what, all.front().text() + "; nothing was changed"}, all);
}

/// What a handler needs of the box.
struct TheBox {
    system::Client client;
    BundleFile bundle;
};

template <class T>
Result<Reply> asked(const TheBox& box, Verb verb, system::Argument argument = {}) {
    auto answer = box.client.get<T>(verb, std::move(argument));
    if (!answer)
        return fail(answer.error());
    return Reply(shown(*answer));
}

/// The same, with what was before and what is for the audit log.
template <class T>
Result<Reply> changed(const TheBox& box, const T& before, Verb verb, system::Argument argument) {
    auto reply = asked<T>(box, verb, std::move(argument));
    if (!reply)
        return reply;
    reply->before = shown(before);
    reply->after = reply->body;
    for (Json* note : {&reply->before, &reply->after})
        for (const char* measured : {"live", "now", "synchronized"})  // nobody changed that
            if (Json::Object* members = note->object())
                std::erase_if(*members, [&](const Json::Member& member) { return member.first == measured; });
    return reply;
}

Result<Reply> setNetwork(TheBox& box, const Call& call) {
    const auto before = box.client.get<system::NetworkState>(Verb::networkRead);
    if (!before)
        return fail(before.error());
    system::NetworkSettings settings = before->settings;
    std::vector<Wrong> wrong;
    changeBy(call.body, settings, wrong);
    if (!wrong.empty())
        return refused("the network settings", wrong);
    return changed(box, *before, Verb::networkSet, std::move(settings));
}

Result<Reply> setTime(TheBox& box, const Call& call) {
    const auto before = box.client.get<system::TimeState>(Verb::timeRead);
    if (!before)
        return fail(before.error());
    system::TimeSettings settings = before->settings;
    if (call.body.find("ntp") != nullptr)
        settings.ntp = call.flag("ntp");
    if (call.body.find("servers") != nullptr)
        settings.servers = texts(call.body, "servers");
    if (call.body.find("zone") != nullptr)
        settings.zone = call.text("zone");
    if (const auto wrong = findings(settings); !wrong.empty())
        return refused("the clock's settings", wrong);
    return changed(box, *before, Verb::timeSet, std::move(settings));
}

Result<Reply> setClock(TheBox& box, const Call& call) {
    const auto time = api::parseTimestamp(call.text("now"));
    if (!time)
        return fail(Code::malformed, "now", "is no time; as 2026-11-28T12:00:00Z");
    const system::Clock clock{std::chrono::floor<std::chrono::seconds>(time->time_since_epoch()).count()};
    return asked<system::TimeState>(box, Verb::clockSet, clock);
}

Result<Reply> setHostname(TheBox& box, const Call& call) {
    system::Hostname hostname{std::string(call.text("hostname"))};
    if (const auto wrong = system::hostnameFindings(hostname.name); !wrong.empty())
        return refused("the box's name", wrong);
    const auto before = box.client.get<system::Hostname>(Verb::hostnameRead);
    if (!before)
        return fail(before.error());
    return changed(box, *before, Verb::hostnameSet, std::move(hostname));
}

Result<Reply> markSlot(TheBox& box, const Call& call) {
    const std::string_view as = call.text("as");
    const system::SlotMark mark{
        as == "good"  ? system::SlotMark::As::good
        : as == "bad" ? system::SlotMark::As::bad
                      : system::SlotMark::As::active,
        call.text("which") == "booted" ? system::SlotMark::Which::booted : system::SlotMark::Which::other};
    return asked<system::SlotsState>(box, Verb::slotMark, mark);
}

Result<Reply> update(TheBox& box, const Call& call) {
    const auto hello = box.client.get<system::Hello>(Verb::hello);
    if (!hello)
        return fail(hello.error());
    const auto now = box.client.get<system::UpdateState>(Verb::updateRead);
    if (!now)
        return fail(now.error());
    if (now->phase == system::UpdateState::Phase::installing)
        return fail(Code::busy, "update", "one is being installed; wait for its end: GET /update");
    if (auto taken = box.bundle.take(*call.upload, hello->updateFile); !taken)
        return fail(taken.error());
    auto reply = asked<system::UpdateState>(box, Verb::updateInstall);
    if (reply)
        reply->status = 202;
    return reply;
}

template <class T, Verb verb>
Result<Reply> simple(TheBox& box, const Call&) {
    return asked<T>(box, verb);
}

struct OfTheBox {
    Operation operation;
    const char* what = "";     ///< "the network settings"
    const char* instead = "";  ///< what a person does on a host that is no box
    Result<Reply> (*handler)(TheBox&, const Call&) = nullptr;
};

constexpr const char* kNetworkWhat = "the network settings";
constexpr const char* kNetworkInstead = "use this system's own tools";
constexpr const char* kTimeWhat = "the clock's settings";
constexpr const char* kTimeInstead = "use timedatectl";
constexpr const char* kSlotsWhat = "firmware slots";
constexpr const char* kSlotsInstead = "see the package manager for what is installed";
constexpr const char* kUpdateWhat = "firmware updates";
constexpr const char* kUpdateInstead = "update the package";
constexpr const char* kBoxWhat = "the box itself";
constexpr const char* kBoxInstead = "use systemctl";

const OfTheBox kOfTheBox[] = {
    {{.method = "GET",
      .path = "/network",
      .role = Role::viewer,
      .cli = "network show",
      .summary = "The box's addresses and names, as they are set and as they are.",
      .answer = kNetwork},
     kNetworkWhat,
     kNetworkInstead,
     simple<system::NetworkState, Verb::networkRead>},
    {{.method = "PUT",
      .path = "/network",
      .role = Role::admin,
      .cli = "network set",
      .summary = "Changes the box's addresses on trial: without network confirm they go back after 90 s.",
      .body = kNetworkBody,
      .answer = kNetwork,
      .confirm = "Change the network? Without \"network confirm\" within 90 s it goes back to what it is now."},
     kNetworkWhat,
     kNetworkInstead,
     setNetwork},
    {{.method = "POST",
      .path = "/network/confirm",
      .role = Role::admin,
      .cli = "network confirm",
      .summary = "The network settings on trial stay.",
      .answer = kNetwork},
     kNetworkWhat,
     kNetworkInstead,
     simple<system::NetworkState, Verb::networkConfirm>},
    {{.method = "POST",
      .path = "/network/revert",
      .role = Role::admin,
      .cli = "network revert",
      .summary = "The network settings on trial go back now to what was before.",
      .answer = kNetwork},
     kNetworkWhat,
     kNetworkInstead,
     simple<system::NetworkState, Verb::networkRevert>},
    {{.method = "GET",
      .path = "/time",
      .role = Role::viewer,
      .cli = "time show",
      .summary = "The box's clock and where it gets its time.",
      .answer = kTime},
     kTimeWhat,
     kTimeInstead,
     simple<system::TimeState, Verb::timeRead>},
    {{.method = "PUT",
      .path = "/time",
      .role = Role::admin,
      .cli = "time set",
      .summary = "Sets where the box gets its time, and its zone.",
      .body = kTimeBody,
      .answer = kTime},
     kTimeWhat,
     kTimeInstead,
     setTime},
    {{.method = "PUT",
      .path = "/time/clock",
      .role = Role::admin,
      .cli = "time clock",
      .summary = "Sets the clock by hand, where no time server does.",
      .body = kClockBody,
      .answer = kTime},
     kTimeWhat,
     kTimeInstead,
     setClock},
    {{.method = "GET",
      .path = "/hostname",
      .role = Role::viewer,
      .cli = "hostname show",
      .summary = "What the box is called.",
      .answer = kHostname},
     "the box's name",
     "use hostnamectl",
     simple<system::Hostname, Verb::hostnameRead>},
    {{.method = "PUT",
      .path = "/hostname",
      .role = Role::admin,
      .cli = "hostname set",
      .summary = "Gives the box another name.",
      .body = kHostname,
      .answer = kHostname},
     "the box's name",
     "use hostnamectl",
     setHostname},
    {{.method = "GET",
      .path = "/firewall",
      .role = Role::viewer,
      .cli = "firewall show",
      .summary = "Which ports of the box are open: those that it listens on.",
      .answer = kFirewall},
     "the firewall",
     "use this system's own tools",
     simple<system::OpenPorts, Verb::firewallRead>},
    {{.method = "GET",
      .path = "/slots",
      .role = Role::viewer,
      .cli = "slot list",
      .summary = "The two systems on the box.",
      .answer = kSlots},
     kSlotsWhat,
     kSlotsInstead,
     simple<system::SlotsState, Verb::slotsRead>},
    {{.method = "POST",
      .path = "/slots/mark",
      .role = Role::admin,
      .cli = "slot mark",
      .summary = "Marks one of the two systems good, bad, or to be started next.",
      .body = kMarkBody,
      .answer = kSlots,
      .confirm = "Mark it? What is started next depends on it."},
     kSlotsWhat,
     kSlotsInstead,
     markSlot},
    {{.method = "GET",
      .path = "/update",
      .role = Role::viewer,
      .cli = "update show",
      .summary = "How the installation of a firmware update goes, or went.",
      .answer = kUpdate},
     kUpdateWhat,
     kUpdateInstead,
     simple<system::UpdateState, Verb::updateRead>},
    {{.method = "POST",
      .path = "/update",
      .role = Role::admin,
      .cli = "update add",
      .summary = "Installs a firmware update from a bundle, in the background; it is used from the next restart on.",
      .answer = kUpdate,
      .upload = kLargestBundle},
     kUpdateWhat,
     kUpdateInstead,
     update},
    {{.method = "GET",
      .path = "/system",
      .role = Role::viewer,
      .cli = "system show",
      .summary = "The box's own helper.",
      .answer = kSystem},
     kBoxWhat,
     kBoxInstead,
     simple<system::Hello, Verb::hello>},
    {{.method = "POST",
      .path = "/system/restart",
      .role = Role::admin,
      .cli = "system restart",
      .summary = "Restarts the box.",
      .answer = kDone,
      .confirm = "Restart the box? Clients are not served until it is back, and ask again."},
     kBoxWhat,
     kBoxInstead,
     simple<std::monostate, Verb::restart>},
    {{.method = "POST",
      .path = "/system/power-off",
      .role = Role::admin,
      .cli = "system power-off",
      .summary = "Switches the box off.",
      .answer = kDone,
      .confirm = "Switch the box off? Somebody has to switch it on by hand."},
     kBoxWhat,
     kBoxInstead,
     simple<std::monostate, Verb::powerOff>},
    {{.method = "POST",
      .path = "/reset",
      .role = Role::admin,
      .cli = "system reset",
      .summary = "Makes the box as new: all settings, accounts and records are erased at a restart.",
      .answer = kDone,
      .confirm = "Erase everything on the box? Settings, accounts, keys, clients and records are gone for good."},
     "a reset to factory settings",
     "stop the daemon and remove its state directory",
     simple<std::monostate, Verb::reset>},
};

}  // namespace

Result<void> addBoxOperations(api::OperationTable& table, const std::string& system) {
    const auto box = std::make_shared<TheBox>(TheBox{system::Client(system), {}});
    for (const OfTheBox& one : kOfTheBox)
        if (auto added = table.add("core", one.operation,
                                   [&one, box](const Call& call) -> Result<Reply> {
                                       if (!box->client.isThere())
                                           return fail(Code::missing, one.what,
                                                       std::string("not offered by this host, which is no Muster "
                                                                   "box; ") +
                                                           one.instead);
                                       return one.handler(*box, call);
                                   });
            !added)
            return added;
    return {};
}

}  // namespace muster::daemon
