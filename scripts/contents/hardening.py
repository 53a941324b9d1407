"""Whether programs were built as cmake/compile_options.cmake builds what is shipped (NODEDEVICE_HARDEN)."""

import json
import platform
import re
import shlex
from pathlib import Path

from elf import Elf
from problem import Problem

# memcpy that knows how large its target is, and its like. The loader has to find at least one.
_FORTIFIED = re.compile(r"__(\w+)_chk(?:@.*)?")
_STACK_PROTECTOR = "__stack_chk_fail"
_LIBRARY_ASSERTION = "__glibcxx_assert_fail"
# What nobody sees in a program, since Debian's own libraries, of which the most of it is, were built in part with the same.
_COMPILED_WITH = ("-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2", "-D_GLIBCXX_ASSERTIONS")
_COMPILED_WITH_ON = {"x86_64": ("-fcf-protection",)}
_OPTIMIZED = re.compile(r"-O[123s]")


def fortified(elf):
    """The functions of the C library that check the size of what they write into, "memcpy", sorted."""
    return sorted({found.group(1) for found in map(_FORTIFIED.fullmatch, elf.symbols) if found})


def lacks(elf):
    """What a program has not, each as a phrase after its name."""
    found = []
    if not elf.is_position_independent():
        found.append("is not position-independent (PIE)")
    if not elf.is_bound_at_start():
        found.append("binds functions when they are called, not at its start (-z now)")
    if not elf.has_read_only_relocations():
        found.append("leaves writable what the loader has filled in (-z relro)")
    if elf.has_executable_stack():
        found.append("has an executable stack (-z noexecstack)")
    if elf.has_writable_code():
        found.append("has code that it can write")
    if not any(name.startswith(_STACK_PROTECTOR) for name in elf.symbols):
        found.append("has no stack protector (-fstack-protector-strong)")
    if not fortified(elf):
        found.append("calls no fortified function (-D_FORTIFY_SOURCE=2)")
    if not any(_LIBRARY_ASSERTION in name for name in elf.symbols):
        found.append("does not check the arguments of the standard library (-D_GLIBCXX_ASSERTIONS)")
    return found


def lacking_commands(commands, machine=platform.machine()):
    """Source file -> flags without which it was compiled; of compile_commands.json, tests apart."""
    wanted = _COMPILED_WITH + _COMPILED_WITH_ON.get(machine, ())
    lacking = {}
    for entry in commands:
        words = shlex.split(entry["command"])
        output = entry.get("output") or words[words.index("-o") + 1]
        if output.startswith("tests/"):
            continue
        missing = [flag for flag in wanted if flag not in words]
        if not any(map(_OPTIMIZED.fullmatch, words)):
            missing.append("-O2")  # without which nothing is fortified
        if missing:
            lacking[entry["file"]] = missing
    return lacking


def check(build, names):
    """Prints a line for each program of a build folder; a Problem when one lacks anything."""
    build = Path(build)
    problems = []
    for name in names:
        elf = Elf(build / "bin" / name)
        problems += [f"{elf.path} {what}" for what in lacks(elf)]
        if not lacks(elf):
            print(f"{name}: PIE, bound at its start, read-only relocations, no executable stack, stack protector, library "
                  f"assertions, fortified: {', '.join(fortified(elf))}")
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    problems += [f"{file} was compiled without {' '.join(flags)}" for file, flags in lacking_commands(commands).items()]
    if problems:
        raise Problem("\n".join(problems + ["build it by the preset `release`: make build"]))
