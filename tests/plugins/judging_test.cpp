/// Every file of the zoo that is refused gets its sentence, and nothing of it runs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cage.h"

using namespace muster;

TEST_GROUP_BASE(Judging, zoo::Cage){
    /// Admits one animal beside `fit`, which must go on in any case.
    void refused(const char* animal, const char* state, const std::string& sentence){admit("fit");
admit(animal);
open();
const std::string name = fs_stem(animal);
CHECK_STATE(state, name);
CHECK_REASON(sentence, name);
CHECK_STATE("started", "fit");
}
static std::string fs_stem(const char* animal) {
    return zoo::fs::path(animal).filename().string();
}
}
;

TEST(Judging, takesADescriptorBuiltByHandInTheSdksLayout) {
    host = std::make_unique<plugins::PluginHost>(services, options);
    admit("crafted");
    host->load();
    CHECK_STATE("stopped", "crafted");
    CHECK_REASON("not started yet", "crafted");
    CHECK_EQUAL(std::string("1.0.0"), status("crafted").version);
    CHECK_EQUAL(std::string("service"), status("crafted").kind);
}

TEST(Judging, failsAPluginThatCreatesNothing) {
    refused("crafted", "failed", "create: returned no plugin");
}

TEST(Judging, rejectsALibraryWithoutDescriptor) {
    refused("no-descriptor", "rejected", "exports no muster_plugin_no_descriptor: it is no plugin, or was renamed");
}

TEST(Judging, rejectsARenamedLibrary) {
    admit("fit", "other.so");
    open();
    CHECK_STATE("rejected", "other");
    CHECK_REASON(
        "exports no muster_plugin_other: it is no plugin, or was renamed; a plugin's file has its plugin's name",
        "other");
}

TEST(Judging, rejectsALibraryThatCallsItselfOtherwise) {
    refused("other-name", "rejected", "calls itself \"heartbeat\", its file says \"other-name\"");
}

TEST(Judging, rejectsAFileWhoseNameNoPluginCanHave) {
    admit("fit", "Fit_2.so");
    open();
    CHECK_STATE("rejected", "Fit_2");
    CHECK_REASON("has no plugin's name: a-z, 0-9 and dashes", "Fit_2");
}

TEST(Judging, rejectsAnotherMagicNamingBoth) {
    refused("wrong-magic", "rejected", "is no plugin descriptor: magic 4d465431, expected 4d504c31");
}

#ifndef MUSTER_UNDER_ADDRESS_SANITIZER  // it makes every symbol longer, and this one long enough to be looked at
TEST(Judging, rejectsASymbolShorterThanThePrefix) {
    refused("tiny", "rejected", "muster_plugin_tiny is no plugin descriptor");
}
#endif

TEST(Judging, rejectsAnotherAbiMajorNamingBothVersions) {
    refused("other-major", "rejected", "abi 2.0, core speaks 1.0; rebuild the plugin with this SDK");
}

TEST(Judging, rejectsANewerAbiMinor) {
    refused("newer-minor", "rejected", "abi 1.1, core speaks 1.0; rebuild the plugin with this SDK");
}

TEST(Judging, rejectsADescriptorThatIsTooShort) {
    refused("short-size", "rejected",
            "a plugin descriptor of 40 octets where abi 1.0 has " + std::to_string(sizeof(PluginDescriptor)));
}

TEST(Judging, rejectsADescriptorThatSaysItIsLongerThanItIs) {
    refused("long-size", "rejected", "a plugin descriptor of 4000 octets");
}

TEST(Judging, rejectsAnotherBuildNamingBoth) {
    refused("other-build", "rejected",
            "built as 0123456789abcdef-gnu11-poco1.10, core is " MUSTER_BUILD_ID "; rebuild the plugin with this SDK");
}

TEST(Judging, rejectsTextsThatAreNone) {
    refused("null-texts", "rejected", "its version is no text: 1 to 128 octets of UTF-8 inside the library");
}

TEST(Judging, rejectsATextOutsideTheLibraryWithoutReadingIt) {
    refused("wild-text", "rejected", "its version is no text");
}

