#include <algorithm>

#include "events.h"
#include "kms/epid.h"
#include "lab.h"

namespace muster::lab {

namespace {

constexpr std::uint32_t kVolumeLicense = 3;
constexpr std::uint32_t kEnglish = 1033;
constexpr std::size_t kPartial = 5;

constexpr const char* kGroupChoices = "client|A|B|C";

constexpr Field kIssueBody[] = {
    {.name = "family", .help = "Product family: vista-2008, win7-2008r2, …", .minimum = 1, .maximum = 40},
    {.name = "group",
     .type = FieldType::choice,
     .help = "Key group: it covers its own and all below.",
     .choices = kGroupChoices},
};
constexpr Field kKeyBody[] = {
    {.name = "key", .help = "A lab host key: LAB-…", .minimum = 1, .maximum = 200, .required = true, .secret = true},
};
constexpr Field kKeyPath[] = {
    {.name = "key",
     .help = "The key, or its last five characters.",
     .minimum = 5,
     .maximum = 200,
     .required = true,
     .secret = true},
};
constexpr Field kKeyAnswer[] = {
    {.name = "key", .help = "The lab host key.", .column = true},
    {.name = "family", .help = "Its product family.", .column = true},
    {.name = "group", .type = FieldType::choice, .help = "Its key group.", .choices = kGroupChoices, .column = true},
    {.name = "inForce",
     .type = FieldType::boolean,
     .help = "Whether its family is loaded: if not, the key covers nothing until it is.",
     .column = true},
    {.name = "name", .help = "What it plays, as its family says.", .column = true},
    {.name = "covers", .type = FieldType::integer, .help = "How many product groups it covers now."},
    {.name = "epid", .help = "The ePID in answers under this key."},
    {.name = "installed", .type = FieldType::timestamp, .help = "When it was installed."},
};
constexpr Field kShowAnswer[] = {
    {.name = "mode", .help = "Always lab."},
    {.name = "keys", .type = FieldType::integer, .help = "Host keys installed."},
    {.name = "keysInForce", .type = FieldType::integer, .help = "Those whose family is loaded."},
    {.name = "currentCount", .type = FieldType::integer, .help = "The count in the newest answer."},
    {.name = "granted", .type = FieldType::integer, .help = "Requests answered since start."},
    {.name = "refused", .type = FieldType::integer, .help = "Requests refused since start."},
    {.name = "realClients",
     .type = FieldType::integer,
     .help = "Requests since start that were sealed by somebody else."},
    {.name = "activationInterval", .type = FieldType::integer, .help = "Minutes, as answers say."},
    {.name = "renewalInterval", .type = FieldType::integer, .help = "Minutes, as answers say."},
    {.name = "unUpdatedHost",
     .type = FieldType::boolean,
     .help = "Whether it plays a host without the update for a newer generation."},
};

/// The ePID that answers carry under a key: platform and group 00000, so that nobody takes it for a genuine one.
std::string labEpid(const HostKey& key, std::uint32_t build, Timestamp installed) {
    using namespace std::chrono;
    const auto day = floor<days>(installed);
    const year_month_day date(day);
    kms::Epid epid;
    epid.keyId = key.number();
    epid.licenseType = kVolumeLicense;
    epid.lcid = kEnglish;
    epid.build = build;
    epid.dayOfYear = static_cast<std::uint32_t>((day - sys_days(date.year() / January / 1)).count()) + 1;
    epid.year = static_cast<std::uint32_t>(static_cast<int>(date.year()));
    return kms::text(epid);
}

std::string loadedNames(const Families& families) {
    std::string out;
    for (const muster_family* family : families.all())
        out += (out.empty() ? "" : ", ") + std::string(family->name);
    return out.empty() ? "none" : out;
}

/// A key as the audit log may show it.
Json withoutSecret(const InstalledKey& key) {
    return json(
        {{"endsIn", key.key.partial()}, {"family", key.key.family()}, {"group", kms::groupName(key.key.group())}});
}

bool sameCase(std::string_view a, std::string_view b) noexcept {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return upper(x) == upper(y); });
}

}  // namespace

