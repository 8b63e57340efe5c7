/// The certificate that is served: opened at the start, replaced by people, renewed by itself.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "muster/plugin.h"

#include "tls/certificate_store.h"
#include "tls/socket.h"

namespace muster::webui {

/// A box without a clock of its own wakes up in the past and jumps by years at its first NTP answer; one may have been
/// flashed long after its build. Whenever time moves, a certificate that the box made for itself follows, with the same
/// key; one that somebody uploaded is left alone, and people are told before it ends.
/// @thread any; blocks for the disk where something changes
class ServedCertificate {
public:
    /// What a person who asks for it reads.
    struct View {
        tls::Pair pair;
        std::string waiting;               ///< a request for another one, PEM; empty: none
        std::optional<Timestamp> renewal;  ///< when the box renews it; nothing: somebody uploaded it
    };
    using Change = std::function<Result<tls::Pair>(tls::CertificateStore&)>;

    /// @param directory  exists; for the certificate alone
    /// @param names      by which the box is called now
    /// @param built      the firmware's date: a clock before it is wrong
    /// @param now        the wall clock
    /// @error (Fault) malformed, storage  what is there cannot be used, or none can be made
    ServedCertificate(Host& host, std::string directory, std::function<tls::Names()> names, Timestamp built,
                      std::function<Timestamp()> now = wallNow);

    const std::shared_ptr<tls::CurrentContext>& context() const noexcept { return context_; }
    std::string fingerprint() const;
    tls::Names names() const { return names_(); }
    Timestamp now() const { return now_(); }
    /// From when a new one of the box's own is to be good.
    Timestamp beginOfOwn() const;

    Result<View> view();
    /// Somebody's change: what comes of it is served to whoever connects from then on.
    /// @param who  Caller::name
    Result<View> change(const std::string& who, const Change& how);
    /// As tls::CertificateStore::request().
    Result<std::string> request(const tls::Names& names) { return store_.request(names); }
    /// Looks whether it is to be renewed and what is wrong with it; costs nothing while neither is so.
    void look();

private:
    Result<void> serve(const tls::Pair& pair);
    View viewOf(tls::Pair pair) const;
    bool renewed(Timestamp now);
    std::string troubleAt(Timestamp now) const;
    void tell(std::string trouble);

    Host& host_;
    tls::CertificateStore store_;
    const std::function<tls::Names()> names_;
    const Timestamp built_;
    const std::function<Timestamp()> now_;
    std::shared_ptr<tls::CurrentContext> context_;

    mutable std::mutex mutex_;  ///< one change at a time, so that what is served is what stands on the disk
    tls::Description served_;
    bool own_ = false;
    Monotonic retry_{};    ///< no renewal before; one that failed is not tried at once
    std::string failure_;  ///< of the last renewal; empty: it did not fail
    std::string told_;     ///< the trouble that people know of
};

}  // namespace muster::webui
