#include "host/plugins/judge.h"

#include <algorithm>
#include <cstring>

namespace muster::plugins {

namespace {

constexpr std::size_t kPrefix = 12;  // octets: magic, major, minor, size
constexpr std::size_t kMaxNeeds = 32;
constexpr std::size_t kMaxFields = 256;
constexpr std::size_t kMaxEvents = 256;
constexpr const char* kRemedy = "; rebuild the plugin with this SDK";

struct Prefix {
    std::uint32_t magic;
    std::uint16_t abiMajor;
    std::uint16_t abiMinor;
    std::uint32_t size;
};
static_assert(sizeof(Prefix) == kPrefix);

/// What this core speaks at one of its two borders.
struct Border {
    const char* what;  ///< "plugin descriptor", "family table"
    std::uint32_t magic;
    std::uint16_t major;
    std::uint16_t minor;
    std::size_t size;  ///< octets that minor 0 has
};

std::string hexadecimal(std::uint32_t value) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (int shift = 28; shift >= 0; shift -= 4)
        out.push_back(kDigits[(value >> shift) & 15U]);
    return out;
}

std::string version(unsigned major, unsigned minor) {
    return std::to_string(major) + "." + std::to_string(minor);
}

std::string spoken(const Border& border) {
    return border.minor == 0 ? version(border.major, 0)
                             : version(border.major, 0) + "-" + version(border.major, border.minor);
}

std::string symbolOf(const char* kind, std::string_view name) {
    std::string symbol = "muster_" + std::string(kind) + "_" + std::string(name);
    std::replace(symbol.begin(), symbol.end(), '-', '_');
    return symbol;
}

/// Finds the one exported table and trusts no more than its prefix until magic, version and size have passed.
Result<const void*> findTable(const Library& library, const std::string& file, const std::string& symbol,
                              const Border& border) {
    const Library::Symbol found = library.symbol(symbol);
    if (!found.at)
        return fail(
            Code::malformed, file,
            "exports no " + symbol + ": it is no plugin, or was renamed; a plugin's file has its plugin's name");
    if (found.size < kPrefix || reinterpret_cast<std::uintptr_t>(found.at) % alignof(void*) != 0)
        return fail(Code::malformed, file, symbol + " is no " + border.what);
    Prefix prefix{};
    std::memcpy(&prefix, found.at, sizeof prefix);
    if (prefix.magic != border.magic)
        return fail(Code::malformed, file,
                    symbol + " is no " + border.what + ": magic " + hexadecimal(prefix.magic) + ", expected " +
                        hexadecimal(border.magic));
    if (prefix.abiMajor != border.major || prefix.abiMinor > border.minor)
        return fail(Code::incompatible, file,
                    "abi " + version(prefix.abiMajor, prefix.abiMinor) + ", core speaks " + spoken(border) + kRemedy);
    if (prefix.size < border.size || prefix.size > found.size)
        return fail(Code::incompatible, file,
                    "a " + std::string(border.what) + " of " + std::to_string(prefix.size) + " octets where abi " +
                        version(prefix.abiMajor, prefix.abiMinor) + " has " + std::to_string(border.size) + kRemedy);
    return found.at;
}

/// Collects what is wrong with a table: the first thing found is the sentence.
class Doubts {
public:
    Doubts(const Library& library, std::string file) : library_(library), file_(std::move(file)) {}

