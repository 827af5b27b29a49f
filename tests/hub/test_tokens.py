"""A token goes to the Hub it is for, and nowhere else: no file, no log, no error, no mirror."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Result, refused, run
from hypothesis import given as each
from hypothesis import strategies as st

from hub.made import NAME, environment, given, publish, published, release
from hub.server import TOKEN, Fault, LoopbackHub
from hub.tried import COMMIT, CREATE, PUT
from selfinstruct.errors import InputError
from selfinstruct.publish.faults import Speech
from selfinstruct.publish.target import HUB, check_endpoint, find_token, origin

LOGIN = "hf_fromTheLoginOfTheUser"


@pytest.fixture
def elsewhere() -> Iterator[LoopbackHub]:
    """Start a second server, which nobody has named."""
    server = LoopbackHub()
    yield server
    server.stop()


def no_secret_in(folder: Path, *results: Result) -> None:
    """Check that no file below a folder holds a token, and no output."""
    secrets = [TOKEN.encode(), LOGIN.encode()]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        if path.name != "token":  # the login itself
            assert not [one for one in secrets if one in path.read_bytes()], path
    for result in results:
        assert TOKEN not in result.out + result.err
        assert LOGIN not in result.out + result.err


def test_a_login_is_not_sent_to_a_mirror(hub: LoopbackHub, tmp_path: Path) -> None:
    """Neither HF_TOKEN nor a cached login, however the mirror was named."""
    hub.store.users[LOGIN] = "writer"
    folder = release(tmp_path / "release")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "token").write_text(LOGIN)
    for words, more in (
        (given(folder, hub.url), {}),
        (given(folder, ""), {"HF_ENDPOINT": hub.url, "HF_TOKEN": LOGIN}),
    ):
        result = run(*words, env=environment(cache, **more))
        refused(result, "wants a token", "--token-env")
        no_secret_in(tmp_path, result)
    assert len(hub.requests) == 2
    assert not [one for one in hub.requests if "authorization" in one.headers]
    assert hub.store.repos == {}


def test_only_the_named_server_is_sent_the_token(
    hub: LoopbackHub, elsewhere: LoopbackHub, folder: Path
) -> None:
    """Not one that its answers name, for uploads or by a redirect; what is asked there is open."""
    hub.verify_at = elsewhere.url
    hub.redirect = {f"/api/datasets/{NAME}/refs": elsewhere.url}
    elsewhere.store = hub.store
    result = publish(hub, folder, "--tag", "v1")
    assert result.code == 0, result
    assert elsewhere.lines("POST .*/verify")
    assert elsewhere.lines("GET .*/refs")
    assert not [one for one in elsewhere.requests if "authorization" in one.headers]
    assert not [
        one for one in hub.requests if one.method == "PUT" and "authorization" in one.headers
    ]


def test_no_token_is_written_anywhere(hub: LoopbackHub, folder: Path, tmp_path: Path) -> None:
    """No file, no output and no commit holds it, with faults, retries and debug logs."""
    hub.fail(Fault(CREATE, "503:0"), Fault(PUT, "503"), Fault(COMMIT, "403"))
    failed = publish(hub, folder)
    refused(failed, "planned, with Bearer ***")
    debugged = publish(hub, folder, "--tag", "v1", HF_DEBUG="1", HF_HUB_VERBOSITY="debug")
    assert debugged.code == 0, debugged
    wrong = publish(hub, folder, "--token-env", "OTHER", OTHER=f"{TOKEN} and more")
    refused(wrong, "OTHER", "holds no token")
    no_secret_in(tmp_path, failed, debugged, wrong)
    assert not [path for path, data in published(hub).items() if TOKEN.encode() in data]
    assert TOKEN not in hub.store.repos[NAME].head.title


def test_a_variable_that_is_not_set_is_said(hub: LoopbackHub, folder: Path) -> None:
    """--token-env takes a name; a value given by mistake is in no request."""
    refused(publish(hub, folder, "--token-env", "NOT_SET"), "NOT_SET", "is not set")
    assert not hub.requests


@pytest.mark.parametrize(
    ("endpoint", "insecure", "kept"),
    [
        ("https://huggingface.co/", False, HUB),
        ("https://HuggingFace.co", False, HUB),
        ("http://127.0.0.1:8000/a/b/", False, "http://127.0.0.1:8000/a/b"),
        ("http://[::1]:80", False, "http://[::1]:80"),
        ("http://localhost:8000", False, "http://localhost:8000"),
        ("http://mirror.lan", True, "http://mirror.lan"),
        ("http://mirror.lan", False, ""),
        ("http://127.0.0.1.example.com", False, ""),
        ("https://me:secret@mirror.example", False, ""),
        ("ftp://mirror.example", False, ""),
        ("mirror.example", False, ""),
        ("https://", False, ""),
        ("https://a.example?x=1", False, ""),
        ("https://a.example:port", False, ""),
    ],
)
def test_an_endpoint_is_safe_or_refused(endpoint: str, insecure: bool, kept: str) -> None:  # noqa: FBT001
    """Plain http leads to this machine alone, unless it is forced; passwords are not shown."""
    if kept:
        assert check_endpoint(endpoint, insecure=insecure) == kept
        return
    with pytest.raises(InputError) as caught:
        check_endpoint(endpoint, insecure=insecure)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_the_login_is_for_the_hub_itself() -> None:
    """A named variable goes before it; for no other endpoint is it even looked at."""

    def never() -> str:
        raise AssertionError

    variables = {"MINE": f" {TOKEN}\n", "HF_TOKEN": LOGIN}
    assert find_token(HUB, "", variables, lambda: LOGIN) == LOGIN
    assert find_token(HUB, "MINE", variables, never) == TOKEN
    for mirror in ("https://hf-mirror.com", "https://huggingface.co.example", f"{HUB}:444"):
        assert find_token(mirror, "", variables, never) is None
        assert find_token(mirror, "MINE", variables, never) == TOKEN


@each(st.text(), st.text(), st.sampled_from(["", "Bearer ", "bearer ", '"', "?token="]))
def test_cleaning_leaves_no_secret(before: str, after: str, lead: str) -> None:
    """Whatever stands around the token, it is not in a cleaned text, which is one line."""
    said = Speech("https://x.example", "a/b", TOKEN).clean(f"{before}{lead}{TOKEN}{after}")
    assert TOKEN not in said
    assert len(said.splitlines()) <= 1


def test_a_server_is_scheme_host_and_port() -> None:
    """What shares a token: default ports count, names are compared whole."""
    assert origin("https://a.example/x") == origin("https://A.example:443/y?z")
    others = [
        "http://a.example",
        "https://a.example:444",
        "https://b.a.example",
        "https://a.exampl",
    ]
    assert not [one for one in others if origin(one) == origin("https://a.example")]
