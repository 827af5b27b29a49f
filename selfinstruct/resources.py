"""Finds the data that ships with the program: seeds, filters, prompts, templates, wordings.

Decides: where data lies, in a checkout (beside the package) and in a wheel (inside it).
Does not know: what the files mean.
"""

from pathlib import Path

from selfinstruct.errors import InputError, unknown_name

_PACKAGE = Path(__file__).parent


def data_dir(name: str) -> Path:
    """Return the folder `name` ("seeds", "filters") of a checkout or of an installed wheel."""
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    message = f"the folder {name!r} that ships with selfinstruct is missing"
    raise InputError(message, hint="install it again: pip install --force-reinstall selfinstruct")


def seeds_file(language: str) -> Path:
    """Return the seed tasks that ship for a language; raise InputError naming those that do."""
    folder = data_dir("seeds")
    spoken = {entry.name for entry in (_PACKAGE / "prompts").iterdir()}
    if language in spoken and not (folder / f"{language}.jsonl").is_file():
        message = f"no seed tasks ship for the language {language!r}"
        raise InputError(message, hint="give tasks of your own: --seeds FILE.jsonl")
    return _named(folder, language, ".jsonl", "language")


def recipe_file(name: str) -> Path:
    """Return the recipe that ships under a name; raise InputError naming those that do."""
    return _named(data_dir("filters"), name, ".toml", "recipe")


def prompts_dir(language: str) -> Path:
    """Return the folder of prompt texts for a language; raise InputError naming those there."""
    return _named(_PACKAGE / "prompts", language, "", "language")


def template_dir(language: str) -> Path | None:
    """Return the folder of export templates for a language, None where there is none."""
    folder = _PACKAGE / "export" / "templates" / language
    return folder if folder.is_dir() and language else None


def mixture_file() -> Path:
    """Return the mixture of export templates that ships with the program."""
    return _PACKAGE / "export" / "templates" / "mixture.toml"


def export_readme() -> Path:
    """Return the template of the README that lies beside an export."""
    return _PACKAGE / "export" / "README.md.jinja"


def release_card() -> Path:
    """Return the template of the card of a release."""
    return _PACKAGE / "publish" / "README.md.jinja"


def wordings_file(language: str) -> Path:
    """Return the wordings of classification tasks in a language; raise InputError naming those."""
    return _named(_PACKAGE / "importing" / "wordings", language, ".toml", "language")


def read_text(path: Path, *, hint: str) -> str:
    """Read a file that a person wrote; a byte-order mark and CRLF are accepted.

    Raises InputError, with the hint, for one that cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}", hint="save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=hint) from error


def _named(folder: Path, name: str, suffix: str, what: str) -> Path:
    """Find `folder/name+suffix`, or say which names there are."""
    path = folder / f"{name}{suffix}"
    known = [
        entry.name.removesuffix(suffix)
        for entry in folder.iterdir()
        if entry.name.endswith(suffix)
        and not entry.name.startswith(("_", "README", "."))
        and (suffix or entry.is_dir())
    ]
    if name not in known:
        raise unknown_name(what, name, known)
    return path