    void require(bool holds, const std::string& sentence) {
        if (!holds && sentence_.empty())
            sentence_ = sentence;
    }
    /// The copy of a text; empty if it is none.
    std::string text(const char* at, const std::string& what) {
        auto copy = library_.text(at);
        require(copy.has_value(), what + " is no text: 1 to " + std::to_string(Library::kMaxText) +
                                      " octets of UTF-8 inside the library");
        return copy.value_or("");
    }
    template <class T>
    bool array(const T* at, std::uint64_t count, std::uint64_t most, const std::string& what) {
        const bool good = count >= 1 && count <= most && library_.holdsArray(at, count);
        require(good, what + ": " + std::to_string(count) + " at most " + std::to_string(most) +
                          " are possible, and all of them inside the library");
        return good;
    }
    void code(const void* function, const std::string& what) {
        require(function && library_.holds(function, 1), what + " leads out of the library");
    }
    bool any() const noexcept { return !sentence_.empty(); }
    tl::unexpected<Error> refusal() const { return fail(Code::malformed, file_, sentence_); }

private:
    const Library& library_;
    std::string file_;
    std::string sentence_;
};

bool isKind(Kind kind) noexcept {
    return kind >= Kind::authority && kind <= Kind::service;
}

bool isZero(const muster_guid& guid) noexcept {
    return std::all_of(std::begin(guid.octets), std::end(guid.octets), [](std::uint8_t octet) { return octet == 0; });
}

bool same(const muster_guid& a, const muster_guid& b) noexcept {
    return std::memcmp(a.octets, b.octets, sizeof a.octets) == 0;
}

/// Of the GUIDs of one sort in a family, none is zero and no two are the same.
class OnceOnly {
public:
    OnceOnly(Doubts& doubts, const char* sort) : doubts_(doubts), sort_(sort) {}
    void add(const muster_guid& guid, const std::string& whose) {
        const std::string what = std::string(sort_) + " of " + whose;
        doubts_.require(!isZero(guid), what + " is zero");
        const auto twin = std::find_if(seen_.begin(), seen_.end(), [&](const auto& s) { return same(*s.first, guid); });
        if (twin != seen_.end())
            doubts_.require(false, what + " is that of " + twin->second);
        seen_.emplace_back(&guid, whose);
    }

private:
    Doubts& doubts_;
    const char* sort_;
    std::vector<std::pair<const muster_guid*, std::string>> seen_;
};

constexpr std::uint32_t kMaxCounted = 64;
constexpr std::uint32_t kMaxSkus = 128;
constexpr std::uint32_t kMaxKeys = 64;
constexpr std::uint32_t kMaxCovers = 256;
constexpr std::uint32_t kMaxThreshold = 10'000;
constexpr std::uint32_t kMaxGroup = MUSTER_GROUP_C;

void judgeCounted(Doubts& doubts, const muster_family& family) {
    OnceOnly ids(doubts, "the counted ID");
    OnceOnly skus(doubts, "the activation ID");
    if (!doubts.array(family.counted, family.counted_count, kMaxCounted, "the counted IDs"))
        return;
    for (std::uint32_t i = 0; i < family.counted_count && !doubts.any(); ++i) {
        const muster_counted& counted = family.counted[i];
        const std::string name = doubts.text(counted.name, "the name of counted ID " + std::to_string(i));
        doubts.text(counted.generation, "the generation of " + name);
        ids.add(counted.id, name);
        doubts.require(counted.group <= kMaxGroup, "the group of " + name + " is unknown");
        doubts.require(counted.virtual_rule <= MUSTER_VIRTUAL_COUNTS,
                       "the rule for virtual machines of " + name + " is unknown");
        doubts.require(counted.protocol_major >= 4 && counted.protocol_major <= 6,
                       "the protocol of " + name + " is none of 4, 5, 6");
        doubts.require(counted.threshold >= 1 && counted.threshold <= kMaxThreshold,
                       "the threshold of " + name + " is not in 1 to " + std::to_string(kMaxThreshold));
        if (!doubts.array(counted.skus, counted.sku_count, kMaxSkus, "the products of " + name))
            return;
        for (std::uint32_t k = 0; k < counted.sku_count && !doubts.any(); ++k)
            skus.add(counted.skus[k].id,
                     doubts.text(counted.skus[k].name, "the name of product " + std::to_string(k) + " of " + name));
    }
}

void judgeKeys(Doubts& doubts, const muster_family& family) {
    OnceOnly ids(doubts, "the activation ID");
    if (doubts.any() || !doubts.array(family.keys, family.key_count, kMaxKeys, "the host keys"))
        return;
    for (std::uint32_t i = 0; i < family.key_count && !doubts.any(); ++i) {
        const muster_key& key = family.keys[i];
        const std::string name = doubts.text(key.name, "the name of host key " + std::to_string(i));
        ids.add(key.id, name);
        doubts.require(key.group <= kMaxGroup, "the group of " + name + " is unknown");
        doubts.require(key.epid_key_id_min <= key.epid_key_id_max,
                       "the key ID range of " + name + " ends before it begins");
        doubts.array(key.covers, key.cover_count, kMaxCovers, "what " + name + " covers");
    }
}

}  // namespace

const char* name(Kind kind) noexcept {
    switch (kind) {
        case Kind::authority:
            return "authority";
        case Kind::listener:
            return "listener";
        case Kind::exporter:
            return "exporter";
        case Kind::notifier:
            return "notifier";
        case Kind::dnsProvider:
            return "dns-provider";
        case Kind::service:
            return "service";
    }
    return "service";
}

