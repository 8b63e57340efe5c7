#include "learned_keeper.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "muster/private_file.h"

#include "learned_file.h"

namespace muster::relay {

LearnedKeeper::LearnedKeeper(Learned& learned, std::string path, Log log)
    : learned_(learned), path_(std::move(path)), log_(std::move(log)) {}

void LearnedKeeper::load() {
    const auto content = readPrivateFile(path_, kMaxLearnedFile);
    std::string problem;
    if (!content) {
        if (content.error().code != Code::missing)
            problem = content.error().text();
    } else if (auto kept = decodeLearned(*content)) {
        learned_.restore(std::move(*kept));
    } else {
        problem = kept.error().text();
    }
    kept_ = learned_.marks();
    if (problem.empty())
        return;
    const std::string aside = path_ + ".damaged";
    problem += std::rename(path_.c_str(), aside.c_str()) == 0
                   ? "; it is kept as " + aside
                   : "; and it cannot be renamed: " + std::generic_category().message(errno);
    log_(Severity::warning, "What was learnt about the upstreams is not read, learning begins anew: " + problem + ".");
}

bool LearnedKeeper::due(const LearnedUpstream::Marks& kept, const LearnedUpstream::Marks& now,
                        std::chrono::steady_clock::duration since) noexcept {
    return (now.news != kept.news && since >= kNews) || (now.exchanges != kept.exchanges && since >= kNumbers);
}

bool LearnedKeeper::save() {
    const LearnedUpstream::Marks now = learned_.marks();
    if (now.news == kept_.news && now.exchanges == kept_.exchanges)
        return true;
    std::vector<Learned::Named> upstreams = learned_.snapshot();
    Timestamp latest{};
    for (const Learned::Named& each : upstreams)
        latest = std::max(latest, each.knowledge.last);
    upstreams.erase(std::remove_if(upstreams.begin(), upstreams.end(),
                                   [&](const Learned::Named& each) {
                                       return each.knowledge.since == Timestamp{} ||
                                              latest - each.knowledge.last > kSilence;
                                   }),
                    upstreams.end());
    if (const auto written = writePrivateFile(path_, encodeLearned(std::move(upstreams))); !written) {
        std::string trouble = written.error().text();
        if (trouble != trouble_)
            log_(Severity::warning, "What was learnt about the upstreams is not kept: " + trouble + ".");
        trouble_ = std::move(trouble);
        return false;
    }
    kept_ = now;
    trouble_.clear();
    return true;
}

void LearnedKeeper::run(const std::atomic<bool>& stopping) {
    auto tried = std::chrono::steady_clock::now();
    while (signal_.sleep(kNews, stopping)) {
        const auto now = std::chrono::steady_clock::now();
        if (!due(kept_, learned_.marks(), now - tried))
            continue;
        tried = now;
        (void)save();
    }
    (void)save();
}

}  // namespace muster::relay
