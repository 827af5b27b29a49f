"""The option --columns, which several commands have: a,b,c."""

from selfinstruct.errors import InputError


def column_names(given: str) -> list[str]:
    """Split what was given; raise InputError where it names nothing."""
    names = [name.strip() for name in given.split(",") if name.strip()]
    if given and not names:
        raise InputError("--columns names no column", hint="give their names: --columns a,b")
    return names
