/// One upstream as one reactor reaches it: its associations, and the requests that wait for one.
/// @thread its reactor's
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "muster/reactor.h"

#include "association.h"
#include "passage.h"
#include "roster.h"

namespace muster::relay {

/// What bounds a channel.
struct ChannelTerms {
    std::size_t associations = 64;               ///< at most so many at once
    std::chrono::milliseconds connect{2000};     ///< to connect and bind
    std::chrono::milliseconds slowStart{10000};  ///< after its return, until all associations may be used
};

class Channel final : private Association::Owner {
public:
    class Owner {
    public:
        /// The call of `passage` has ended; it is nobody's now. False: the association is not to be used again.
        virtual bool ended(Passage& passage, const Entry& entry, const Association::Report& report) noexcept = 0;
        /// No association can be had: `passage` has to go elsewhere.
        virtual void turnedAway(Passage& passage, const Entry& entry, const Association::Report& report) noexcept = 0;
        virtual void reached(const Entry& entry) noexcept = 0;
        virtual void notReached(const Entry& entry, const Association::Report& report) noexcept = 0;

    protected:
        ~Owner() = default;
    };

    Channel(Reactor& reactor, Owner& owner, Entry entry, const ChannelTerms& terms);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    const Entry& entry() const noexcept { return entry_; }
    /// The same upstream with other particulars. Associations to addresses that it no longer has go when idle.
    void adopt(Entry entry, const ChannelTerms& terms);
    /// Not wanted any more: gone() as soon as nobody is under way.
    void retire() noexcept;
    bool gone() const noexcept { return retired_ && busy_ == 0 && waiting_.empty() && opening_.empty(); }

    /// Takes the request to the host as soon as an association is free. False: there is no way to it at all.
    /// The owner may be called before this returns.
    bool submit(Passage& passage) noexcept;
    /// Takes it back: its call, if it was sent, is given up with its association.
    void abandon(Passage& passage) noexcept;

    /// Ends what took too long to open, closes what was idle too long, uses what slow start now allows.
    void tick(Monotonic now) noexcept;
    /// Something here has a time limit soon.
    bool restless() const noexcept { return !opening_.empty() || !waiting_.empty(); }
    bool hasAssociations() const noexcept { return !idle_.empty() || busy_ != 0 || !opening_.empty(); }
    void closeIdle() noexcept;

    /// Windows drops an idle association after about 30 s: it is closed here a little before.
    /// @source docs/kms.md, "Transport"
    static constexpr std::chrono::seconds kIdle{25};

private:
    void opened(Association& association) noexcept override;
    void notOpened(Association& association, const Association::Report& report) noexcept override;
    void ended(Association& association, const Association::Report& report) noexcept override;
    void dropped(Association& association) noexcept override;

    void pump() noexcept;
    bool openOne() noexcept;
    void carry(Association& association, Passage& passage) noexcept;
    void rest(Association& association) noexcept;
    void discard(Association& association) noexcept;
    void forgetOpening(Association& association) noexcept;
    bool stillListed(const Address& address) const noexcept;
    std::size_t limit() const noexcept;
    std::size_t alive() const noexcept { return idle_.size() + busy_ + opening_.size(); }

    Reactor& reactor_;
    Owner& owner_;
    Entry entry_;
    ChannelTerms terms_;
    bool retired_ = false;
    std::vector<std::unique_ptr<Association>> all_;
    std::vector<Association*> spare_;    // closed
    std::vector<Association*> idle_;     // longest idle first
    std::vector<Association*> opening_;  //
    std::size_t busy_ = 0;
    std::size_t preferred_ = 0;  // index of the address that worked last
    std::deque<Passage*> waiting_;
};

}  // namespace muster::relay
