#!/usr/bin/env python3
"""Writes common_passwords.cpp from common_passwords.txt: one text for each length, its words sorted and without
separators, so that a binary search needs no index.

    common_passwords.py TEXT-FILE CPP-FILE
"""
import sys
from collections import defaultdict

source, target = sys.argv[1:]
by_length = defaultdict(set)
with open(source, encoding="ascii") as words:
    for word in words:
        word = word.rstrip("\n")
        by_length[len(word)].add(word)


def literal(word):
    # A question mark may begin a trigraph.
    return '"' + "".join("\\" + c if c in '\\"?' else c for c in word) + '"'


with open(target, "w", encoding="ascii") as out:
    out.write('// Made from common_passwords.txt.\n#include "common_passwords.h"\n\n#include <cstddef>\n\n')
    out.write("namespace muster::webui {\n\nnamespace {\n\n")
    for length, words in sorted(by_length.items()):
        out.write(f"constexpr std::string_view k{length} =\n")
        line = ""
        for word in sorted(words):
            line += (" " if line else "    ") + literal(word)
            if len(line) > 100:
                out.write(line + "\n")
                line = ""
        out.write(line + ";\n")
    out.write("\nconstexpr std::string_view wordsOf(std::size_t length) noexcept {\n    switch (length) {\n")
    for length in sorted(by_length):
        out.write(f"        case {length}:\n            return k{length};\n")
    out.write("        default:\n            return {};\n    }\n}\n\n}  // namespace\n")
    out.write("""
bool isCommonPassword(std::string_view lowered) noexcept {
    const std::size_t length = lowered.size();
    const std::string_view words = wordsOf(length);
    std::size_t low = 0;
    std::size_t high = length == 0 ? 0 : words.size() / length;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const int order = words.substr(middle * length, length).compare(lowered);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

}  // namespace muster::webui
""")
