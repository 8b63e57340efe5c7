#include "tls/certificate_store.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "muster/private_file.h"

#include "tls/mbed.h"
#include "tls/pem.h"

namespace muster::tls {

namespace {

constexpr std::size_t kMaxFile = 2 * kMaxUpload;  // written anew, an upload can grow a little

/// The first line of a certificate that the box made.
constexpr std::string_view kOwnMark = "Muster made this certificate for itself and renews it.\n";

Result<void> writePair(const std::string& path, const Pair& pair,
                       Result<void> (*write)(const std::string&, std::string_view)) {
    const Wiped text((pair.own ? std::string(kOwnMark) : std::string()) + pair.pem);
    return write(path, *text);
}

Result<Pair> readFile(const std::string& path) {
    auto content = readPrivateFile(path, kMaxFile);
    if (!content)
        return fail(std::move(content.error()));
    const Wiped text(std::move(*content));
    auto pair = readPair(*text);
    if (!pair)
        return fail(Code::malformed, path,
                    pair.error().text() + "; restore the file, go back to the one before, or have a new one made");
    pair->own = (*text).starts_with(kOwnMark);
    return pair;
}

}  // namespace

CertificateStore::CertificateStore(std::string directory)
    : current_(directory + "/certificate.pem"),
      before_(directory + "/certificate-before.pem"),
      request_(std::move(directory) + "/request.pem") {}

Result<Pair> CertificateStore::read() const {
    const std::lock_guard lock(mutex_);
    return readFile(current_);
}

Result<Pair> CertificateStore::open(const Names& names, Timestamp notBefore, bool& made) {
    const std::lock_guard lock(mutex_);
    auto pair = readFile(current_);
    if (pair || pair.error().code != Code::missing)
        return pair;
    auto fresh = makeOwn(names, notBefore);
    if (!fresh)
        return fresh;
    if (auto written = writePair(current_, *fresh, makePrivateFile); !written)
        return fail(std::move(written.error()));
    made = true;
    return fresh;
}

Result<Pair> CertificateStore::prolong(const Names& names, Timestamp notBefore) {
    const std::lock_guard lock(mutex_);
    auto pair = readFile(current_);
    if (!pair)
        return pair;
    if (!pair->own)
        return fail(Code::denied, current_, "was uploaded; only who made it can renew it");
    auto made = makeOwn(names, notBefore, pair->pem);
    if (!made)
        return made;
    if (auto written = writePair(current_, *made, writePrivateFile); !written)
        return fail(std::move(written.error()));
    return made;
}

Result<Pair> CertificateStore::renew(const Names& names, Timestamp notBefore) {
    const std::lock_guard lock(mutex_);
    auto made = makeOwn(names, notBefore);
    return made ? put(std::move(*made)) : made;
}

Result<Pair> CertificateStore::replace(std::string_view upload, const Names& expected, Timestamp now) {
    const std::lock_guard lock(mutex_);
    const auto waits = readRequest();
    const Wiped key(waits ? waits->key : std::string());
    auto judged = judge(upload, *key, expected, now);
    if (!judged)
        return judged;
    auto done = put(std::move(*judged));
    if (done && waits && done->pem.starts_with(*key))
        ::unlink(request_.c_str());
    return done;
}

Result<Pair> CertificateStore::goBack(Timestamp now) {
    const std::lock_guard lock(mutex_);
    auto pair = readFile(before_);
    if (!pair)
        return pair;
    if (auto fit = pair->own ? pair : judge(pair->pem, {}, {}, now); !fit)
        return fit;
    // In one step: whatever happens, both are still there and each is whole.
    if (::renameat2(AT_FDCWD, before_.c_str(), AT_FDCWD, current_.c_str(), RENAME_EXCHANGE) == 0)
        return pair;
    if (errno != ENOENT)
        return fail(Code::storage, current_, std::generic_category().message(errno));
    if (std::rename(before_.c_str(), current_.c_str()) != 0)
        return fail(Code::storage, current_, std::generic_category().message(errno));
    return pair;
}

std::optional<Description> CertificateStore::before() const {
    const std::lock_guard lock(mutex_);
    const auto pair = readFile(before_);
    return pair ? std::optional(pair->chain.front()) : std::nullopt;
}

Result<std::string> CertificateStore::request(const Names& names) {
    const std::lock_guard lock(mutex_);
    auto made = makeRequest(names);
    if (!made)
        return fail(std::move(made.error()));
    const Wiped key(std::move(made->key));
    const Wiped text(*key + made->pem);
    if (auto written = writePrivateFile(request_, *text); !written)
        return fail(std::move(written.error()));
    return std::move(made->pem);
}

std::optional<std::string> CertificateStore::waiting() const {
    const std::lock_guard lock(mutex_);
    auto waits = readRequest();
    if (!waits)
        return std::nullopt;
    wipe(waits->key);
    return std::move(waits->pem);
}

Result<Pair> CertificateStore::put(Pair pair) {
    // What cannot be read is not worth keeping; what can is copied before it goes.
    if (const auto old = readFile(current_))
        if (auto kept = writePair(before_, *old, writePrivateFile); !kept)
            return fail(std::move(kept.error()));
    if (auto written = writePair(current_, pair, writePrivateFile); !written)
        return fail(std::move(written.error()));
    return pair;
}

std::optional<Request> CertificateStore::readRequest() const {
    auto content = readPrivateFile(request_, kMaxFile);
    if (!content)
        return std::nullopt;
    const Wiped text(std::move(*content));
    const auto blocks = pemBlocks(*text);
    if (!blocks || blocks->size() != 2)
        return std::nullopt;
    return Request{std::string((*blocks)[1].text) + "\n", std::string((*blocks)[0].text) + "\n"};
}

}  // namespace muster::tls
