#include "pool/record.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "api/json_text.h"
#include "pool/compact.h"

namespace muster::pool {

namespace {

/// `longRequest` is what the first version wrote.
enum class Kind : std::uint8_t { longRequest = 1, event = 2, removal = 3, request = 4, ownRequest = 5 };

// Bits of a long request's second octet.
constexpr std::uint8_t kWellFormed = 1;
constexpr std::uint8_t kCounted = 2;
constexpr std::uint8_t kFresh = 4;
constexpr std::uint8_t kV4 = 8;
constexpr std::uint8_t kAllFlags = 15;

constexpr std::size_t kMaxSource = 64;
constexpr std::size_t kMaxMessage = std::size_t{4} * 1024;
constexpr std::size_t kMaxFields = std::size_t{16} * 1024;
constexpr std::size_t kMaxMachine = MachineName::kCapacity;

class Writer {
public:
    explicit Writer(std::vector<std::byte>& out) noexcept : out_(out) {}

    template <class T>
    void number(T value) {
        static_assert(std::is_unsigned_v<T>);
        std::byte octets[sizeof(T)];
        for (std::size_t i = 0; i < sizeof(T); ++i)
            octets[i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
        out_.insert(out_.end(), octets, octets + sizeof(T));
    }
    void time(Timestamp when) { number(static_cast<std::uint64_t>(when.time_since_epoch().count())); }
    void raw(const void* data, std::size_t size) {
        const auto* first = static_cast<const std::byte*>(data);
        out_.insert(out_.end(), first, first + size);
    }
    void guid(const Guid& guid) { raw(guid.octets.data(), guid.octets.size()); }
    template <class Length>
    void text(std::string_view text) {
        number(static_cast<Length>(text.size()));
        raw(text.data(), text.size());
    }

private:
    std::vector<std::byte>& out_;
};

/// Reads past the end give zeros and spoil the whole: asked once, at the end.
class Parser {
public:
    explicit Parser(Octets data) noexcept : data_(data) {}

    template <class T>
    T number() noexcept {
        static_assert(std::is_unsigned_v<T>);
        const Octets from = take(sizeof(T));
        T value = 0;
        for (std::size_t i = 0; i < from.size(); ++i)
            value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(from[i]) << (8 * i)));
        return value;
    }
    Timestamp time() noexcept {
        return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(number<std::uint64_t>())));
    }
    Guid guid() noexcept {
        Guid guid;
        const Octets from = take(guid.octets.size());
        std::copy(from.begin(), from.end(), guid.octets.begin());
        return guid;
    }
    template <class Length>
    std::string_view text(std::size_t limit) noexcept {
        const std::size_t size = number<Length>();
        if (size > limit)
            good_ = false;
        const Octets from = take(size);
        return {reinterpret_cast<const char*>(from.data()), from.size()};
    }
    Octets take(std::size_t size) noexcept {
        if (!good_ || size > data_.size()) {
            good_ = false;
            return {};
        }
        const Octets taken = data_.first(size);
        data_ = data_.subspan(size);
        return taken;
    }
    bool finished() const noexcept { return good_ && data_.empty(); }
    void spoil() noexcept { good_ = false; }

private:
    Octets data_;
    bool good_ = true;
};

RequestRecord readLongRequest(Parser& in) {
    RequestRecord record;
    const auto flags = in.number<std::uint8_t>();
    if ((flags & ~kAllFlags) != 0)
        in.spoil();
    record.wellFormed = (flags & kWellFormed) != 0;
    record.counted = (flags & kCounted) != 0;
    record.fresh = (flags & kFresh) != 0;
    record.received = in.time();
    if ((flags & kV4) != 0) {
        record.source.octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
        for (std::size_t i = 12; i < 16; ++i)
            record.source.octets[i] = in.number<std::uint8_t>();
    } else {
        for (std::uint8_t& octet : record.source.octets)
            octet = in.number<std::uint8_t>();
        record.source.scopeId = in.number<std::uint32_t>();
    }
    record.source.port = in.number<std::uint16_t>();
    ActivationRequest& request = record.request;
    request.major = in.number<std::uint16_t>();
    request.minor = in.number<std::uint16_t>();
    request.vmInfo = in.number<std::uint32_t>();
    request.licenseStatus = in.number<std::uint32_t>();
    request.minutesToExpiry = in.number<std::uint32_t>();
    request.application = in.guid();
    request.sku = in.guid();
    request.counted = in.guid();
    request.cmid = in.guid();
    request.requiredClients = in.number<std::uint32_t>();
    request.clientTime.ticks = in.number<std::uint64_t>();
    request.previousCmid = in.guid();
    record.result = static_cast<HResult>(in.number<std::uint32_t>());
    record.fault = in.number<std::uint32_t>();
    record.count = in.number<std::uint32_t>();
    request.machine.assign(in.text<std::uint8_t>(kMaxMachine));
    record.reason = in.text<std::uint8_t>(kMaxReason);
    return record;
}

