#include "host/settings/document.h"

#include "CppUTest/TestHarness.h"

#include "host/settings/diff.h"

using namespace muster;
using namespace muster::settings;

namespace {

Document parsed(const std::string& text) {
    auto document = Document::parse(text, "muster.toml");
    CHECK_TEXT(document.has_value(), document ? "" : document.error().text().c_str());
    return document.value_or(Document());
}

std::string with(const std::string& text, const char* section, const char* key, const char* value) {
    const auto changed = parsed(text).with(section, key, value);
    return changed ? changed->text() : "refused: " + changed.error().text();
}

std::string without(const std::string& text, const char* section, const char* key) {
    const auto changed = parsed(text).without(section, key);
    return changed ? changed->text() : "refused: " + changed.error().text();
}

}  // namespace

TEST_GROUP(Document){};

TEST(Document, replacesOneValueAndKeepsEveryOtherByte) {
    STRCMP_EQUAL(
        "# über\n[listener]  # front\n  \"port\"\t=  1689 # the port\r\nlisten = [ 'a', # one\n 'b' ]\n\n\n",
        with("# über\n[listener]  # front\n  \"port\"\t=  1688 # the port\r\nlisten = [ 'a', # one\n 'b' ]\n\n\n",
             "listener", "port", "1689")
            .c_str());
}

TEST(Document, findsAValueBehindOtherCharactersOfSeveralOctets) {
    STRCMP_EQUAL("a = { \"ü\" = \"größe\", key = 2 } # é\n",
                 with("a = { \"ü\" = \"größe\", key = 1 } # é\n", "a", "key", "2").c_str());
}

TEST(Document, replacesAnArrayOverSeveralLines) {
    STRCMP_EQUAL("[a]\nx = [3]\ny = 1\n", with("[a]\nx = [\n  1, # one\n  2,\n]\ny = 1\n", "a", "x", "[3]").c_str());
}

TEST(Document, replacesAMultiLineString) {
    STRCMP_EQUAL("[a]\nx = 'z' # c\n", with("[a]\nx = \"\"\"\none\ntwo\"\"\" # c\n", "a", "x", "'z'").c_str());
}

TEST(Document, addsAMissingKeyBehindTheLastOneOfItsSection) {
    STRCMP_EQUAL("[a]\nx = 1 # one\ny = 2\n\n# about b\n[b]\nz = 3\n",
                 with("[a]\nx = 1 # one\n\n# about b\n[b]\nz = 3\n", "a", "y", "2").c_str());
}

TEST(Document, addsAKeyToAnEmptySectionAndToAFileWithoutANewlineAtItsEnd) {
    STRCMP_EQUAL("[a] # empty\nx = 1\n[b]\n", with("[a] # empty\n[b]\n", "a", "x", "1").c_str());
    STRCMP_EQUAL("[a]\nx = 1\ny = 2\n", with("[a]\nx = 1", "a", "y", "2").c_str());
}

TEST(Document, addsAMissingSectionAtTheEnd) {
    STRCMP_EQUAL("[b]\nz = 3\n\n[a]\nx = 1\n", with("[b]\nz = 3", "a", "x", "1").c_str());
    STRCMP_EQUAL("[a]\nx = 1\n", with("", "a", "x", "1").c_str());
}

TEST(Document, keepsTheLineEndsOfAFileFromWindows) {
    STRCMP_EQUAL("[a]\r\nx = 1\r\ny = 2\r\n", with("[a]\r\nx = 1\r\n", "a", "y", "2").c_str());
}

TEST(Document, addsToBracesAndToDottedKeys) {
    STRCMP_EQUAL("a = { x = 1, y = 2 }\n", with("a = { x = 1 }\n", "a", "y", "2").c_str());
    STRCMP_EQUAL("a = { y = 2 } # c\n", with("a = {} # c\n", "a", "y", "2").c_str());
    STRCMP_EQUAL("a.x = 1\na.y = 2\n[b]\n", with("a.x = 1\n[b]\n", "a", "y", "2").c_str());
}

