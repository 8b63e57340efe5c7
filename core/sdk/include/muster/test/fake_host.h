/// A host for one plugin under test, complete and in one thread:
///
///     TEST_GROUP(Heartbeat) {
///         muster::test::FakeHost host;
///         muster::test::Running plugin{muster_plugin_heartbeat, host};
///     };
///     TEST(Heartbeat, refusesAGreetingLongerThanAProbeLine) {
///         host.settings["greeting"] = std::string(65, 'x');
///         CHECK_THROWS(muster::Fault, plugin.start());
///     }
///
/// A test file names the plugin once: MUSTER_PLUGIN_UNDER_TEST(heartbeat);
#pragma once

#include <arpa/inet.h>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "muster/plugin.h"
#include "muster/test/fakes.h"
#include "muster/test/fallback.h"
#include "muster/test/manual_reactor.h"

#define MUSTER_PLUGIN_UNDER_TEST(symbol) extern "C" const ::muster::PluginDescriptor muster_plugin_##symbol

namespace muster::test {

class FakeHost final : public Host {
public:
    struct Line {
        Severity severity;
        std::string text;
    };
    struct Event {
        std::uint32_t id;
        Json fields;
    };
    struct Changed {
        std::vector<SettingEdit> edits;
        std::string author;
        std::string comment;
    };
    struct Registered {
        Operation operation;
        Handler handler;
    };

    explicit FakeHost(unsigned reactors = 1) {
        for (unsigned i = 0; i < reactors; ++i)
            reactors_.push_back(std::make_unique<ManualReactor>(i));
    }
    ~FakeHost() override {
        joinThreads();
        for (const auto& [address, fd] : sockets_)
            close(fd);
        if (!state_.empty()) {
            std::error_code ignored;
            std::filesystem::remove_all(state_, ignored);
        }
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;

    // --- set before start()
    std::map<std::string, SettingValue, std::less<>> settings;  ///< goes before the schema's default
    Mode present = Mode::lab;

    std::map<std::string, std::string, std::less<>> fixed;  ///< what settingFixed() says: by key
    std::vector<LicensedHost> licensed;                     ///< what licensedHosts() says
    std::optional<Error> refuseChanges;                     ///< what changeSettings() ends in

    /// What serve() answers; unset: nothing is found. On the caller's thread
    std::function<FrontAnswer(const FrontRequest&)> serves;
    /// What secureUpdate() does; unset: this host offers none. On the caller's thread
    std::function<Result<SecureUpdateOutcome>(const SecureUpdate&)> secureUpdates;

    // --- what stands in for the services
    FakeFamilies fakeFamilies;
    FakePool fakePool;
    FakeDispatcher fakeDispatcher;
    ManualReactor& manual(unsigned index = 0) { return *reactors_.at(index); }

    // --- what the plugin did
    std::vector<Registered> operations;
    std::vector<Authority*> authorities;
    std::vector<Changed> changes;  ///< by changeSettings()

    /// Tells the plugin of changes of its own, as the daemon does soon after them. False: there was nothing to tell.
    bool tellChanges() {
        if (!std::exchange(untold_, false) || plugin_ == nullptr)
            return false;
        plugin_->settingsChanged();
        return true;
    }

    std::vector<Line> logged() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::vector<Event> events() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }
    /// What was written to the audit log by audit().
    std::vector<AuditNote> audited() const {
        const std::lock_guard lock(mutex_);
        return notes_;
    }
    /// What the plugin says is wrong now.
    std::vector<std::string> troubled() const {
        const std::lock_guard lock(mutex_);
        return troubles_;
    }
    /// How many events of that id were raised.
    std::size_t raised(std::uint32_t id) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(
            std::count_if(events_.begin(), events_.end(), [&](const Event& event) { return event.id == id; }));
    }
    /// The value of a counter or gauge. @error missing (Fault) the plugin has registered none of that name
    std::int64_t number(std::string_view name) const {
        const std::lock_guard lock(mutex_);
        if (const auto counter = counters_.find(name); counter != counters_.end())
            return static_cast<std::int64_t>(counter->second->value());
        if (const auto gauge = gauges_.find(name); gauge != gauges_.end())
            return gauge->second->value();
        throw Fault({Code::missing, "metric " + std::string(name), "the plugin has registered none of that name"});
    }
    /// Texts of exceptions that came out of the plugin's threads.
    std::vector<std::string> threadFaults() const {
        const std::lock_guard lock(mutex_);
        return threadFaults_;
    }
    /// The bound address of the socket that was asked for as `wanted`: with the port that the system chose.
    Address bound(std::size_t index = 0) const {
        const std::lock_guard lock(mutex_);
        return localAddress(sockets_.at(index).second);
    }

