"""Where a release goes: which Hub, which repository, and whose token may be sent there.

Decides: what a repository and a tag may be called, that a token goes nowhere but where it was
meant for, and that nothing travels in the clear beyond this machine. Does not know: how a Hub is
spoken to.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from selfinstruct.errors import InputError

HUB = "https://huggingface.co"
REPO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*")
LONGEST_REPO = 96
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_TOKEN = re.compile(r"[!-~]{4,}")


def check_repo(name: str) -> str:
    """Return the name of a repository; raise InputError for one that no Hub would take."""
    hint = "give ORG/NAME: letters, digits, and . _ - between them, as in --repo my-org/my-data"
    if not REPO.fullmatch(name):
        raise InputError(f"no repository: {name!r}", hint=hint)
    if len(name) > LONGEST_REPO:
        message = f"a repository's name has at most {LONGEST_REPO} characters, not {len(name)}"
        raise InputError(message, hint="give a shorter one")
    for part in name.split("/"):
        if "--" in part or ".." in part or part[-1] in ".-" or part.endswith(".git"):
            message = f"no repository: {name!r}: {part!r} holds -- or .., or ends in . or - or .git"
            raise InputError(message, hint=hint)
    return name


def check_tag(tag: str) -> str:
    """Return a tag; raise InputError for one that git would not take, or take for another thing."""
    bad = not _TAG.fullmatch(tag) or ".." in tag or tag.endswith((".", ".lock"))
    if bad or tag in ("main", "HEAD") or _COMMIT.fullmatch(tag):
        hint = "letters, digits, and . _ - + / between them, no branch or commit: --tag v1.0"
        raise InputError(f"no tag: {tag!r}", hint=hint)
    return tag


def check_endpoint(given: str, *, insecure: bool) -> str:
    """Return a Hub's address without a last slash; its path, if any, is kept.

    Raises InputError for what is no address, or sends everything in the clear unless `insecure`.
    """
    hint = f"give the address of a Hub: --endpoint {HUB}, or https://HOST/PATH of a mirror"
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InputError("--endpoint: no address", hint=hint) from error
    if parts.username or parts.password:
        message = "--endpoint holds a name or a password"
        raise InputError(message, hint="leave it out, and name a variable: --token-env NAME")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise InputError(f"--endpoint {given!r}: no address", hint=hint)
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        message = f"--endpoint {given}: data and token would travel in the clear"
        raise InputError(message, hint="give its https address, or --insecure-http")
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path.rstrip("/")).geturl()


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(address: str) -> tuple[str, str, int]:
    """Return what two addresses share that belong to one server: scheme, host and port."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


def find_token(
    endpoint: str, variable: str, environment: Mapping[str, str], login: Callable[[], str | None]
) -> str | None:
    """Return the token for a Hub, None where there is none.

    It is that of the environment variable that was named; for the Hub itself else that of
    `login`, which knows HF_TOKEN and `hf auth login`. No other Hub is sent that. Raises
    InputError for a variable that is not set, or holds no token; its value is never shown.
    """
    if not variable:
        found = login() if endpoint == HUB else None
        where = "HF_TOKEN or `hf auth login`"
    else:
        found = environment.get(variable, "")
        where = f"the variable {variable} (--token-env)"
        if not found.strip():
            hint = f"set it: export {variable}=…; give its name, not the token"
            raise InputError(f"{where} is not set", hint=hint)
    if found is None:
        return None
    if not _TOKEN.fullmatch(found.strip()):
        message = f"{where} holds no token: one has no spaces, and letters of ASCII alone"
        raise InputError(message, hint="set it anew")
    return found.strip()
