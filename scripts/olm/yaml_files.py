"""Reads and writes YAML so that the same values give the same bytes."""

import yaml


class Problem(Exception):
    """Something that the administrator or the author of a manifest must change; the text says what."""


# Much faster where PyYAML has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def _text(dumper, value):
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def read_all(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.load_all(file, _Loader) if document is not None]


def read(path):
    documents = read_all(path)
    if len(documents) != 1:
        raise Problem(f"{path}: has {len(documents)} documents, one is expected")
    return documents[0]


def parse(text):
    return yaml.load(text, _Loader)


def to_text(value):
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1000000, allow_unicode=True)