StoredEvent readEvent(Parser& in) {
    StoredEvent event;
    event.when = in.time();
    event.id = in.number<std::uint32_t>();
    const auto severity = in.number<std::uint8_t>();
    if (severity > static_cast<std::uint8_t>(Severity::critical))
        in.spoil();
    else
        event.severity = static_cast<Severity>(severity);
    event.source = in.text<std::uint8_t>(kMaxSource);
    event.message = in.text<std::uint16_t>(kMaxMessage);
    event.fields = in.text<std::uint16_t>(kMaxFields);
    event.machine = in.text<std::uint8_t>(kMaxMachine);
    event.cmid = in.guid();
    return event;
}

/// Length of the well-formed UTF-8 sequence at the head of `text` (RFC 3629), 0 if there is none.
std::size_t sequenceLength(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = at(0);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xC2 && first < 0xE0   ? 2
                               : first >= 0xE0 && first < 0xF0 ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((at(i) & 0xC0U) != 0x80U)
            return 0;
    const unsigned second = at(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second > 0x9F;
    const bool beyond = first == 0xF4 && second > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

std::string validUtf8(std::string_view text, std::size_t limit) {
    static constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    std::string out;
    out.reserve(std::min(text.size(), limit));
    while (!text.empty()) {
        const std::size_t length = sequenceLength(text);
        const std::string_view piece = length == 0 ? kReplacement : text.substr(0, length);
        if (out.size() + piece.size() > limit)
            break;
        out.append(piece);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

StoredEvent stored(const EventRecord& event) {
    StoredEvent out;
    out.when = event.when;
    out.id = event.id;
    out.severity = event.severity;
    out.source = validUtf8(event.source, kMaxSource);
    out.message = validUtf8(event.message, kMaxMessage);
    out.fields = api::dumpJson(event.fields);
    if (out.fields.size() > kMaxFields)  // half an object is no object
        out.fields = R"({"truncated":true})";
    if (const Json* machine = event.fields.find("machine"); machine && machine->string())
        out.machine = validUtf8(*machine->string(), kMaxMachine);
    if (const Json* cmid = event.fields.find("cmid"); cmid && cmid->string())
        out.cmid = Guid::parse(*cmid->string()).value_or(Guid{});
    return out;
}

void encode(const RequestRecord& record, std::vector<std::byte>& out) {
    std::byte room[1 + kMostCompact];
    room[0] = static_cast<std::byte>(Kind::request);
    const std::size_t size = 1 + encodeCompact(record, 0, {}, room + 1);
    out.insert(out.end(), room, room + size);
}

void encode(const Note& note, std::vector<std::byte>& out) {
    Writer to(out);
    if (const auto* removal = std::get_if<Removal>(&note)) {
        to.number(static_cast<std::uint8_t>(Kind::removal));
        to.time(removal->when);
        to.guid(removal->cmid);
        return;
    }
    if (const auto* own = std::get_if<OwnRequest>(&note)) {
        to.number(static_cast<std::uint8_t>(Kind::ownRequest));
        to.time(own->when);
        to.guid(own->cmid);
        return;
    }
    const auto& event = std::get<StoredEvent>(note);
    to.number(static_cast<std::uint8_t>(Kind::event));
    to.time(event.when);
    to.number(event.id);
    to.number(static_cast<std::uint8_t>(event.severity));
    to.text<std::uint8_t>(event.source);
    to.text<std::uint16_t>(event.message);
    to.text<std::uint16_t>(event.fields);
    to.text<std::uint8_t>(event.machine);
    to.guid(event.cmid);
}

Result<Record> decode(Octets payload) {
    Parser in(payload);
    const auto kind = in.number<std::uint8_t>();
    Record record;
    switch (static_cast<Kind>(kind)) {
        case Kind::request: {
            RequestRecord request;
            RowNumbers numbers;
            Octets rest = payload.subspan(1);
            // Numbers of tables are no part of the intake: it must be read without them.
            if (!decodeCompact(rest, 0, request, numbers) || !rest.empty() || numbers.product != 0 ||
                numbers.upstream != 0)
                in.spoil();
            else
                in.take(payload.size() - 1);
            record = request;
            break;
        }
        case Kind::longRequest:
            record = readLongRequest(in);
            break;
        case Kind::event:
            record = readEvent(in);
            break;
        case Kind::removal: {
            Removal removal;
            removal.when = in.time();
            removal.cmid = in.guid();
            record = removal;
            break;
        }
        case Kind::ownRequest: {
            OwnRequest own;
            own.when = in.time();
            own.cmid = in.guid();
            record = own;
            break;
        }
        default:
            return fail(Code::incompatible, "intake record",
                        "kind " + std::to_string(kind) + "; this Muster knows 1 to 5: start the newer one again");
    }
    if (!in.finished())
        return fail(Code::malformed, "intake record",
                    std::to_string(payload.size()) + " octets do not fit the fields of kind " + std::to_string(kind));
    return record;
}

}  // namespace muster::pool
