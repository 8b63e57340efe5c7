#include "dns/system_names.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::dns;

TEST_GROUP(SystemNames) {
    std::string path;
    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-names.XXXXXX").string();
        const int fd = mkstemp(pattern.data());
        CHECK(fd >= 0);
        close(fd);
        path = pattern;
    }
    void teardown() override {
        std::filesystem::remove(path);
    }
    ResolverConfiguration configuration(const std::string& text) const {
        std::ofstream(path) << text;
        return readResolverConfiguration(path);
    }
};

TEST(SystemNames, readsServersSearchListAndDots) {
    const auto read = configuration(
        "; by hand\n# comment\ndomain old.example.org\nsearch Example.org. sub.example.org\nnameserver 10.0.0.53\r\n"
        "nameserver 2001:db8::53\nnameserver nonsense\noptions edns0 ndots:2 timeout:1\nsortlist 1.2.3.4\n");
    LONGS_EQUAL(2, read.servers.size());
    STRCMP_EQUAL("10.0.0.53:53", read.servers[0].text().c_str());
    STRCMP_EQUAL("[2001:db8::53]:53", read.servers[1].text().c_str());
    LONGS_EQUAL(2, read.search.size());
    STRCMP_EQUAL("example.org", read.search[0].c_str());
    LONGS_EQUAL(2, read.dots);
}

TEST(SystemNames, asksThisMachineWhereNoServerIsNamed) {
    STRCMP_EQUAL("127.0.0.1:53", configuration("").servers.at(0).text().c_str());
    STRCMP_EQUAL("127.0.0.1:53", readResolverConfiguration(path + ".absent").servers.at(0).text().c_str());
}

TEST(SystemNames, takesAtMostThreeServersAndSixDomains) {
    std::string text = "search a b c d e f g h\n";
    for (int i = 0; i < 10; ++i)
        text += "nameserver 10.0.0." + std::to_string(i) + "\n";
    LONGS_EQUAL(3, configuration(text).servers.size());
    LONGS_EQUAL(6, configuration(text).search.size());
}

TEST(SystemNames, triesASingleLabelInTheSearchListFirst) {
    const ResolverConfiguration two{{}, {"a.org", "b.org"}, 1};
    CHECK(candidates("kms", false, two) == (std::vector<std::string>{"kms.a.org", "kms.b.org", "kms"}));
    CHECK(candidates("kms.c.org", false, two) ==
          (std::vector<std::string>{"kms.c.org", "kms.c.org.a.org", "kms.c.org.b.org"}));
    CHECK(candidates("kms", true, two) == std::vector<std::string>{"kms"});
}

TEST(SystemNames, readsNumericAddressesOnly) {
    STRCMP_EQUAL("10.0.0.7", numericAddress("10.0.0.7")->host().c_str());
    STRCMP_EQUAL("::1", numericAddress("[::1]")->host().c_str());
    LONGS_EQUAL(7, numericAddress("fe80::1%7")->scopeId);
    for (const char* bad : {"", "10.0.0", "10.0.0.256", "kms", "fe80::1%", "fe80::1%nosuchlink", "[::1", "10.0.0.7%1",
                            "::ffff:10.0.0.7%1"})
        CHECK_FALSE(numericAddress(bad).has_value());
}