TEST(Judging, rejectsAPluginThatCannotBeCreated) {
    refused("no-create", "rejected", "its create function leads out of the library");
}

TEST(Judging, rejectsAKindThatIsNone) {
    refused("unknown-kind", "rejected", "is of kind 77, which is none");
}

TEST(Judging, rejectsSettingsThatAreNotThere) {
    refused("wild-settings", "rejected", "its settings: 200");
}

TEST(Judging, rejectsUnresolvedSymbolsAtLoadNotAtFirstCall) {
    refused("unresolved", "rejected", "cannot be loaded: undefined symbol: function_that_nobody_has");
}

TEST(Judging, namesTheLibraryThatIsMissing) {
    refused("missing-library", "rejected", "libmuster_absent.so: cannot open shared object file");
}

TEST(Judging, rejectsAnAuthorityThatDidNotComeWithTheFirmware) {
    options.directories = {{plugins.path().string(), false}};
    admit("judge");
    admit("fit");
    open();
    CHECK_STATE("rejected", "judge");
    CHECK_REASON("is an authority; those come with the firmware, and nothing else may answer clients", "judge");
    CHECK_STATE("started", "fit");
}

TEST(Judging, rejectsAPluginWhoseSettingsInTheFileAreWrong) {
    services.badSections["fit"] = "line 3: fit.word = 7: found an integer, text is allowed";
    admit("fit");
    open();
    CHECK_STATE("rejected", "fit");
    CHECK_REASON("muster.toml: line 3: fit.word = 7", "fit");
}

TEST(Judging, rejectsASymbolicLink) {
    zoo::fs::create_symlink(zoo() / "fit.so", plugins.path() / "fit.so");
    open();
    CHECK_STATE("rejected", "fit");
    CHECK_REASON("is a symbolic link; put the file itself here", "fit");
}

TEST(Judging, rejectsWhatIsNoElfLibrary) {
    write("script.so", "#!/bin/sh\necho hello\n");
    open();
    CHECK_STATE("rejected", "script");
    CHECK_REASON("is no ELF library", "script");
}

TEST(Judging, rejectsAProgram) {
    zoo::fs::copy_file("/bin/true", plugins.path() / "true.so");
    open();
    CHECK_STATE("rejected", "true");
}

TEST(Judging, rejectsAnEmptyFile) {
    write("empty.so", "");
    open();
    CHECK_STATE("rejected", "empty");
    CHECK_REASON("is empty", "empty");
}

TEST(Judging, rejectsALibraryCutShortAnywhere) {
    const auto whole = zoo::fs::file_size(zoo() / "fit.so");
    for (const std::uintmax_t length :
         {std::uintmax_t{5}, std::uintmax_t{40}, std::uintmax_t{100}, std::uintmax_t{3000}, whole / 4, whole - 1}) {
        admit("fit", "cut.so");
        zoo::fs::resize_file(plugins.path() / "cut.so", length);
        open();
        CHECK_STATE("rejected", "cut");
        CHECK_REASON("is cut short: " + std::to_string(length) + " octets are not all of it", "cut");
    }
}

TEST(Judging, rejectsAFileLongerThanAPluginCanBe) {
    admit("fit", "huge.so");
    zoo::fs::resize_file(plugins.path() / "huge.so", options.maxFileSize + 1);  // sparse: takes no room
    open();
    CHECK_STATE("rejected", "huge");
    CHECK_REASON("has more than 67108864 octets", "huge");
}

TEST(Judging, rejectsAFileThatEverybodyMayWrite) {
    admit("fit");
    LONGS_EQUAL(0, chmod((plugins.path() / "fit.so").c_str(), 0666));
    open();
    CHECK_STATE("rejected", "fit");
    CHECK_REASON("may be written by everybody; take that right away (chmod o-w)", "fit");
}

TEST(Judging, rejectsWhatIsNoFile) {
    zoo::fs::create_directory(plugins.path() / "folder.so");
    LONGS_EQUAL(0, mkfifo((plugins.path() / "pipe.so").c_str(), 0600));
    open();
    CHECK_REASON("is no regular file", "folder");
    CHECK_REASON("is no regular file", "pipe");
}