Result<JudgedPlugin> judgePlugin(std::shared_ptr<const Library> library, const std::string& file,
                                 const std::string& name, const std::string& buildId) {
    static constexpr Border kBorder{"plugin descriptor", MUSTER_PLUGIN_MAGIC, MUSTER_PLUGIN_MAJOR, MUSTER_PLUGIN_MINOR,
                                    sizeof(PluginDescriptor)};
    const auto table = findTable(*library, file, symbolOf("plugin", name), kBorder);
    if (!table)
        return fail(table.error());
    const auto& descriptor = *static_cast<const PluginDescriptor*>(*table);
    Doubts doubts(*library, file);
    JudgedPlugin judged;

    // The build id goes first: behind it, what a Field or an EventSpec looks like is a promise of the same build.
    judged.buildId = doubts.text(descriptor.buildId, "its build id");
    if (!doubts.any() && judged.buildId != buildId)
        return fail(Code::incompatible, file, "built as " + judged.buildId + ", core is " + buildId + kRemedy);
    judged.name = doubts.text(descriptor.name, "its name");
    doubts.require(judged.name == name, "calls itself \"" + judged.name + "\", its file says \"" + name +
                                            "\"; a plugin's file has its plugin's name");
    judged.version = doubts.text(descriptor.version, "its version");
    doubts.require(descriptor.flags == 0, "has flags that this core does not know: " + hexadecimal(descriptor.flags));
    doubts.code(reinterpret_cast<const void*>(descriptor.create), "its create function");
    doubts.code(reinterpret_cast<const void*>(descriptor.destroy), "its destroy function");
    doubts.require(isKind(descriptor.kind),
                   "is of kind " + std::to_string(static_cast<std::uint32_t>(descriptor.kind)) + ", which is none");
    for (std::size_t i = 0; descriptor.needs && !doubts.any(); ++i) {
        doubts.require(i <= kMaxNeeds && library->holdsArray(descriptor.needs + i, 1),
                       "its needs have no end within " + std::to_string(kMaxNeeds));
        if (doubts.any() || !descriptor.needs[i])
            break;
        judged.needs.push_back(doubts.text(descriptor.needs[i], "the name of a plugin that it needs"));
    }
    if (!doubts.any() && !descriptor.settings.empty())
        doubts.array(descriptor.settings.data(), descriptor.settings.size(), kMaxFields, "its settings");
    if (!doubts.any() && !descriptor.events.empty())
        doubts.array(descriptor.events.data(), descriptor.events.size(), kMaxEvents, "its events");
    if (!doubts.any())
        for (const Field& field : descriptor.settings)
            doubts.text(field.name, "the name of a setting");
    if (!doubts.any())
        for (const EventSpec& event : descriptor.events)
            doubts.require(
                event.message && library->holds(event.message, 1) && event.explain && library->holds(event.explain, 1),
                "event " + std::to_string(event.id) + " has no text");
    if (doubts.any())
        return doubts.refusal();

    judged.descriptor = &descriptor;
    judged.kind = descriptor.kind;
    judged.settings = descriptor.settings;
    judged.events = descriptor.events;
    judged.library = std::move(library);
    return judged;
}

Result<JudgedFamily> judgeFamily(const Library& library, const std::string& file, const std::string& name) {
    static constexpr Border kBorder{"family table", MUSTER_FAMILY_MAGIC, MUSTER_FAMILY_MAJOR, MUSTER_FAMILY_MINOR,
                                    sizeof(muster_family)};
    const auto table = findTable(library, file, symbolOf("family", name), kBorder);
    if (!table)
        return fail(table.error());
    const auto& family = *static_cast<const muster_family*>(*table);
    Doubts doubts(library, file);
    JudgedFamily judged;

    const std::string own = doubts.text(family.name, "its name");
    doubts.require(own == name, "calls itself \"" + own + "\", its file says \"" + name +
                                    "\"; a family's file is named family-NAME.so");
    judged.version = doubts.text(family.version, "its version");
    doubts.text(family.display_name, "its display name");
    doubts.text(family.application_name, "the name of its application");
    doubts.require(!isZero(family.application), "its application ID is zero");
    if (!doubts.any())
        judgeCounted(doubts, family);
    if (!doubts.any())
        judgeKeys(doubts, family);
    if (doubts.any())
        return doubts.refusal();
    judged.table = &family;
    return judged;
}

}  // namespace muster::plugins