TEST(Document, removesAKeyWithItsLine) {
    STRCMP_EQUAL("[a]\ny = 2\n", without("[a]\nx = [1,\n 2] # gone with it\ny = 2\n", "a", "x").c_str());
    STRCMP_EQUAL("a = { y = 2 }\n", without("a = { x = 1, y = 2 }\n", "a", "x").c_str());
    STRCMP_EQUAL("a = { x = 1 }\n", without("a = { x = 1, y = 2 }\n", "a", "y").c_str());
    STRCMP_EQUAL("[b]\n", without("a.x = 1\n[b]\n", "a", "x").c_str());
}

TEST(Document, survivesAByteOrderMark) {
    STRCMP_EQUAL("\xef\xbb\xbfk.x = 22\n", with("\xef\xbb\xbfk.x = 1\n", "k", "x", "22").c_str());
}

TEST(Document, refusesToReplaceATable) {
    STRCMP_CONTAINS("edit the file by hand", with("[a.x]\ny = 1\n", "a", "x", "1").c_str());
    STRCMP_CONTAINS("edit the file by hand", with("[[a.x]]\ny = 1\n", "a", "x", "1").c_str());
}

namespace {

const char* const kTables =
    "# ours\n[relay]\nchoice = 'primary'\n\n# the old one\n[[relay.upstreams]]   # in the cellar\n"
    "name = 'a'\naddress = '10.0.0.1' # by hand\n\n# the new one\n[[relay.upstreams]]\n  name = 'b'\n"
    "  address = '10.0.0.2'\n\n[web]\ntitle = 'x'\n";
const char* const kLines =
    "[relay]\nupstreams = [\n  # the old one\n  { name = 'a', address = '10.0.0.1' }, # cellar\n"
    "  { name = 'b', address = '10.0.0.2' }  # attic\n]\nchoice = 'primary'\n";

}  // namespace

TEST(Document, changesOneMemberOfATableWithAHeaderOfItsOwn) {
    std::string wanted = kTables;
    wanted.replace(wanted.find("'10.0.0.1'"), 10, "\"10.0.0.9\"");
    STRCMP_EQUAL(wanted.c_str(), with(kTables, "relay", "upstreams",
                                      "[{name = \"a\", address = \"10.0.0.9\"}, {name = 'b', address = '10.0.0.2'}]")
                                     .c_str());
}

TEST(Document, addsAndRemovesMembersOfATableWithAHeaderOfItsOwn) {
    std::string wanted = kTables;
    wanted.replace(wanted.find("  address = '10.0.0.2'\n"), 23, "  state = 'draining'\n");
    STRCMP_EQUAL(wanted.c_str(), with(kTables, "relay", "upstreams",
                                      "[{name = 'a', address = '10.0.0.1'}, {name = 'b', state = 'draining'}]")
                                     .c_str());
}

TEST(Document, addsTablesWithHeadersWhereTheyBelong) {
    std::string wanted = kTables;
    wanted.insert(wanted.find("\n[web]"), "\n[[relay.upstreams]]\nname = 'c'\nfamilies = ['x']\n");
    wanted.insert(wanted.find("# the old one"), "[[relay.upstreams]]\nname = 'z'\n\n");
    STRCMP_EQUAL(wanted.c_str(), with(kTables, "relay", "upstreams",
                                      "[{name = 'z'}, {name = 'a', address = '10.0.0.1'}, {name = 'b', address = "
                                      "'10.0.0.2'}, {name = 'c', families = ['x']}]")
                                     .c_str());
}

