#include "reading_kinds.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;

namespace {

template <class T>
std::string either(const std::array<T, 2>& values) {
    const std::string first = name(values[0]);
    const std::string second = name(values[1]);
    return first == second ? first : first + ", or " + second;
}

std::string sentence(std::string_view text) {
    std::string out(text);
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out.back() == '.' ? out : out + '.';
}

/// The part of the page that the table is.
std::string page() {
    std::string out;
    for (const ReadingKind& kind : kReadingKinds) {
        out += "### " + std::string(kind.code) + "\n\n";
        out += "- Looks at: " + std::string(kind.looksAt) + ".\n";
        out += "- Least evidence: " + std::string(kind.leastEvidence) + ".\n";
        out += "- Certainty: " + either(kind.certainty) + ". Severity: " + either(kind.severity) + ".\n";
        out += "- What to do: " + (kind.remedy.empty() ? "nothing." : sentence(kind.remedy)) + "\n\n";
    }
    return out;
}

}  // namespace

TEST_GROUP(ReadingKinds){};

TEST(ReadingKinds, haveEachACodeOfItsOwnAndSayEverythingOfIt) {
    std::set<std::string_view> codes;
    for (const ReadingKind& kind : kReadingKinds) {
        CHECK_TEXT(codes.insert(kind.code).second, std::string(kind.code).c_str());
        CHECK_FALSE(kind.looksAt.empty());
        CHECK_FALSE(kind.leastEvidence.empty());
    }
}

TEST(ReadingKinds, areTheManualsPage) {
    std::ifstream in(MUSTER_READINGS_PAGE);
    CHECK_TEXT(in.good(), MUSTER_READINGS_PAGE);
    const std::string manual(std::istreambuf_iterator<char>(in), {});
    const std::size_t begin = manual.find("### ");
    const std::string rest = begin == std::string::npos ? std::string() : manual.substr(begin);
    if (rest != page()) {
        std::printf("%s", page().c_str());
        FAIL("docs/readings.md is not what reading_kinds.h says: from its first \"###\" on put what is printed above");
    }
}
