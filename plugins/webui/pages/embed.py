#!/usr/bin/python3
"""Turns what the build of web/ wrote into one C++ file: embed.py DIST OUTPUT. DIST/assets.json lists the files."""
import hashlib
import json
import sys
from pathlib import Path


def main(dist, output):
    dist = Path(dist)
    pages, blocks = [], []

    def block(file):
        name = f"muster_page_{len(blocks)}"
        # The assembler takes the octets as they are; a compiler would need seconds and gigabytes for such an array.
        blocks.append(f'asm(".section .rodata\\n.balign 16\\n{name}:\\n.incbin \\"{file.resolve()}\\"\\n'
                      f'{name}_end:\\n.byte 0\\n.previous\\n");\n'
                      f'extern "C" {{ extern const char {name}[] __attribute__((visibility("hidden"))); }}\n'
                      f'extern "C" {{ extern const char {name}_end[] __attribute__((visibility("hidden"))); }}\n')
        return f"std::string_view({name}, static_cast<std::size_t>({name}_end - {name}))"

    for entry in sorted(json.loads((dist / "assets.json").read_text()), key=lambda one: one["path"].encode()):
        plain = dist / entry["file"]
        etag = hashlib.sha256(plain.read_bytes()).hexdigest()[:20]
        packed = block(dist / entry["gzip"]) if entry.get("gzip") else "std::string_view()"
        pages.append(f'    {{{json.dumps(entry["path"])}, {json.dumps(entry["type"])}, "\\"{etag}\\"", '
                     f'{"true" if entry["immutable"] else "false"}, {block(plain)}, {packed}}},\n')
    Path(output).write_text(
        "// Made by embed.py from the build of web/.\n"
        '#include "server/pages.h"\n\n' + "".join(blocks) +
        "\nnamespace muster::webui {\n\nstd::span<const Page> allPages() noexcept {\n"
        "    static const Page kPages[] = {\n" + "".join("    " + page for page in pages) +
        "    };\n    return kPages;\n}\n\n}  // namespace muster::webui\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
