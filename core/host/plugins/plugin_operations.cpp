#include "host/plugins/plugin_host.h"

namespace muster::plugins {

namespace {

constexpr Field kName[] = {{.name = "name", .help = "The plugin's name, as plugin list shows it.", .required = true}};
constexpr Field kPlugin[] = {
    {.name = "name", .help = "The plugin's name.", .column = true},
    {.name = "version", .help = "As the plugin says; empty if it was not read.", .column = true},
    {.name = "kind",
     .help = "family, authority, listener, exporter, notifier, dns-provider, service; empty if it was not read.",
     .column = true},
    {.name = "state",
     .type = FieldType::choice,
     .help = "What has become of it.",
     .choices = "rejected|quarantined|failed|started|wedged|stopped",
     .column = true},
    {.name = "reason", .help = "Why it is in that state, and what to do.", .column = true},
    {.name = "file", .help = "Where it was found."},
    {.name = "buildId", .help = "What it was built with; empty for families."},
};
constexpr Field kChanges[] = {
    {.name = "changes", .type = FieldType::texts, .help = "One sentence per plugin that has changed.", .column = true},
};

Json toJson(const PluginStatus& status) {
    return json({{"name", status.name},
                 {"version", status.version},
                 {"kind", status.kind},
                 {"state", name(status.state)},
                 {"reason", status.reason},
                 {"file", status.file},
                 {"buildId", status.buildId}});
}

}  // namespace

Result<void> addPluginOperations(api::OperationTable& table, PluginHost& host) {
    auto added = table.add("core",
                           {.method = "GET",
                            .path = "/plugins",
                            .role = Role::viewer,
                            .support = true,
                            .cli = "plugin list",
                            .summary = "All plugins that were found, and what has become of them.",
                            .answer = kPlugin,
                            .list = true},
                           [&host](const Call&) -> Result<Reply> {
                               Json::Array items;
                               for (const PluginStatus& status : host.list())
                                   items.push_back(toJson(status));
                               return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
                           });
    if (!added)
        return added;
    added =
        table.add("core",
                  {.method = "POST",
                   .path = "/plugins/rescan",
                   .role = Role::admin,
                   .cli = "plugin rescan",
                   .summary = "Looks at the plugin directories again: stops what has gone, starts what is new, lets "
                              "what has changed take over.",
                   .answer = kChanges},
                  [&host](const Call&) -> Result<Reply> {
                      Json::Array changes;
                      for (std::string& change : host.rescan())
                          changes.emplace_back(std::move(change));
                      return Reply(json({{"changes", std::move(changes)}}));
                  });
    if (!added)
        return added;
    return table.add("core",
                     {.method = "POST",
                      .path = "/plugins/{name}/clear",
                      .role = Role::admin,
                      .cli = "plugin clear",
                      .summary = "Lets a plugin that is quarantined, failed or held back in safe mode try again, now.",
                      .path_ = kName,
                      .answer = kPlugin},
                     [&host](const Call& call) -> Result<Reply> {
                         const std::string name(call.text("name"));
                         if (auto cleared = host.clear(name); !cleared)
                             return fail(cleared.error());
                         for (const PluginStatus& status : host.list())
                             if (status.name == name)
                                 return Reply(toJson(status));
                         return Reply(Json(Json::Object{}));
                     });
}

}  // namespace muster::plugins
