"""An inventory as a text for people."""

from inventory import OURS

_MOST_USERS = 5  # that are named


def _title(owner, inventory):
    if owner == OURS:
        return "this software"
    package = inventory.packages[owner]
    return f"Debian {package.name} {package.version}"


def _why(path, inventory):
    users = [file.path.rpartition("/")[2] for file in inventory.files if path in file.needs]
    if len(users) > _MOST_USERS:
        return f"  for {len(users)} others"
    return f"  for {', '.join(users)}" if users else ""


def text(image, inventory):
    """The files by where they come from, the largest origin first; then what else is in our programs."""
    lines = [f"{image.name} {image.digest}", "",
             f"{sum(file.size for file in inventory.files):>10}  bytes in {len(inventory.files)} files"]
    for owner in inventory.owners():
        files = inventory.owned_by(owner)
        lines += ["", f"{sum(file.size for file in files):>10}  {_title(owner, inventory)}"]
        for file in sorted(files, key=lambda file: (-file.size, file.path)):
            lines.append(f"{file.size:>12}  /{file.path}{_why(file.path, inventory)}")
    lines += ["", "linked into the programs, as archives"]
    owners = sorted({owner for linked in inventory.linked.values() for owner in linked})
    for owner in owners:
        programs = [path.rpartition("/")[2] for path, linked in sorted(inventory.linked.items()) if owner in linked]
        lines.append(f"  {_title(owner, inventory)}: {', '.join(programs)}")
    lines += ["", "compiled into the programs, by their headers"]
    lines += [f"  {_title(owner, inventory)}" for owner in inventory.compiled]
    return "\n".join(lines) + "\n"
