/// The certificate on disk: the one that is served, the one before it, and a request that waits for its answer.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"
#include "muster/types.h"

#include "tls/certificate.h"

namespace muster::tls {

/// Key and chain stand in one file of mode 0600, so that no crash leaves a key beside the certificate of another:
/// certificate.pem, certificate-before.pem; request.pem holds a request with its key. A first line says of a
/// certificate that the box made it.
/// @thread any; blocks for the disk
class CertificateStore {
public:
    /// @param directory  exists; nobody else writes in it
    explicit CertificateStore(std::string directory);

    /// What is to be served; made now where there is none yet. @param made  whether it was
    /// @error malformed  what stands there is no key with its chain: nothing is changed, renew() does
    /// @error storage    with the system's words
    Result<Pair> open(const Names& names, Timestamp notBefore, bool& made);
    Result<Pair> open(const Names& names, Timestamp notBefore) {
        bool made = false;
        return open(names, notBefore, made);
    }
    /// The same without making one. @error missing  there is none
    Result<Pair> read() const;
    /// One that the box made gets another period, and today's names, and keeps its key. What was before it stays.
    /// @error denied   somebody uploaded it
    /// @error malformed, missing, storage  it cannot be read or written; nothing is changed
    Result<Pair> prolong(const Names& names, Timestamp notBefore);
    /// Replaces it by a new one of the box's own, as makeOwn(). Works also where open() does not.
    Result<Pair> renew(const Names& names, Timestamp notBefore);
    /// Replaces it by what judge() thinks well of; a request that waited is answered by it, if it was for its key.
    Result<Pair> replace(std::string_view upload, const Names& expected, Timestamp now);
    /// What was before and what is change places.
    /// @error missing  there was none before
    /// @error denied   it was uploaded, and has expired
    Result<Pair> goBack(Timestamp now);
    /// Nothing where there was none, or it cannot be read.
    std::optional<Description> before() const;

    /// Makes a request, and keeps it with its key until its certificate comes. One at a time: the one before is lost.
    Result<std::string> request(const Names& names);
    /// The request that waits, in PEM. Nothing: none waits.
    std::optional<std::string> waiting() const;

private:
    Result<Pair> put(Pair pair);
    std::optional<Request> readRequest() const;

    mutable std::mutex mutex_;
    std::string current_;
    std::string before_;
    std::string request_;
};

}  // namespace muster::tls