    /// Calls an operation as a front end does: `params` go to the path, to the query, or to the body, by their names;
    /// what the query leaves out has its default. A Fault of the handler comes back as its Error.
    /// @param path  with values in it ("/clients/{cmid}" as "/clients/55c9…"), or as registered, values in `params`
    /// @error missing  no such operation
    Result<Reply> call(std::string_view method, std::string_view path, const Json& params = {},
                       Role role = Role::admin) {
        for (const Registered& registered : operations) {
            Call call;
            call.caller = {"test", role, "control"};
            call.path = Json(Json::Object{});
            call.query = Json(Json::Object{});
            if (registered.operation.method != method || !matches(registered.operation.path, path, params, call.path))
                continue;
            distribute(registered.operation, params, call);
            try {
                return registered.handler(call);
            } catch (const Fault& fault) {
                return fail(fault.error());
            }
        }
        return fail(Code::missing, std::string(method) + " " + std::string(path), "no such operation");
    }

    /// Turns all reactors until `condition` holds; false: it did not within `limit`.
    template <class Condition>
    bool runUntil(Condition&& condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end)
                return false;
            for (const auto& reactor : reactors_)
                reactor->turn(std::chrono::milliseconds(reactors_.size() == 1 ? 5 : 1));
        }
        return true;
    }

    /// What Running sets: schema and name of the plugin.
    void adopt(const PluginDescriptor& descriptor) { descriptor_ = &descriptor; }
    void running(Plugin* plugin) noexcept { plugin_ = plugin; }
    void stopThreads() noexcept { stopping_ = true; }
    /// A thread that waits for a reactor gets it, as it does in the daemon: reactors turn until all threads have ended.
    void joinThreads() noexcept {
        stopping_ = true;
        while (threadsInside_ > 0)
            for (const auto& reactor : reactors_)
                reactor->turn(std::chrono::milliseconds(1));
        for (std::thread& thread : threads_)
            thread.join();
        threads_.clear();
    }

    // --- Host

    std::string_view name() const noexcept override { return descriptor_ ? descriptor_->name : "test"; }
    Mode mode() const noexcept override { return present; }
    std::string stateDirectory() override { return directory(present == Mode::lab); }
    std::string sharedDirectory() override { return directory(false); }

    std::optional<SettingValue> settingValue(std::string_view key) const override {
        const auto set = settings.find(key);
        if (descriptor_)
            for (const Field& field : descriptor_->settings) {
                if (key == field.name && set != settings.end())
                    return filledIn(field, set->second);
                if (key == field.name && field.fallback)
                    return fallbackValue(field);
            }
        return set == settings.end() ? std::nullopt : std::optional(set->second);
    }

    /// What the plugin has set is checked for its key alone, and read back as it is; of text, what fallbackValue()
    /// reads.
    Result<std::uint32_t> changeSettings(const std::vector<SettingEdit>& edits, std::string_view author,
                                         std::string_view comment) override {
        if (refuseChanges)
            return fail(*refuseChanges);
        std::map<std::string, SettingValue, std::less<>> fresh = settings;
        for (const SettingEdit& edit : edits) {
            const Field* field = nullptr;
            for (std::size_t i = 0; descriptor_ && i < descriptor_->settings.size(); ++i)
                if (edit.key == descriptor_->settings[i].name)
                    field = &descriptor_->settings[i];
            if (!field)
                return fail(Code::malformed, edit.key, "an unknown key");
            if (const std::string reason = settingFixed(edit.key); !reason.empty())
                return fail(Code::denied, edit.key, "is fixed by the " + reason);
            if (edit.value)
                fresh[edit.key] = typed(*field, *edit.value);
            else
                fresh.erase(edit.key);
        }
        settings = std::move(fresh);
        changes.push_back({edits, std::string(author), std::string(comment)});
        untold_ = true;
        return static_cast<std::uint32_t>(changes.size() + 1);
    }
    std::string settingFixed(std::string_view key) const override {
        const auto found = fixed.find(key);
        return found == fixed.end() ? std::string() : found->second;
    }

    void log(Severity severity, std::string_view text) override {
        const std::lock_guard lock(mutex_);
        lines_.push_back({severity, std::string(text)});
    }
    void event(std::uint32_t id, Json fields) override {
        const std::lock_guard lock(mutex_);
        events_.push_back({id, std::move(fields)});
    }

    void audit(AuditNote note) override {
        const std::lock_guard lock(mutex_);
        notes_.push_back(std::move(note));
    }
    void troubles(std::vector<std::string> lines) override {
        const std::lock_guard lock(mutex_);
        troubles_ = std::move(lines);
    }
    FrontAnswer serve(const FrontRequest& request) noexcept override {
        if (serves)
            return serves(request);
        FrontAnswer answer;
        answer.status = 404;
        answer.contentType = "application/problem+json";
        answer.body = R"({"status":404})";
        return answer;
    }
    Result<SecureUpdateOutcome> secureUpdate(const SecureUpdate& update) override {
        if (secureUpdates)
            return secureUpdates(update);
        return fail(Code::missing, "secure update of zone " + update.zone, "this host offers no GSS-TSIG");
    }

    Counter& counter(std::string_view name, std::string_view) override {
        const std::lock_guard lock(mutex_);
        return made(counters_, name);
    }
    Gauge& gauge(std::string_view name, std::string_view) override {
        const std::lock_guard lock(mutex_);
        return made(gauges_, name);
    }

    void operation(const Operation& operation, Handler handler) override {
        for (const Registered& registered : operations)
            if (registered.operation.method == operation.method && registered.operation.path == operation.path)
                throw Fault({Code::duplicate, std::string(operation.method) + " " + std::string(operation.path),
                             "registered twice"});
        operations.push_back({operation, std::move(handler)});
    }

    unsigned reactorCount() const noexcept override { return static_cast<unsigned>(reactors_.size()); }
    Reactor& reactor(unsigned index) noexcept override { return *reactors_[index]; }
    Dispatcher& dispatcher() noexcept override { return fakeDispatcher; }
    Families& families() noexcept override { return fakeFamilies; }
    Pool& pool() noexcept override { return fakePool; }

    /// On the test's thread the work is done at once; from a thread of the plugin's it waits for the test to turn.
    void onReactors(const std::function<void(Reactor&)>& work) override {
        for (const auto& reactor : reactors_) {
            if (reactor->here()) {
                work(*reactor);
                continue;
            }
            std::mutex mutex;
            std::condition_variable done;
            bool ready = false;
            reactor->post([&] {
                work(*reactor);
                const std::lock_guard lock(mutex);
                ready = true;
                done.notify_one();
            });
            std::unique_lock lock(mutex);
            done.wait(lock, [&] { return ready; });
        }
    }

    void thread(std::string_view name, std::function<void(const std::atomic<bool>&)> work) override {
        ++threadsInside_;
        threads_.emplace_back([this, work = std::move(work), name = std::string(name)] {
            struct Leaving {
                std::atomic<int>& inside;
                ~Leaving() { --inside; }
            } const leaving{threadsInside_};
            std::string text;
            try {
                work(stopping_);
                return;
            } catch (const std::exception& exception) {
                text = exception.what();
            } catch (...) {
                text = "an exception that is no std::exception";
            }
            const std::lock_guard lock(mutex_);
            threadFaults_.push_back(name + ": " + text);
        });
    }

    /// Port 0 gives a free one; bound() tells which.
    Result<int> listenSocket(const Address& address) override {
        const int fd = socket(address.isV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return fail(Code::missing, address.text(), std::generic_category().message(errno));
        const int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_storage storage{};
        socklen_t size = sizeof(sockaddr_in);
        if (address.isV4()) {
            auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
            v4->sin_family = AF_INET;
            v4->sin_port = htons(address.port);
            std::memcpy(&v4->sin_addr, address.octets.data() + 12, 4);
        } else {
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
            auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons(address.port);
            v6->sin6_scope_id = address.scopeId;
            std::memcpy(&v6->sin6_addr, address.octets.data(), 16);
            size = sizeof(sockaddr_in6);
        }
        if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0 || listen(fd, 1024) != 0) {
            const int problem = errno;
            close(fd);
            return fail(problem == EADDRINUSE ? Code::duplicate
                        : problem == EACCES   ? Code::denied
                                              : Code::missing,
                        address.text(), std::generic_category().message(problem));
        }
        const std::lock_guard lock(mutex_);
        sockets_.emplace_back(address, fd);
        return fd;
    }
    std::vector<LicensedHost> licensedHosts() const override { return licensed; }
    std::vector<Address> listening() const override {
        std::vector<Address> addresses;
        const std::lock_guard lock(mutex_);
        for (const auto& [wanted, fd] : sockets_)
            addresses.push_back(localAddress(fd));
        return addresses;
    }
    void closeListenSocket(const Address& address) noexcept override {
        const std::lock_guard lock(mutex_);
        for (auto it = sockets_.begin(); it != sockets_.end(); ++it)
            if (it->first == address || localAddress(it->second) == address) {
                close(it->second);
                sockets_.erase(it);
                return;
            }
    }
    void authority(Authority& authority) override { authorities.push_back(&authority); }