void Lab::registerOperations() {
    host_.operation({.method = "POST",
                     .path = "/lab/keys",
                     .role = Role::operator_,
                     .cli = "lab issue-key",
                     .summary = "Makes a new lab host key and prints it; installs nothing.",
                     .body = kIssueBody,
                     .text = true},
                    [this](const Call& call) { return issueKey(call); });
    host_.operation({.method = "GET",
                     .path = "/lab",
                     .role = Role::viewer,
                     .support = true,
                     .cli = "lab show",
                     .summary = "Shows what the lab is doing.",
                     .answer = kShowAnswer},
                    [this](const Call&) { return show(); });
    host_.operation({.method = "GET",
                     .path = "/lab/seal-key",
                     .role = Role::admin,
                     .cli = "lab seal-key",
                     .summary = "Prints the key of this lab's seal, for muster-client on another machine.",
                     .text = true},
                    [this](const Call&) { return sealKey(); });
    host_.operation({.method = "POST",
                     .path = "/keys",
                     .role = Role::admin,
                     .cli = "key add",
                     .summary = "Installs a lab host key; one of the same family and group is replaced.",
                     .body = kKeyBody,
                     .answer = kKeyAnswer},
                    [this](const Call& call) { return addKey(call); });
    host_.operation({.method = "GET",
                     .path = "/keys",
                     .role = Role::viewer,
                     .cli = "key list",
                     .summary = "Lists the installed host keys.",
                     .answer = kKeyAnswer,
                     .list = true},
                    [this](const Call&) { return listKeys(); });
    host_.operation({.method = "DELETE",
                     .path = "/keys/{key}",
                     .role = Role::admin,
                     .cli = "key remove",
                     .summary = "Removes a host key.",
                     .path_ = kKeyPath,
                     .confirm = "Clients that only this key covers are refused from then on. Remove it?"},
                    [this](const Call& call) { return removeKey(call); });
}

Result<Reply> Lab::issueKey(const Call& call) const {
    const std::string_view name = call.text("family");
    if (name.empty())
        return fail(Code::malformed, "family", "missing; loaded are: " + loadedNames(host_.families()));
    const auto group = groupOf(call.text("group"));
    if (!group)
        return fail(Code::malformed, "group", "missing; one of client, A, B, C");
    // A family that is not loaded is no hindrance: the key says what it is for, and is taken once the family is there.
    const muster_family* const family = host_.families().byName(name);
    if (family && !keyOfGroup(family, *group))
        return fail(Code::missing, "group " + std::string(kms::groupName(*group)),
                    "family " + std::string(name) + " has no host key of that group");
    auto key = HostKey::issue(name, *group);
    if (!key)
        return fail(std::move(key).error());
    Reply reply;
    reply.text = key->text() + "\n";
    return reply;
}

Result<Reply> Lab::sealKey() const {
    const auto key = kms::readSealFile(sealFile_);
    if (!key)
        return fail(key.error());
    Reply reply;
    reply.text = key->text() + "\n";
    return reply;
}

Result<Reply> Lab::addKey(const Call& call) {
    auto key = HostKey::parse(call.text("key"));
    if (!key)
        return fail(std::move(key).error());
    const std::string group(kms::groupName(key->group()));
    const muster_family* const family = host_.families().byName(key->family());
    if (!family)
        return fail(Code::incompatible, "host key",
                    invalidKeyText("It is for family " + key->family() +
                                   ", which is not loaded (loaded are: " + loadedNames(host_.families()) +
                                   "). Add that family (musterctl plugin rescan), then add the same key again."));
    if (!keyOfGroup(family, key->group()))
        return fail(Code::incompatible, "host key",
                    invalidKeyText("Family " + key->family() + " has no host key of group " + group + "."));

    const std::lock_guard change(changing_);
    std::vector<InstalledKey> keys = installed();
    const auto same =
        std::find_if(keys.begin(), keys.end(), [&](const InstalledKey& other) { return other.key == *key; });
    Json before;
    if (same == keys.end()) {
        for (const InstalledKey& other : keys)
            if (other.key.family() == key->family() && other.key.group() == key->group())
                before = withoutSecret(other);
        keys.erase(std::remove_if(keys.begin(), keys.end(),
                                  [&](const InstalledKey& other) {
                                      return other.key.family() == key->family() && other.key.group() == key->group();
                                  }),
                   keys.end());
        if (keys.size() >= KeyFile::kMaxKeys)
            return fail(Code::busy, "host key",
                        std::to_string(keys.size()) + " host keys are installed, which is the limit; remove one first");
        const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
        keys.push_back({*key, now, labEpid(*key, hostBuild_, now)});
        if (auto written = keyFile_->write(keys); !written)
            return fail(std::move(written).error());
        put(std::move(keys));
        host_.event(
            kKeyInstalled,
            json({{"key", key->partial()}, {"family", key->family()}, {"group", group}, {"by", call.caller.name}}));
    }
    const std::lock_guard lock(mutex_);
    for (const RingKey& ringKey : ring_.keys())
        if (ringKey.installed.key == *key) {
            Reply reply(described(ringKey));
            reply.status = 201;
            reply.before = std::move(before);
            reply.after = withoutSecret(ringKey.installed);
            return reply;
        }
    return fail(Code::conflict, "host key", "another change came between; look at the list");
}

