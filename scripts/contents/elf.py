"""Reads what an ELF file says of itself: how it wants to be loaded, and which symbols it has and asks for."""

import struct

from problem import Problem

_DYNAMIC, _GNU_STACK, _GNU_RELRO = 2, 0x6474E551, 0x6474E552  # types of segments
_SYMTAB, _DYNSYM = 2, 11  # types of sections
_SHARED_OBJECT = 3  # type of file
_WRITABLE, _EXECUTABLE = 2, 1  # flags of segments
_NEEDED, _STRTAB, _BIND_NOW, _FLAGS, _FLAGS_1 = 1, 5, 24, 30, 0x6FFFFFFB  # tags of the dynamic section
_DF_BIND_NOW, _DF_1_NOW, _DF_1_PIE = 8, 1, 0x08000000


class Elf:
    """A 64-bit ELF file, little-endian or big-endian. `symbols` has the names of all that its two tables name, be they
    its own or asked of others; `needed` the names of the libraries that it wants loaded."""

    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            self._data = file.read()
        if self._data[:5] != b"\x7fELF\x02":
            raise Problem(f"{path}: is no 64-bit ELF file")
        self._order = "<" if self._data[5] == 1 else ">"
        try:
            self._read()
        except (struct.error, IndexError) as error:
            raise Problem(f"{path}: is cut short or damaged: {error}") from error

    def _unpack(self, form, offset):
        return struct.unpack_from(self._order + form, self._data, offset)

    def _read(self):
        (self._type, _, _, _, segments_at, sections_at, _, _, segment_size, segment_count, section_size, section_count,
         _) = self._unpack("HHIQQQIHHHHHH", 16)
        self._segments = [self._unpack("IIQQQQQQ", segments_at + i * segment_size) for i in range(segment_count)]
        sections = [self._unpack("IIQQQQIIQQ", sections_at + i * section_size) for i in range(section_count)]
        self._dynamic = self._read_dynamic()
        self.symbols = set()
        for _, kind, _, _, offset, size, link, _, _, entry_size in sections:
            if kind in (_SYMTAB, _DYNSYM):
                names_at = sections[link][4]
                for at in range(offset, offset + size, entry_size):
                    self.symbols.add(self._name(names_at + self._unpack("I", at)[0]))
        self.needed = [self._name(self._at_address(self._dynamic[_STRTAB][0]) + name)
                       for name in self._dynamic.get(_NEEDED, [])]

    def _read_dynamic(self):
        """Tag -> values, in their order."""
        values = {}
        for kind, _, offset, _, _, size, _, _ in self._segments:
            if kind != _DYNAMIC:
                continue
            for at in range(offset, offset + size, 16):
                tag, value = self._unpack("qQ", at)
                if tag == 0:
                    break
                values.setdefault(tag, []).append(value)
        return values

    def _at_address(self, address):
        """Where in the file that is which will be at this address."""
        for _, _, offset, start, _, size, _, _ in self._segments:
            if start <= address < start + size:
                return offset + address - start
        raise Problem(f"{self.path}: nothing of the file is at address {address:#x}")

    def _name(self, offset):
        return self._data[offset:self._data.index(b"\0", offset)].decode("utf-8", "replace")

    def _flag(self, tag, flag):
        return any(value & flag for value in self._dynamic.get(tag, []))

    def is_position_independent(self):
        return self._type == _SHARED_OBJECT and self._flag(_FLAGS_1, _DF_1_PIE)

    def is_bound_at_start(self):
        """The loader looks up every function before main(), so that nothing has to stay writable for later."""
        return _BIND_NOW in self._dynamic or self._flag(_FLAGS, _DF_BIND_NOW) or self._flag(_FLAGS_1, _DF_1_NOW)

    def has_read_only_relocations(self):
        return any(segment[0] == _GNU_RELRO for segment in self._segments)

    def has_executable_stack(self):
        """Also when it does not say: then the kernel gives it one."""
        flags = [segment[1] for segment in self._segments if segment[0] == _GNU_STACK]
        return not flags or any(flag & _EXECUTABLE for flag in flags)

    def has_writable_code(self):
        both = _WRITABLE | _EXECUTABLE
        return any(segment[0] != _GNU_STACK and segment[1] & both == both for segment in self._segments)