TEST(Judging, rejectsALibraryForAnotherMachine) {
    admit("fit", "foreign.so");
    std::fstream file(plugins.path() / "foreign.so", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(18);  // e_machine
    file.put('\x08').put('\0');
    file.close();
    open();
    CHECK_STATE("rejected", "foreign");
    CHECK_REASON("is built for another machine: ELF machine 8", "foreign");
}

TEST(Judging, believesNoDamagedHeader) {
    // Each octet of the ELF header and of the first program headers in turn.
    int refusals = 0;
    for (int at = 0; at < 240; ++at) {
        admit("crafted");
        const auto file = plugins.path() / "crafted.so";
        std::fstream spoilt(file, std::ios::in | std::ios::out | std::ios::binary);
        spoilt.seekg(at);
        const int octet = spoilt.get();
        spoilt.seekp(at);
        spoilt.put(static_cast<char>(octet ^ 0x80));
        spoilt.close();
        const auto image = plugins::Image::read(file.string(), 1 << 20);
        if (!image)
            ++refusals;
        else  // whatever is believed stays in bounds
            for (const auto& segment : image->segments())
                CHECK_TRUE(segment.address <= 1U << 30 && segment.size <= 1U << 30);
        CHECK_TRUE(!image || at >= 6);  // magic, class and byte order are looked at
    }
    CHECK_TRUE(refusals > 40);
}

// --- families

TEST(Judging, takesAFamilyIntoService) {
    admit("family-fit");
    open();
    CHECK_STATE("started", "family-fit");
    CHECK_EQUAL(std::string("family"), status("family-fit").kind);
    CHECK_TRUE(host->families().byName("fit") != nullptr);
    CHECK_TRUE(services.sections.count("family-fit") == 1);
}

TEST(Judging, rejectsAFamilyWithAnotherMagic) {
    refused("family-wrong-magic", "rejected", "is no family table: magic 4d504c31, expected 4d465431");
}

TEST(Judging, rejectsAFamilyOfAnotherAbi) {
    refused("family-other-major", "rejected", "abi 2.0, core speaks 1.0; rebuild the plugin with this SDK");
}

TEST(Judging, rejectsAFamilyWhoseTableIsMissing) {
    refused("family-null-table", "rejected", "the counted IDs: 1 at most 64 are possible, and all of them inside");
}

TEST(Judging, rejectsAFamilyWithAnAbsurdCount) {
    refused("family-absurd-count", "rejected", "the counted IDs: 4294967295 at most 64 are possible");
}

TEST(Judging, rejectsAFamilyThatPointsOutOfItsLibrary) {
    refused("family-past-the-end", "rejected",
            "what Zoo key covers: 200 at most 256 are possible, and all of them inside");
}

TEST(Judging, rejectsATextWithoutEnd) {
    refused("family-endless-text", "rejected", "its display name is no text: 1 to 128 octets of UTF-8");
}

TEST(Judging, rejectsATextWithATerminalsEscape) {
    refused("family-escape", "rejected", "its display name is no text");
}

TEST(Judging, rejectsAFamilyThatCallsItselfOtherwise) {
    refused("family-other-name", "rejected", "calls itself \"win7-2008r2\", its file says \"other-name\"");
}

TEST(Judging, rejectsAFamilyWithOneCountedIdTwice) {
    refused("family-twice", "rejected", "the counted ID of Zoo is that of Zoo");
}

TEST(Judging, rejectsARuleThatItDoesNotKnow) {
    refused("family-unknown-rule", "rejected", "the rule for virtual machines of Zoo is unknown");
}

TEST(Judging, rejectsAFamilyWithAnIdOfAnotherNamingTheOwner) {
    admit("family-duplicate", "family-duplicate.so");
    admit("family-fit");
    open();
    CHECK_STATE("started", "family-duplicate");
    CHECK_STATE("rejected", "family-fit");
    CHECK_REASON("activation ID 00000011-1111-2222-3344-5566778899aa (Zoo Enterprise) is already in family duplicate",
                 "family-fit");
}
