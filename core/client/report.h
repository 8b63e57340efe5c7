/// What muster-client prints: a line for each event in slmgr's words, the event log's own lines when asked for, a word
/// now and then on long runs, a summary.
#pragma once

#include <cstdio>
#include <string>
#include <unordered_map>

#include "client/simulation.h"

namespace muster::client {

enum class Detail : std::uint8_t {
    quiet,    ///< progress and summary only
    normal,   ///< one line per event
    verbose,  ///< and events 12288 and 12289 as Windows logs them
};

/// "PC-001  Windows 7 Enterprise  refused: 0xC004F038 The computer could not be activated. …  (count 1, needs 25)"
std::string line(const Event& event);
/// The Info part of event 12288: "0xC004F06C, 0x00000000, kms:1688, CMID, 2010/09/29 17:52, 0, 2, 41760, ActID, 5"
std::string info12288(const Event& event);
/// The Info part of event 12289: "0x00000000, 0x04000000, 0, 0, 4, 120, 10080, 2010/09/29 17:52"
std::string info12289(const Event& event);

class Report final : public Listener {
public:
    Report(std::FILE* out, Detail detail) : out_(out), detail_(detail) {}

    void onEvent(const Event& event) override;
    void onProgress(const Progress& progress) override;
    /// The last lines: how many are activated, and what kept the others, by code.
    void summary(const Simulation& simulation, bool all);

private:
    std::FILE* out_;
    Detail detail_;
    std::unordered_map<const WindowsClient*, HResult> waiting_;  ///< what slmgr shows on those that failed last time
};

}  // namespace muster::client