TEST(Document, removesTheTableThatGoesAndKeepsTheCommentsOfTheOthers) {
    STRCMP_EQUAL(
        "# ours\n[relay]\nchoice = 'primary'\n\n# the old one\n\n# the new one\n[[relay.upstreams]]\n"
        "  name = 'b'\n  address = '10.0.0.2'\n\n[web]\ntitle = 'x'\n",
        with(kTables, "relay", "upstreams", "[{name = 'b', address = '10.0.0.2'}]").c_str());
    STRCMP_EQUAL("# ours\n[relay]\nchoice = 'primary'\n\n# the old one\n\n# the new one\n\n[web]\ntitle = 'x'\n",
                 without(kTables, "relay", "upstreams").c_str());
    STRCMP_EQUAL(
        "# ours\n[relay]\nchoice = 'primary'\nupstreams = []\n\n# the old one\n\n# the new one\n\n[web]\n"
        "title = 'x'\n",
        with(kTables, "relay", "upstreams", "[]").c_str());
}

TEST(Document, changesTheOrderOfTablesWithHeaders) {
    STRCMP_EQUAL("[[r.u]]\nn = 2\n\n[[r.u]]\nn = 1\n",
                 with("[[r.u]]\nn = 1\n\n[[r.u]]\nn = 2\n", "r", "u", "[{n = 2}, {n = 1}]").c_str());
}

TEST(Document, changesTablesWithHeadersInAFileFromWindowsWithoutALastLineEnd) {
    STRCMP_EQUAL("[[r.u]]\r\nn = 1\r\nm = 2\r\n\r\n[[r.u]]\r\nn = 3\r\n",
                 with("[[r.u]]\r\nn = 1", "r", "u", "[{n = 1, m = 2}, {n = 3}]").c_str());
}

TEST(Document, addsAKeyBesideTablesWithHeaders) {
    STRCMP_EQUAL("[[r.u]]\nn = 1\n\n[r]\nx = 1\n", with("[[r.u]]\nn = 1\n", "r", "x", "1").c_str());
    STRCMP_EQUAL("[r]\nx = 1\n[[r.u]]\nn = 1\n", with("[r]\n[[r.u]]\nn = 1\n", "r", "x", "1").c_str());
}

TEST(Document, refusesToChangeTablesThatHoldTables) {
    for (const char* text : {"[[r.u]]\nn = 1\n[r.u.x]\ny = 1\n", "[[r.u]]\nn = 1\nx.y = 2\n"}) {
        STRCMP_CONTAINS("edit the file by hand", with(text, "r", "u", "[{n = 2}]").c_str());
        STRCMP_CONTAINS("edit the file by hand", without(text, "r", "u").c_str());
    }
}

TEST(Document, changesOneLineOfAListOverSeveral) {
    std::string wanted = kLines;
    wanted.replace(wanted.find("{ name = 'b'"), 36, "{name = \"b\"}");
    STRCMP_EQUAL(wanted.c_str(),
                 with(kLines, "relay", "upstreams", "[{address = '10.0.0.1', name = 'a'}, {name = \"b\"}]").c_str());
}

TEST(Document, addsAndRemovesLinesOfAListOverSeveral) {
    std::string wanted = kLines;
    wanted.replace(wanted.find("}  # attic\n"), 11, "},  # attic\n  {name = 'c'},\n");
    STRCMP_EQUAL(wanted.c_str(), with(kLines, "relay", "upstreams",
                                      "[{name = 'a', address = '10.0.0.1'}, {name = 'b', address = '10.0.0.2'}, {name "
                                      "= 'c'}]")
                                     .c_str());
    STRCMP_EQUAL(
        "[relay]\nupstreams = [\n  # the old one\n  { name = 'b', address = '10.0.0.2' }  # attic\n]\n"
        "choice = 'primary'\n",
        with(kLines, "relay", "upstreams", "[{name = 'b', address = '10.0.0.2'}]").c_str());
    STRCMP_EQUAL("[relay]\nupstreams = []\nchoice = 'primary'\n", with(kLines, "relay", "upstreams", "[]").c_str());
}

