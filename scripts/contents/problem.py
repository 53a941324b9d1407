"""What these scripts give up with."""


class Problem(Exception):
    """Something that whoever builds the image must change; the text says what."""
