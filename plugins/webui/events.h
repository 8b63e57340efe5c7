/// The numbers of the page's events in the journal: 25000 to 25999.
#pragma once

#include <array>
#include <cstdint>

#include "muster/event.h"

namespace muster::webui {

constexpr std::uint32_t kCertificateMade = 25000;
constexpr std::uint32_t kCertificateReplaced = 25001;
constexpr std::uint32_t kLoggedIn = 25002;
constexpr std::uint32_t kLoginRefused = 25003;
constexpr std::uint32_t kTokenInTheClear = 25004;
constexpr std::uint32_t kSetUp = 25005;
constexpr std::uint32_t kCertificateRenewed = 25006;
constexpr std::uint32_t kCertificateEnds = 25007;

inline constexpr std::array kEvents{
    EventSpec{.id = kCertificateMade,
              .severity = Severity::info,
              .message = "A certificate was made for this appliance; its fingerprint is {fingerprint}",
              .explain =
                  "The page is served with a certificate that nobody else has signed. Browsers warn of it: compare "
                  "the fingerprint once with this one, or upload a certificate of your own authority."},
    EventSpec{.id = kCertificateReplaced,
              .severity = Severity::info,
              .message = "{who} replaced the certificate of the page; its fingerprint is {fingerprint}",
              .explain = "New connections get the new certificate at once. \"musterctl certificate back\" puts the one "
                         "before in its place again."},
    EventSpec{.id = kLoggedIn,
              .severity = Severity::info,
              .message = "{who} logged in from {from}",
              .explain = "If that was not you, end the session and change the password."},
    EventSpec{.id = kLoginRefused,
              .severity = Severity::warning,
              .message = "A log-in as {who} from {from} was refused: {reason}",
              .explain =
                  "A wrong name, password or code, or too many tries. One now and then is a person who mistyped; "
                  "many from one address are somebody who guesses: see who has that address."},
    EventSpec{.id = kTokenInTheClear,
              .severity = Severity::error,
              .message = "Token {name} came unencrypted from {from} and is revoked",
              .explain = "Whoever could listen on the way has read it. Make a new token, and have the program at that "
                         "address use https."},
    EventSpec{.id = kSetUp,
              .severity = Severity::info,
              .message = "{who} was made the first administrator, from {from}",
              .explain = "The setup code of the console was used. It is gone."},
    EventSpec{.id = kCertificateRenewed,
              .severity = Severity::info,
              .message = "The appliance renewed its certificate until {until}; its fingerprint is {fingerprint}",
              .explain = "The one before was near its end, or the clock was set to a time at which it was not valid. "
                         "New connections get the new one at once. Its key is the same, its fingerprint is not: who "
                         "has told a browser to trust the one before is asked once more. A certificate of your own "
                         "authority, once uploaded, is never renewed here."},
    EventSpec{.id = kCertificateEnds,
              .severity = Severity::warning,
              .message = "The uploaded certificate of the page ends on {until}",
              .explain =
                  "The appliance renews only what it made itself. Have your authority sign a successor (\"musterctl "
                  "certificate request\" makes the request) and upload it before that day, or go back to a "
                  "certificate of the appliance's own with \"musterctl certificate renew\"."},
};

}  // namespace muster::webui