Result<Reply> Lab::listKeys() const {
    tell(refresh());
    const std::lock_guard lock(mutex_);
    Json::Array items;
    for (const RingKey& key : ring_.keys())
        items.push_back(described(key));
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> Lab::removeKey(const Call& call) {
    const std::string_view wanted = call.text("key");
    const std::lock_guard change(changing_);
    std::vector<InstalledKey> keys = installed();
    const auto meant = [&](const InstalledKey& key) {
        return sameCase(key.key.text(), wanted) || (wanted.size() == kPartial && sameCase(key.key.partial(), wanted));
    };
    const auto matches = std::count_if(keys.begin(), keys.end(), meant);
    if (matches == 0)
        return fail(Code::missing, "host key", "no such key is installed; \"musterctl key list\" shows those that are");
    if (matches > 1)
        return fail(Code::conflict, "host key", "several keys end like that; give the whole key");
    const auto gone = std::find_if(keys.begin(), keys.end(), meant);
    const InstalledKey removed = *gone;
    keys.erase(gone);
    if (auto written = keyFile_->write(keys); !written)
        return fail(std::move(written).error());
    put(std::move(keys));
    host_.event(kKeyRemoved, json({{"key", removed.key.partial()},
                                   {"family", removed.key.family()},
                                   {"group", kms::groupName(removed.key.group())},
                                   {"by", call.caller.name}}));
    Reply reply;
    reply.status = 204;
    reply.before = withoutSecret(removed);
    return reply;
}

Result<Reply> Lab::show() const {
    tell(refresh());
    const std::lock_guard lock(mutex_);
    const auto inForce = static_cast<std::int64_t>(std::count_if(
        ring_.keys().begin(), ring_.keys().end(), [](const RingKey& key) { return key.table != nullptr; }));
    return Reply(json({{"mode", "lab"},
                       {"keys", static_cast<std::int64_t>(ring_.keys().size())},
                       {"keysInForce", inForce},
                       {"currentCount", numbers_.count->value()},
                       {"granted", numbers_.granted->value()},
                       {"refused", numbers_.refused->value()},
                       {"realClients", numbers_.realClients->value()},
                       {"activationInterval", activationInterval()},
                       {"renewalInterval", renewalInterval()},
                       {"unUpdatedHost", rules_.unUpdatedHost}}));
}

Json Lab::described(const RingKey& key) const {
    const HostKey& own = key.installed.key;
    return json({{"key", own.text()},
                 {"family", own.family()},
                 {"group", kms::groupName(own.group())},
                 {"inForce", key.table != nullptr},
                 {"name", key.table ? std::string(key.table->name) : "family " + own.family() + " is not loaded"},
                 {"covers", key.table ? key.table->cover_count : 0U},
                 {"epid", key.installed.epid},
                 {"installed", isoTime(key.installed.installed)}});
}

std::vector<InstalledKey> Lab::installed() const {
    const std::lock_guard lock(mutex_);
    std::vector<InstalledKey> out;
    for (const RingKey& key : ring_.keys())
        out.push_back(key.installed);
    return out;
}

void Lab::put(std::vector<InstalledKey> keys) {
    const std::lock_guard lock(mutex_);
    ring_.set(std::move(keys));
    (void)ring_.refresh(host_.families());  // what became of the keys is in the answer of whoever asked for the change
}

}  // namespace muster::lab
