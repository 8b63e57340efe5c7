/// One attempt to make DNS say what one domain wants: find the zones, read, plan, send, read back everywhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "publish/ledger.h"
#include "publish/outside.h"
#include "publish/plan.h"
#include "publish/wish.h"
#include "publish/zones.h"

namespace muster::publisher {

/// What one name server says of the names in question.
struct ReadBack {
    std::string server;  ///< NameServer::text()
    bool primary = false;
    bool agrees = false;               ///< it has all that is to be there, and nothing of ours that is not
    std::string problem;               ///< why it could not be read, or what differs; empty: it agrees
    std::vector<dns::Record> records;  ///< what it has at those names
};

/// One zone of an attempt.
struct ZoneReport {
    std::string zone;    ///< its apex; empty: not found
    std::string server;  ///< NameServer::text() of the primary
    std::string note;    ///< Zone::note
    Credentials credentials;
    Plan plan;             ///< what there was to do
    bool planned = false;  ///< `plan` holds
    bool sent = false;
    std::optional<UpdateVerdict> verdict;  ///< of the update that was sent last
    std::optional<Trouble> trouble;        ///< why it is not done
    std::string remark;                    ///< done, and yet: "the reply's signature could not be verified, …"
    std::vector<ReadBack> views;           ///< after it; the primary first

    bool done() const noexcept { return !trouble; }
};

struct Report {
    std::vector<ZoneReport> zones;  ///< the one of _vlmcs._tcp first, where there is one

    /// The first that went wrong; nullptr: none.
    const ZoneReport* failed() const noexcept;
    bool changes() const noexcept;
    bool sent() const noexcept;
    /// Name servers that do not agree though the primary does: secondaries that lag, or cannot be asked.
    std::vector<const ReadBack*> behind() const;
};

struct Task {
    std::string domain;
    std::optional<Wish> wish;  ///< nothing: no setting speaks of it any more, the ledger alone tells where ours are
    bool absent = false;       ///< all that is ours is to go
    std::vector<dns::Record> shared;  ///< what other domains of ours want: not removed
    bool refresh = true;              ///< add anew what stands already
};

/// @thread one task of a domain at a time; blocks
class Attempt {
public:
    Attempt(Outside& outside, Ledger& ledger, const dns::Stopped& stopped)
        : outside_(outside), ledger_(ledger), stopped_(stopped) {}

    /// Writes.
    Report carryOut(const Task& task);
    /// Reads the primary alone, and says what carryOut() would do.
    Report preview(const Task& task);
    /// Reads every name server.
    Report verify(const Task& task);

private:
    struct Part;
    std::vector<Part> partsOf(const Task& task);
    void addPart(std::vector<Part>& parts, const Task& task, const std::string& name, const std::string& zone,
                 const std::string& server, const Credentials& credentials);
    bool readAndPlan(Part& part, const Task& task, bool refresh);
    void write(Part& part, const Task& task);
    void settle(Part& part, const UpdateVerdict& verdict);
    void readBack(Part& part);
    void remember(Part& part, const Task& task, bool alsoBefore);
    /// An address that answers comes to the front: updates go there, too.
    tl::expected<Present, Trouble> look(NameServer& server, const std::string& name, dns::Type type);
    static Report report(std::vector<Part> parts);

    Outside& outside_;
    Ledger& ledger_;
    const dns::Stopped& stopped_;
};

}  // namespace muster::publisher
