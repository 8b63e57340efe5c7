#include "host/plugins/instance.h"

#include <algorithm>
#include <cerrno>
#include <pthread.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include "api/values.h"
#include "host/plugins/contain.h"

namespace muster::plugins {

namespace {

constexpr std::size_t kMaxThreads = 64;
constexpr std::size_t kThreadName = 15;  // what the kernel keeps

std::string words(const Error& error) {
    return error.text();
}

}  // namespace

/// Outlives the plugin in rows of the table that a caller still holds; empty once the plugin is gone.
struct Instance::Slot {
    Handler handler;
};

/// decide() holds the plugin's gate. After the gate has closed, exchanges that still come get a fault.
class Instance::GatedAuthority final : public Authority {
public:
    GatedAuthority(Authority& inner, std::shared_ptr<Gate> gate)
        : inner_(inner),
          gate_(std::move(gate)),
          mode_(inner.mode()),
          withoutRecord_(inner.answersWithoutRecord()),
          activation_(inner.activationInterval()),
          renewal_(inner.renewalInterval()) {}

    Mode mode() const noexcept override { return mode_; }
    void decide(Exchange& exchange) noexcept override {
        const Passage passage(*gate_);
        if (passage)
            inner_.decide(exchange);
        else
            exchange.complete(Outcome::fault(RpcStatus::serverUnavailable, "the authority is stopping"));
    }
    void forget(const Guid& application, const Guid& cmid) noexcept override {
        if (const Passage passage(*gate_); passage)
            inner_.forget(application, cmid);
    }
    std::vector<HostKeyStatus> keys() const override {
        const Passage passage(*gate_);
        return passage ? inner_.keys() : std::vector<HostKeyStatus>();
    }
    bool answersWithoutRecord() const noexcept override { return withoutRecord_; }
    std::uint32_t activationInterval() const noexcept override {
        const Passage passage(*gate_);
        return passage ? inner_.activationInterval() : activation_;
    }
    std::uint32_t renewalInterval() const noexcept override {
        const Passage passage(*gate_);
        return passage ? inner_.renewalInterval() : renewal_;
    }
    std::vector<std::string> troubles() const override {
        const Passage passage(*gate_);
        return passage ? inner_.troubles() : std::vector<std::string>();
    }
    std::vector<LicensedHost> licensedHosts() const override {
        const Passage passage(*gate_);
        return passage ? inner_.licensedHosts() : std::vector<LicensedHost>();
    }

private:
    Authority& inner_;
    const std::shared_ptr<Gate> gate_;
    const Mode mode_;
    const bool withoutRecord_;
    const std::uint32_t activation_;
    const std::uint32_t renewal_;
};

Instance::Instance(std::shared_ptr<Commons> commons, std::shared_ptr<const JudgedPlugin> judged)
    : shared_(std::move(commons)), commons_(*shared_), judged_(std::move(judged)) {}

Instance::~Instance() = default;

std::optional<Error> Instance::create() {
    open_ = true;
    auto error = contain([this] { plugin_ = judged_->descriptor->create(*this); });
    open_ = false;
    if (!error && !plugin_)
        error = Error{Code::internal, "", "returned no plugin"};
    return error;
}

std::optional<Error> Instance::start() {
    open_ = true;
    auto error = contain([this] { plugin_->start(); });
    open_ = false;
    return error;
}

std::optional<Error> Instance::settingsChanged() {
    const Passage passage(*gate_);
    if (!passage)
        return std::nullopt;
    auto error = contain([this] { plugin_->settingsChanged(); });
    if (error)
        ++commons_.faults;
    return error;
}

bool Instance::finish(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (!finishing_) {
        finishing_ = true;
        stopping_ = true;
        commons_.services.troubles(judged_->name, {});
        // A plugin whose stop() never returns must not take the host's thread with it.
        std::thread([self = shared_from_this()] {
            if (self->plugin_)
                self->plugin_->stop();
            std::vector<std::thread> threads;
            {
                const std::lock_guard own(self->mutex_);
                threads.swap(self->threads_);
            }
            for (std::thread& thread : threads)
                thread.join();
            self->operations_.clear();
            for (const auto& slot : self->slots_)
                slot->handler = nullptr;
            if (self->plugin_)
                self->judged_->descriptor->destroy(self->plugin_);
            self->plugin_ = nullptr;
            const std::lock_guard own(self->mutex_);
            self->finished_ = true;
            self->ended_.notify_all();
        }).detach();
    }
    return ended_.wait_for(lock, limit, [this] { return finished_; });
}

std::string Instance::threadFault() const {
    const std::lock_guard lock(mutex_);
    return threadFault_;
}

// --- Host

std::string Instance::directory(const std::string& above) {
    std::string path = above + "/" + judged_->name;
    struct stat status {};
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        const int problem = errno;
        if (commons_.services.stateIsOptional() && lstat(path.c_str(), &status) != 0) {
            lacksDirectory_ = true;
            return path;
        }
        throw Fault({Code::storage, path, "cannot be made: " + std::generic_category().message(problem)});
    }
    if (lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        throw Fault({Code::storage, path, "is no directory; move it out of the way"});
    return path;
}

void Instance::makeLackingDirectory() noexcept try {
    if (!lacksDirectory_)
        return;
    const std::string path = commons_.services.stateDirectory() + "/" + judged_->name;
    lacksDirectory_ = mkdir(path.c_str(), 0700) != 0 && errno != EEXIST;
} catch (const std::exception&) {
    // the next time
}

std::optional<SettingValue> Instance::settingValue(std::string_view key) const {
    return commons_.services.setting(judged_->name, key);
}

Result<std::uint32_t> Instance::changeSettings(const std::vector<SettingEdit>& edits, std::string_view author,
                                               std::string_view comment) {
    std::vector<std::pair<std::string, std::optional<std::string>>> texts;
    for (const SettingEdit& edit : edits) {
        std::optional<std::string> text;
        if (const auto* given = edit.value ? std::get_if<std::string>(&*edit.value) : nullptr)
            text = *given;
        else if (edit.value)
            for (const Field& field : judged_->settings)
                if (edit.key == field.name)
                    text = api::valueText(field, *edit.value);
        // Of a key that does not exist the settings say so.
        texts.emplace_back(edit.key, edit.value && !text ? std::string() : std::move(text));
    }
    return commons_.services.changeSettings(judged_->name, texts, author, comment);
}

std::string Instance::settingFixed(std::string_view key) const {
    return commons_.services.settingFixed(judged_->name, key);
}

void Instance::log(Severity severity, std::string_view text) {
    commons_.services.log(severity, judged_->name, text);
}

void Instance::event(std::uint32_t id, Json fields) {
    for (const EventSpec& spec : judged_->events)
        if (spec.id == id) {
            commons_.services.journal(judged_->name, spec, std::move(fields));
            return;
        }
    log(Severity::warning, "raised event " + std::to_string(id) + ", which it has not announced: not in the journal");
}

void Instance::audit(AuditNote note) {
    commons_.services.audit(judged_->name, std::move(note));
}

void Instance::registering(const std::string& what) const {
    if (!open_)
        throw Fault({Code::conflict, what, "is registered in start(), not later"});
}

void Instance::troubles(std::vector<std::string> lines) {
    // Of one that goes, nothing is wrong any more.
    const std::lock_guard lock(mutex_);
    if (!finishing_)
        commons_.services.troubles(judged_->name, std::move(lines));
}

Counter& Instance::counter(std::string_view name, std::string_view help) {
    registering("counter " + std::string(name));
    Counter& counter = commons_.services.metrics().counter(judged_->name, name, help);
    metrics_.emplace(name);
    return counter;
}

Gauge& Instance::gauge(std::string_view name, std::string_view help) {
    registering("gauge " + std::string(name));
    Gauge& gauge = commons_.services.metrics().gauge(judged_->name, name, help);
    metrics_.emplace(name);
    return gauge;
}

void Instance::operation(const Operation& operation, Handler handler) {
    const std::string what = std::string(operation.method) + " " + std::string(operation.path);
    registering(what);
    if (!handler)
        throw Fault({Code::malformed, what, "has no handler"});
    if (auto may = commons_.services.operations().mayAdd(judged_->name, operation); !may)
        throw Fault(may.error());
    operations_.push_back({operation, guarded(std::move(handler), what)});
}

Handler Instance::guarded(Handler handler, std::string what) {
    auto slot = std::make_shared<Slot>(Slot{std::move(handler)});
    slots_.push_back(slot);
    // Everything that the wrapper needs outlives the plugin; the plugin itself only within the gate.
    return [slot, gate = gate_, commons = shared_, plugin = judged_->name,
            what = std::move(what)](const Call& call) -> Result<Reply> {
        const auto gone = [&] {
            return fail(Code::busy, what, "plugin " + plugin + " is stopping; ask again when it is back");
        };
        const auto contained = [commons, plugin, what](const Error& error) {
            ++commons->faults;
            commons->services.log(Severity::error, plugin, what + " threw: " + error.text());
        };
        const Passage passage(*gate);
        if (!passage)
            return gone();
        Result<Reply> result = gone();
        bool meant = false;  // a Fault is an answer; everything else is a fault of the plugin's
        const auto error = contain([&] {
            try {
                result = slot->handler(call);
            } catch (const Fault& fault) {
                meant = true;
                result = fail(fault.error());
            }
        });
        if (error) {
            contained(*error);
            return fail(Code::internal, what, "plugin " + plugin + " failed on this request: " + error->detail);
        }
        if (meant || !result || !result->stream)
            return result;

        // A stream runs after the handler has returned: behind the gate as well, and ended when the plugin stops.
        struct GatedSink final : Sink {
            GatedSink(Sink& sink, Gate& its) : inner(sink), gate(its) {}
            bool write(const Json& line) override { return !gate.closed() && inner.write(line); }
            bool idle() override { return !gate.closed() && inner.idle(); }
            Sink& inner;
            Gate& gate;
        };
        auto stream = std::make_shared<std::function<void(Sink&)>>(std::move(result->stream));
        result->stream = [stream, gate, contained](Sink& sink) {
            const Passage inside(*gate);
            if (!inside)
                return;
            GatedSink gated(sink, *gate);
            if (const auto problem = contain([&] { (*stream)(gated); }))
                contained(*problem);
        };
        return result;
    };
}

void Instance::thread(std::string_view name, std::function<void(const std::atomic<bool>& stopping)> work) {
    const std::lock_guard lock(mutex_);
    if (finishing_)
        throw Fault({Code::conflict, "thread " + std::string(name), "the plugin is stopping"});
    if (threads_.size() >= kMaxThreads)
        throw Fault({Code::busy, "thread " + std::string(name),
                     "a plugin has at most " + std::to_string(kMaxThreads) + " threads"});
    threads_.emplace_back([this, name = std::string(name), work = std::move(work)] { this->work(name, work); });
}

void Instance::work(const std::string& name, const std::function<void(const std::atomic<bool>&)>& body) noexcept {
    pthread_setname_np(pthread_self(), name.substr(0, kThreadName).c_str());
    const auto error = contain([&] { body(stopping_); });
    if (!error)
        return;
    ++commons_.faults;
    const std::string text = "thread " + name + ": " + words(*error);
    log(Severity::error, text);
    const std::lock_guard lock(mutex_);
    if (threadFault_.empty())
        threadFault_ = text;
}

Result<int> Instance::listenSocket(const Address& address) {
    return commons_.sockets.open(this, judged_->name, judged_->kind == Kind::listener, address);
}

std::vector<Address> Instance::listening() const {
    return commons_.services.listening();
}

std::vector<LicensedHost> Instance::licensedHosts() const {
    return commons_.services.licensedHosts();
}

FrontAnswer Instance::serve(const FrontRequest& request) noexcept {
    if (judged_->kind == Kind::service)
        return commons_.services.serve(request);
    FrontAnswer denied;
    denied.status = 403;
    denied.contentType = "application/problem+json";
    denied.body = R"({"status":403,"code":"denied","detail":"only a front end may ask for operations"})";
    return denied;
}

Result<SecureUpdateOutcome> Instance::secureUpdate(const SecureUpdate& update) {
    return commons_.services.secureUpdate(update);
}

void Instance::closeListenSocket(const Address& address) noexcept {
    commons_.sockets.close(this, address);
}

void Instance::authority(Authority& authority) {
    registering("authority");
    if (judged_->kind != Kind::authority)
        throw Fault({Code::denied, "authority", "plugin " + judged_->name + " is of another kind"});
    if (authority_)
        throw Fault({Code::duplicate, "authority", "plugin " + judged_->name + " has registered one already"});
    commons_.mayDecide(judged_->name, authority.mode());
    authority_ = std::make_shared<GatedAuthority>(authority, gate_);
}

}  // namespace muster::plugins