private:
    template <class T>
    static T& made(std::map<std::string, std::unique_ptr<T>, std::less<>>& kept, std::string_view name) {
        auto& slot = kept[std::string(name)];
        if (!slot)
            slot = std::make_unique<T>();
        return *slot;
    }

    static Address localAddress(int fd) noexcept {
        Address address;
        sockaddr_storage storage{};
        socklen_t size = sizeof storage;
        if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
            return address;
        if (storage.ss_family == AF_INET) {
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
            address.octets[10] = address.octets[11] = 0xff;
            std::memcpy(address.octets.data() + 12, &v4->sin_addr, 4);
            address.port = ntohs(v4->sin_port);
        } else {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
            std::memcpy(address.octets.data(), &v6->sin6_addr, 16);
            address.port = ntohs(v6->sin6_port);
            address.scopeId = v6->sin6_scope_id;
        }
        return address;
    }

    static std::string_view part(std::string_view& path) noexcept {
        path.remove_prefix(std::min<std::size_t>(1, path.size()));  // the slash
        const std::string_view out = path.substr(0, path.find('/'));
        path.remove_prefix(out.size());
        return out;
    }
    /// Fills `values` with the {…} parts of `pattern`, taken from `path`, or from `params` where `path` has them too.
    static bool matches(std::string_view pattern, std::string_view path, const Json& params, Json& values) {
        while (!pattern.empty() && !path.empty()) {
            const std::string_view wanted = part(pattern);
            const std::string_view given = part(path);
            if (wanted.size() > 2 && wanted.front() == '{' && wanted.back() == '}') {
                const std::string_view key = wanted.substr(1, wanted.size() - 2);
                const Json* param = given == wanted ? params.find(key) : nullptr;
                values.set(key, param ? *param : Json(given));
            } else if (wanted != given) {
                return false;
            }
        }
        return pattern.empty() && path.empty();
    }
    static void distribute(const Operation& operation, const Json& params, Call& call) {
        for (const Field& field : operation.query)
            if (const Json* param = params.find(field.name))
                call.query.set(field.name, *param);
            else if (field.fallback)
                call.query.set(field.name, fallbackJson(field));
        if (const Json::Object* members = params.object())
            for (const auto& [key, value] : *members)
                if (!call.path.find(key) && !call.query.find(key))
                    call.body.set(key, value);
    }
    static Json fallbackJson(const Field& field) {
        const SettingValue value = fallbackValue(field);
        if (const auto* number = std::get_if<std::int64_t>(&value))
            return Json(*number);
        if (const auto* flag = std::get_if<bool>(&value))
            return Json(*flag);
        if (const auto* text = std::get_if<std::string>(&value))
            return Json(*text);
        Json out{Json::Array{}};
        if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
            for (const std::string& item : *texts)
                out.push(item);
        if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value))
            for (const std::int64_t item : *numbers)
                out.push(item);
        return out;
    }
    static SettingValue typed(const Field& field, const SettingValue& value) {
        const auto* text = std::get_if<std::string>(&value);
        if (!text || field.type == FieldType::objects)
            return value;
        Field wanted = field;
        wanted.fallback = text->c_str();
        return fallbackValue(wanted);
    }
    /// Objects as the daemon gives them: members in the order of the schema, absent ones with their defaults.
    static SettingValue filledIn(const Field& field, SettingValue value) {
        auto* objects = std::get_if<std::vector<Json>>(&value);
        for (std::size_t i = 0; objects != nullptr && i < objects->size(); ++i) {
            Json whole{Json::Object{}};
            for (const Field& member : field.fields)
                if (const Json* given = (*objects)[i].find(member.name))
                    whole.set(member.name, *given);
                else if (member.fallback)
                    whole.set(member.name, fallbackJson(member));
            (*objects)[i] = std::move(whole);
        }
        return value;
    }

    const PluginDescriptor* descriptor_ = nullptr;
    Plugin* plugin_ = nullptr;
    bool untold_ = false;
    std::vector<std::unique_ptr<ManualReactor>> reactors_;
    /// As the daemon has it: STATE/NAME, in lab mode STATE/lab/NAME.
    std::string directory(bool ofLab) {
        if (state_.empty()) {
            std::string pattern = (std::filesystem::temp_directory_path() / "muster-test-XXXXXX").string();
            if (!mkdtemp(pattern.data()))
                throw Fault({Code::storage, pattern, std::generic_category().message(errno)});
            state_ = pattern;
        }
        std::filesystem::path own(state_);
        if (ofLab)
            own /= "lab";
        own /= name();
        std::filesystem::create_directories(own);
        std::filesystem::permissions(own, std::filesystem::perms::owner_all);
        return own.string();
    }

    std::string state_;
    std::vector<std::thread> threads_;
    std::atomic<bool> stopping_{false};
    std::atomic<int> threadsInside_{0};

    mutable std::mutex mutex_;  // plugins' threads log and count, too
    std::vector<Line> lines_;
    std::vector<Event> events_;
    std::vector<AuditNote> notes_;
    std::vector<std::string> troubles_;
    std::vector<std::string> threadFaults_;
    std::map<std::string, std::unique_ptr<Counter>, std::less<>> counters_;
    std::map<std::string, std::unique_ptr<Gauge>, std::less<>> gauges_;
    std::vector<std::pair<Address, int>> sockets_;
};

/// A plugin on a FakeHost, from create to destroy, in the order in which the host does it.
class Running {
public:
    Running(const PluginDescriptor& descriptor, FakeHost& host) : descriptor_(descriptor), host_(host) {
        host_.adopt(descriptor_);
    }
    ~Running() { stop(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    /// create() and start(); what they throw passes, after the plugin has been stopped and destroyed.
    void start() {
        plugin_ = descriptor_.create(host_);
        host_.running(plugin_);
        try {
            plugin_->start();
        } catch (...) {
            stop();
            throw;
        }
    }
    /// Takes the registrations away, stops, joins the plugin's threads, destroys. A second call does nothing.
    void stop() noexcept {
        if (!plugin_)
            return;
        host_.operations.clear();
        host_.authorities.clear();
        host_.stopThreads();
        host_.running(nullptr);
        plugin_->stop();
        host_.joinThreads();
        descriptor_.destroy(std::exchange(plugin_, nullptr));
    }
    Plugin* operator->() const noexcept { return plugin_; }

private:
    const PluginDescriptor& descriptor_;
    FakeHost& host_;
    Plugin* plugin_ = nullptr;
};

}  // namespace muster::test
