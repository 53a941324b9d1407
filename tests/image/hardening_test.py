"""What scripts/contents says of programs that were built, and that it says it when they lack something."""

import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/contents"))
os.chdir(ROOT)

import hardening  # noqa: E402
from elf import Elf  # noqa: E402
from problem import Problem  # noqa: E402

PROGRAM = """
#include <array>
#include <cstring>
int main(int argc, char** argv) {
  char buffer[16];
  std::strcpy(buffer, argv[0]);
  std::array<int, 4> numbers{argc};
  return numbers[static_cast<unsigned>(argc)] + buffer[argc];
}
"""
COMPILED = {"-fstack-protector-strong": "-fno-stack-protector", "-D_FORTIFY_SOURCE=2": "-U_FORTIFY_SOURCE",
            "-D_GLIBCXX_ASSERTIONS": "-U_GLIBCXX_ASSERTIONS"}
LINKED = {"-pie": "-no-pie", "-Wl,-z,now": "-Wl,-z,lazy", "-Wl,-z,relro": "-Wl,-z,norelro",
          "-Wl,-z,noexecstack": "-Wl,-z,execstack"}


def build(folder, without=""):
    """A program with all that is wanted, but for one."""
    flags = [COMPILED[flag] if flag == without else flag for flag in COMPILED]
    links = [LINKED[flag] if flag == without else flag for flag in LINKED]
    program, made = Path(folder) / "program", Path(folder) / f"object{without if without in COMPILED else ''}.o"
    if not made.exists():
        subprocess.run(["g++", "-std=c++20", "-O2", "-w", "-fPIE", *flags, "-x", "c++", "-c", "-", "-o", str(made)], input=PROGRAM,
                       text=True, check=True)
    subprocess.run(["g++", *links, str(made), "-o", str(program)], check=True)
    return program


class Hardening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def test_nothing_is_lacking(self):
        elf = Elf(build(self.folder.name))
        self.assertEqual(hardening.lacks(elf), [])
        self.assertEqual(hardening.fortified(elf), ["strcpy"])
        self.assertIn("libc.so.6", elf.needed)

    def test_each_that_is_lacking_is_said(self):
        for flag, words in {"-pie": "(PIE)", "-Wl,-z,now": "(-z now)", "-Wl,-z,relro": "(-z relro)",
                            "-Wl,-z,noexecstack": "(-z noexecstack)", "-fstack-protector-strong": "(-fstack-protector-strong)",
                            "-D_FORTIFY_SOURCE=2": "(-D_FORTIFY_SOURCE=2)",
                            "-D_GLIBCXX_ASSERTIONS": "(-D_GLIBCXX_ASSERTIONS)"}.items():
            with self.subTest(flag):
                found, = hardening.lacks(Elf(build(self.folder.name, without=flag)))
                self.assertIn(words, found)

    def test_code_that_can_be_written_is_said(self):
        program = build(self.folder.name)
        data = bytearray(program.read_bytes())
        first, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
        for at in range(first, first + size * count, size):
            kind, flags = struct.unpack_from("<II", data, at)
            if kind == 1 and flags & 1:
                struct.pack_into("<I", data, at + 4, flags | 2)
        program.write_bytes(data)
        self.assertEqual(hardening.lacks(Elf(program)), ["has code that it can write"])

    def test_what_is_no_program_is_refused(self):
        path = Path(self.folder.name) / "broken"
        for data in (b"", b"#!/bin/sh\n", b"\x7fELF\x01" + bytes(100), b"\x7fELF\x02\x01" + bytes(20),
                     build(self.folder.name).read_bytes()[:200]):
            path.write_bytes(data)
            with self.subTest(data[:8]), self.assertRaises(Problem):
                Elf(path)

    def test_each_source_file_is_compiled_with_all_of_it(self):
        def command(file, flags):
            return {"file": file, "command": f"c++ {flags} -o {file}.o -c {file}", "output": f"{file}.o"}
        flags = "-O3 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS"
        commands = [command("a.cc", flags + " -fcf-protection"), command("b.cc", flags), command("tests/c.cc", ""),
                    command("d.cc", flags.replace("-O3", "-O0")), command("e.cc", "-O2")]
        del commands[1]["output"]  # which older versions of CMake leave out
        self.assertEqual(hardening.lacking_commands(commands, "aarch64"), {"d.cc": ["-O2"], "e.cc": flags.split()[1:]})
        self.assertEqual(hardening.lacking_commands(commands[:2], "x86_64"), {"b.cc": ["-fcf-protection"]})

    def test_a_build_that_lacks_something_is_refused(self):
        folder = Path(self.folder.name) / "build"
        (folder / "bin").mkdir(parents=True)
        (folder / "compile_commands.json").write_text("[]", encoding="utf-8")
        build(self.folder.name, without="-pie").rename(folder / "bin/program")
        with self.assertRaisesRegex(Problem, r"bin/program is not position-independent \(PIE\)\nbuild it by the preset"):
            hardening.check(folder, ["program"])


if __name__ == "__main__":
    unittest.main()