TEST(Document, writesALongListOneLineForEach) {
    const std::string one = "{name = \"kms-a\", address = \"kms-a.example.org:1688\", families = [\"vista-2008\"]}";
    STRCMP_EQUAL(("[relay]\nupstreams = [\n    " + one + ",\n    " + one + ",\n]\n").c_str(),
                 with("[relay]\n", "relay", "upstreams", ("[" + one + ", " + one + "]").c_str()).c_str());
    STRCMP_EQUAL(("relay = { x = 1, upstreams = [" + one + ", " + one + "] }\n").c_str(),
                 with("relay = { x = 1 }\n", "relay", "upstreams", ("[" + one + ", " + one + "]").c_str()).c_str());
    STRCMP_EQUAL("[a]\nx = [{n = 3}] # c\n", with("[a]\nx = [{n = 1}, {n = 2}] # c\n", "a", "x", "[{n = 3}]").c_str());
}

TEST(Document, refusesAValueThatIsMoreThanOne) {
    STRCMP_CONTAINS("refused", with("[a]\n", "a", "x", "1\ny = 2").c_str());
    STRCMP_CONTAINS("refused", with("[a]\n", "a", "x", "1\n[b]").c_str());
}

TEST(Document, namesLineAndColumnOfASyntaxError) {
    const auto document = Document::parse("[a]\nx = 1\nx = 2\n", "muster.toml");
    CHECK(!document);
    STRCMP_CONTAINS("muster.toml:3:", document.error().subject.c_str());
}

TEST(Document, refusesHeadersThatTheParserItselfTripsOver) {
    for (const char* text : {"[[ = a]]\n", "[ = a]\n"})
        CHECK_TEXT(!Document::parse(text, "muster.toml"), text);
}

TEST(Document, refusesCharactersOutsideOfQuotesThatTomlDoesNotKnow) {
    for (const char* text :
         {"größe = 2\n", "a = { x = 1, b =1\"größe\" }\n", "a = 1\xc2\x85\x62 = 2\n", "[ü]\n", "a = ü\n"})
        CHECK_TEXT(!Document::parse(text, "muster.toml"), text);
    const auto document = Document::parse("a = 1\nb = 2\n ü = 3\n", "muster.toml");
    STRCMP_CONTAINS("muster.toml:3:", document.error().subject.c_str());
}

TEST(Document, readsEveryCharacterInQuotesAndComments) {
    const Document document =
        parsed("\"ü\" = 'ß' # ☃\n[a]\n'é' = [\"\\\"\xe2\x80\xa8\", \"\"\"\n€😀\"\"\"\"\"]\nx = \"\\u00e9\"\n");
    STRCMP_EQUAL("ü", document.strays().at(0).key.c_str());
    STRCMP_EQUAL("ß", document.strays().at(0).value.string()->c_str());
    STRCMP_EQUAL("€😀\"\"", document.find("a", "é")->value.array()->at(1).string()->c_str());
    STRCMP_EQUAL("é", document.find("a", "x")->value.string()->c_str());
}

TEST(Document, writesStringsThatReadBackAsTheSame) {
    for (const char* text : {"plain", "with \"quotes\" and \\", "tab\there", "", "größe", "it's"})
        for (const char* like : {"", "'x'", "\"x\""}) {
            const auto document = Document::parse("v = " + tomlString(text, like), "t");
            CHECK(document.has_value());
            STRCMP_EQUAL(text, document->strays().at(0).value.string()->c_str());
        }
    STRCMP_EQUAL("'plain'", tomlString("plain", "'old'").c_str());
}

TEST_GROUP(UnifiedDiff){};

TEST(UnifiedDiff, showsChangesWithThreeLinesAround) {
    STRCMP_EQUAL("--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
                 unifiedDiff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "a", "b").c_str());
}

TEST(UnifiedDiff, keepsDistantChangesInHunksOfTheirOwn) {
    const std::string diff = unifiedDiff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n", "a", "b");
    STRCMP_EQUAL("--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n",
                 diff.c_str());
}

TEST(UnifiedDiff, saysWhenTheLastLineHasNoEnd) {
    STRCMP_EQUAL("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n",
                 unifiedDiff("x\n", "x", "a", "b").c_str());
    STRCMP_EQUAL("--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n", unifiedDiff("", "x\n", "a", "b").c_str());
}
