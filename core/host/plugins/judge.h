/// Whether an opened library is a plugin or a family that this core can take. Every sentence of refusal is made here;
/// no function of the plugin is called, and only the frozen prefix is trusted until it has passed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "muster/event.h"
#include "muster/plugin.h"
#include "muster/result.h"
#include "muster/schema.h"

#include "host/plugins/library.h"

namespace muster::plugins {

/// A C++ plugin that was judged fit. Texts are copies.
struct JudgedPlugin {
    std::shared_ptr<const Library> library;
    const PluginDescriptor* descriptor = nullptr;
    std::string name;
    std::string version;
    std::string buildId;
    std::vector<std::string> needs;
    Kind kind = Kind::service;
    Fields settings;
    std::span<const EventSpec> events;
};

/// A family that was judged fit: every pointer of the table leads into its library, every count is what is there.
struct JudgedFamily {
    const muster_family* table = nullptr;
    std::string version;
};

/// "authority", "listener", "exporter", "notifier", "dns-provider", "service"
const char* name(Kind kind) noexcept;

/// @param file     for the sentence
/// @param name     what the file's name says: "dns-cloud" for dns-cloud.so
/// @param buildId  the core's own
/// @error malformed     no descriptor, another name, texts or pointers that lead nowhere
/// @error incompatible  abi, size or build id; the detail has both values and the remedy
Result<JudgedPlugin> judgePlugin(std::shared_ptr<const Library> library, const std::string& file,
                                 const std::string& name, const std::string& buildId);

/// @param name  what the file's name says after "family-": "win7-2008r2"
/// @error malformed, incompatible  as above
Result<JudgedFamily> judgeFamily(const Library& library, const std::string& file, const std::string& name);

}  // namespace muster::plugins
