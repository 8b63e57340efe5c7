#include "publish/plan.h"

#include <algorithm>
#include <utility>

namespace muster::publisher {

namespace {

using Change = PlanLine::Change;

bool contains(const std::vector<dns::Record>& records, const dns::Record& wanted) {
    return std::any_of(records.begin(), records.end(), [&](const dns::Record& one) { return same(one, wanted); });
}

/// Why one of our records goes, seen beside what comes for it.
std::string whyRemoved(const dns::Record& gone, const std::vector<dns::Record>& wanted) {
    if (gone.type != dns::Type::srv)
        return "no longer an address of ours";
    const auto next = std::find_if(wanted.begin(), wanted.end(), [&](const dns::Record& one) {
        return one.type == dns::Type::srv && one.name == gone.name;
    });
    if (next == wanted.end())
        return "withdrawn";
    std::string why;
    const auto note = [&](const char* what, const std::string& to) {
        why += (why.empty() ? "its " : ", its ") + std::string(what) + " changes to " + to;
    };
    if (next->service.target != gone.service.target)
        note("target", next->service.target);
    if (next->service.port != gone.service.port)
        note("port", std::to_string(next->service.port));
    if (next->service.priority != gone.service.priority)
        note("priority", std::to_string(next->service.priority));
    if (next->service.weight != gone.service.weight)
        note("weight", std::to_string(next->service.weight));
    return why.empty() ? "withdrawn" : why;
}

class Planner {
public:
    explicit Planner(const PlanInput& input) : input_(input) { plan_.update.zone = input.zone; }

    Plan run() {
        for (const Present& set : input_.present)
            take(set);
        return std::move(plan_);
    }

private:
    bool isOurs(const dns::Record& record) const {
        if (record.type == dns::Type::srv && record.name == input_.owner && !input_.target.empty() &&
            record.service.target == input_.target)
            return true;
        return contains(input_.remembered, record) || contains(input_.wanted, record);
    }

    void line(Change change, const dns::Record& record, bool ours, std::string why) {
        plan_.changes = plan_.changes || change != Change::stays;
        plan_.lines.push_back({change, record, ours, std::move(why)});
    }

    void take(const Present& set) {
        std::vector<dns::Record> wanted;
        for (const dns::Record& one : input_.wanted)
            if (one.name == set.name && one.type == set.type)
                wanted.push_back(one);
        const bool others =
            std::any_of(set.records.begin(), set.records.end(), [&](const dns::Record& one) { return !isOurs(one); });
        std::vector<dns::Record> going;
        std::vector<dns::Record> coming;
        for (const dns::Record& there : set.records) {
            const auto wish =
                std::find_if(wanted.begin(), wanted.end(), [&](const dns::Record& one) { return same(one, there); });
            if (wish != wanted.end())
                stays(there, *wish, others, going, coming);
            else if (!isOurs(there))
                line(Change::stays, there, false, "not ours");
            else if (contains(input_.shared, there))
                line(Change::stays, there, true, "another domain of ours wants it");
            else
                going.push_back(there);
        }
        for (const dns::Record& one : wanted)
            if (!contains(set.records, one))
                coming.push_back(one);
        for (const dns::Record& one : going)
            line(Change::removed, one, true, contains(wanted, one) ? "for another TTL" : whyRemoved(one, wanted));
        for (const dns::Record& one : coming)
            line(Change::added, one, true, contains(going, one) ? "with its new TTL" : "");
        const bool touched = !going.empty() || !coming.empty() || (input_.refresh && !wanted.empty());
        if (touched && set.type != dns::Type::srv)
            guard(set);
        plan_.update.remove.insert(plan_.update.remove.end(), going.begin(), going.end());
        if (input_.refresh || !coming.empty())
            for (const dns::Record& one : wanted)
                if (input_.refresh || contains(coming, one))
                    plan_.update.add.push_back(one);
        plan_.ours.insert(plan_.ours.end(), wanted.begin(), wanted.end());
    }

    /// A set has one TTL (RFC 2181 5.2): where others have records in it, theirs may go before ours. To change it back
    /// each time would be a quarrel without end.
    void stays(const dns::Record& there, const dns::Record& wish, bool others, std::vector<dns::Record>& going,
               std::vector<dns::Record>& coming) {
        if (there.ttl == wish.ttl || !input_.ttlCounts) {
            line(Change::stays, there, true, "ours");
        } else if (others) {
            line(Change::stays, there, true,
                 "ours; the TTL of the set is " + std::to_string(there.ttl.count()) + " s, others share it");
        } else {
            going.push_back(there);
            coming.push_back(wish);
        }
    }

    /// A host's name is not a list that anybody may join: if another machine takes it between reading and writing,
    /// its addresses must not get mixed with ours. (Nobody can lose an SRV record by our additions.)
    void guard(const Present& set) {
        using Kind = dns::Update::Prerequisite::Kind;
        plan_.update.prerequisites.push_back(
            {set.records.empty() ? Kind::rrsetMissing : Kind::rrsetIs, set.name, set.type, set.records});
    }

    const PlanInput& input_;
    Plan plan_;
};

}  // namespace

Plan makePlan(const PlanInput& input) {
    return Planner(input).run();
}

}  // namespace muster::publisher
