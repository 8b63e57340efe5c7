#include "kms/hresult.h"

#include <algorithm>
#include <iterator>

namespace muster::kms {

namespace {

constexpr HResult code(std::uint32_t value) noexcept {
    return static_cast<HResult>(value);
}

constexpr HResultInfo kTable[] = {
    {code(0x8004FE21), "", "This computer is not running genuine Windows.",
     "The licensing files were changed or damaged, or a language pack is not licensed for the edition.",
     "Remove the language pack or reinstall Windows."},
    {code(0x80070005), "E_ACCESSDENIED", "Access denied: the requested action requires elevated privileges.",
     "The command was not run as an administrator.", "Run it from an elevated prompt."},
    {code(0x8007000D), "ERROR_INVALID_DATA", "The data is invalid.",
     "The host could not read the request: malformed, sealed by somebody else, or of a protocol version that it does "
     "not "
     "speak.",
     "A newer client needs a newer host. A real Windows client cannot be activated by a lab."},
    {code(0x8007007B), "ERROR_INVALID_NAME", "DNS name does not exist.",
     "The client found no SRV record _vlmcs._tcp under its DNS suffix.",
     "Publish the record, or name the host with slmgr /skms."},
    {code(0x800706BA), "RPC_S_SERVER_UNAVAILABLE", "The RPC server is unavailable.",
     "Nothing answered at the host's address and port.",
     "Open TCP port 1688 in firewalls between them; correct an SRV record that names a host that is gone."},
    {code(0x8007232A), "DNS_ERROR_RCODE_SERVER_FAILURE", "DNS server failure.",
     "The DNS server answered that it failed.", "Check the DNS servers that the machine uses."},
    {code(0x8007232B), "DNS_ERROR_RCODE_NAME_ERROR", "DNS name does not exist.",
     "There is no name _vlmcs._tcp under the client's DNS suffix.",
     "Publish the SRV record in every domain that clients look in, or name the host with slmgr /skms."},
    {code(0x80072338), "DNS_ERROR_RCODE_BADSIG", "DNS signature failed to verify.",
     "The DNS server refused the update: the record belongs to another machine.",
     "Give the host's account the right to change the _vlmcs._tcp records."},
    {code(0x8007251D), "DNS_INFO_NO_RECORDS", "No records found for DNS query.",
     "The name _vlmcs._tcp exists, but has no SRV record.", "Publish the SRV record."},
    {code(0x80092328), "", "DNS name does not exist.",
     "The client found no SRV record _vlmcs._tcp under its DNS suffix.",
     "Publish the record, or name the host with slmgr /skms."},
    {code(0xC004C008), "SL_E_CHPA_MAXIMUM_UNLOCK_EXCEEDED",
     "The activation server determined that the specified product key could not be used.",
     "The host key was activated on more than six hosts, or too often on one.",
     "Ask Microsoft's activation centre for more; look for ordinary machines that carry the host key."},
    {code(0xC004D104), "SL_REMAPPING_SP_STATUS_INVALIDARG",
     "The security processor reported that invalid data was used.",
     "The request asks for a number of clients that no Windows edition asks for.",
     "Look for a tool that is no Windows client; a test with another number needs that number in "
     "lab.extra-thresholds."},
    {code(0xC004F009), "SL_E_GRACE_TIME_EXPIRED",
     "The Software Licensing Service reported that the grace period expired.", "The machine was not activated in time.",
     "Activate it."},
    {code(0xC004F00F), "SL_E_OUT_OF_TOLERANCE",
     "The Software Licensing Server reported that the hardware ID binding is beyond level of tolerance.",
     "The hardware changed.", "Restart, or run slmgr /ato."},
    {code(0xC004F025), "SL_E_LUA_ACCESSDENIED", "Access denied: the requested action requires elevated privileges.",
     "The command was not run as an administrator.", "Run it from an elevated prompt."},
    {code(0xC004F02C), "SL_E_CIDIID_INVALID_DATA",
     "The Software Licensing Service reported that the format for the offline activation data is incorrect.",
     "The confirmation ID of a telephone activation was mistyped.", "Type it again."},
    {code(0xC004F035), "SL_E_VL_NOT_WINDOWS_SLP",
     "The Software Licensing Service reported that the computer could not be activated with a Volume license product "
     "key. Volume licensed systems require upgrading from a qualified operating system. Please contact your system "
     "administrator or use a different type of key.",
     "The BIOS lacks the mark of a Windows edition that may be upgraded.", "Use a full licence or a MAK."},
    {code(0xC004F038), "SL_E_VL_NOT_ENOUGH_COUNT",
     "The computer could not be activated. The returned count from your Key Management Service is insufficient.",
     "The host answered, but has counted fewer machines than this edition needs: 25 for clients, 5 for servers.",
     "More different machines must ask. Look for clones that share one CMID, and for hosts that split the count."},
    {code(0xC004F039), "SL_E_VL_BINDING_SERVICE_NOT_ENABLED",
     "The Software Licensing Service reported that the computer could not be activated. The Key Management Service "
     "(KMS) "
     "is not enabled.",
     "No KMS host runs there, or it did not answer.", "Install a host key on the host; open TCP port 1688."},
    {code(0xC004F041), "SL_E_VL_KEY_MANAGEMENT_SERVICE_NOT_ACTIVATED",
     "The Software Licensing Service determined that the Key Management Server (KMS) is not activated. KMS needs to be "
     "activated.",
     "The host has no host key in force.",
     "Activate the host; in the lab: musterctl lab issue-key, then musterctl key add."},
    {code(0xC004F042), "SL_E_VL_KEY_MANAGEMENT_SERVICE_ID_MISMATCH",
     "The Software Licensing Service determined that the specified Key Management Service (KMS) cannot be used.",
     "The host's key does not cover this product group.",
     "Install a host key of a higher group or a newer generation, or ask another host."},
    {code(0xC004F050), "SL_E_INVALID_PRODUCT_KEY",
     "The Software Licensing Service reported that the product key is invalid.",
     "The key is mistyped, or belongs to a generation that this host does not know yet.",
     "Compare it with the original; install the update that brings the generation, then install the same key again."},
    {code(0xC004F051), "SL_E_BLOCKED_PRODUCT_KEY",
     "The Software Licensing Service reported that the product key is blocked.", "Microsoft blocked the key.",
     "Get a new one."},
    {code(0xC004F056), "SL_E_VL_MACHINE_NOT_BOUND",
     "The Software Licensing Service reported that the product could not be activated using the Key Management Service "
     "(KMS).",
     "The machine could not be activated.", "Read its events 12288 and 12289 for the reason."},
    {code(0xC004F06B), "SL_E_VL_KEY_MANAGEMENT_SERVICE_VM_NOT_SUPPORTED",
     "The Software Licensing Service determined that it is running in a virtual machine. The Key Management Service "
     "(KMS) is not supported in this mode.",
     "A host of the first generation does not run in a virtual machine.", "Use a physical host or a newer one."},
    {code(0xC004F06C), "SL_E_VL_INVALID_TIMESTAMP",
     "The Software Licensing Service reported that the computer could not be activated. The Key Management Service "
     "(KMS) "
     "determined that the request timestamp is invalid.",
     "The client's clock is more than 4 hours from the host's (UTC), or an older host does not know the client's "
     "generation.",
     "Set the clocks by NTP; where they agree, update the host."},
    {code(0xC004F074), "SL_E_VL_BINDING_SERVICE_UNAVAILABLE",
     "The Software Licensing Service reported that the computer could not be activated. No Key Management Service "
     "(KMS) "
     "could be contacted. Please see the Application Event Log for additional information.",
     "Every host that the client tried failed; its events 12288 hold the reason of each.",
     "Read those events: a wrong clock and a host that is gone look alike here."},
};

constexpr bool isAscending() noexcept {
    for (std::size_t i = 1; i < std::size(kTable); ++i)
        if (!(kTable[i - 1].code < kTable[i].code))
            return false;
    return true;
}
static_assert(isAscending(), "find() searches by halves");

}  // namespace

std::span<const HResultInfo> hresults() noexcept {
    return kTable;
}

const HResultInfo* find(HResult code) noexcept {
    const auto* at = std::lower_bound(std::begin(kTable), std::end(kTable), code,
                                      [](const HResultInfo& info, HResult wanted) { return info.code < wanted; });
    return at != std::end(kTable) && at->code == code ? at : nullptr;
}

}  // namespace muster::kms
