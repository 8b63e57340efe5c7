#include "host/daemon/box_operations.h"

namespace muster::daemon {

namespace {

struct OfTheBox {
    const char* method;
    const char* path;
    const char* what;     ///< "the network settings"
    const char* instead;  ///< what a person does on a host like this one
    const char* summary;
};

constexpr OfTheBox kOfTheBox[] = {
    {"GET", "/network", "the network settings", "look at them with this system's own tools",
     "The box's addresses and names."},
    {"PUT", "/network", "the network settings", "change them with this system's own tools",
     "Changes the box's addresses; without a word within 90 s it goes back."},
    {"GET", "/time", "the clock's settings", "look at them with timedatectl",
     "The box's clock and where it gets its time."},
    {"PUT", "/time", "the clock's settings", "change them with timedatectl", "Sets where the box gets its time."},
    {"GET", "/slots", "firmware slots", "see the package manager for what is installed", "The two systems on the box."},
    {"POST", "/update", "firmware updates", "update the package", "Installs a firmware update."},
    {"POST", "/reset", "a reset to factory settings", "stop the daemon and remove its state directory",
     "Makes the box as new."},
};

}  // namespace

Result<void> addBoxOperations(api::OperationTable& table) {
    for (const OfTheBox& one : kOfTheBox) {
        Operation operation{.method = one.method, .path = one.path, .role = Role::admin, .summary = one.summary};
        operation.changes = false;
        if (auto added = table.add("core", operation,
                                   [&one](const Call&) -> Result<Reply> {
                                       return fail(Code::missing, one.what,
                                                   std::string("not offered by this host, which is no Muster box; ") +
                                                       one.instead);
                                   });
            !added)
            return added;
    }
    return {};
}

}  // namespace muster::daemon
