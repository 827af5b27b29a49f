"""One dataset repository of a Hub, through huggingface_hub.

Decides: what is asked of the Hub, and that what it answers is understood or an error. Does not
know: what a release is, or in which order things are done.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from selfinstruct.errors import HubError
from selfinstruct.publish.faults import Speech
from selfinstruct.publish.retry import Calls
from selfinstruct.publish.session import Terms, client_library, session, without_xet
from selfinstruct.publish.target import HUB

_BLOCK = 1 << 20


class RemoteFile(NamedTuple):
    """A file of a repository: its size, git's digest of its blob, and its SHA-256 if LFS has it."""

    size: int
    git: str
    sha256: str


class Head(NamedTuple):
    """What a revision of a repository holds; `commit` is "" for one that has no commit."""

    commit: str
    private: bool
    files: Mapping[str, RemoteFile]


class Repository:
    """A repository, or the place where one can be."""

    def __init__(self, terms: Terms, name: str, token: str | None, calls: Calls) -> None:
        hub = client_library()
        self.name = name
        self.terms = terms
        self.token = token
        self._hub = hub
        self._calls = calls
        self._xet: bool | None = None
        self._api = hub.HfApi(
            endpoint=terms.endpoint, token=token or False, library_name="selfinstruct"
        )
        self._at = {"repo_id": name, "repo_type": "dataset"}

    @property
    def address(self) -> str:
        """Return where people look at it."""
        return f"{self.terms.endpoint}/datasets/{self.name}"

    def head(self, revision: str = "main") -> Head | None:
        """Return what a revision holds; None where there is no repository that we may see."""

        def once() -> Head | None:
            try:
                info = self._api.dataset_info(
                    self.name, revision=revision, timeout=self.terms.seconds
                )
            except self._hub.errors.RevisionNotFoundError:
                if revision != "main":
                    raise
                return Head("", self._is_private(), {})
            except self._hub.errors.RepositoryNotFoundError as error:
                if error.response.status_code == 401 and not self.token:
                    raise  # a Hub also says so of what it does not show to everybody
                return None
            if not info.sha:
                return Head("", bool(info.private), {})
            return Head(info.sha, bool(info.private), self._files(info.sha))

        return self._calls.make(f"reading {self.name}", once)

    def _is_private(self) -> bool:
        info = self._api.dataset_info(self.name, timeout=self.terms.seconds)
        return bool(info.private)

    def _files(self, commit: str) -> dict[str, RemoteFile]:
        """Return the files of a commit."""
        tree = self._api.list_repo_tree(**self._at, revision=commit, recursive=True)
        return {
            one.path: RemoteFile(one.size, one.blob_id, one.lfs.sha256 if one.lfs else "")
            for one in tree
            if isinstance(one, self._hub.hf_api.RepoFile)
        }

    def create(self, *, private: bool) -> None:
        """Ask for the repository to be made; one that is there by now is fine."""

        def once() -> None:
            try:
                self._api.create_repo(**self._at, private=private)
            except self._hub.errors.HfHubHTTPError as error:
                if error.response.status_code != 409:
                    raise
            except (ValueError, KeyError):
                pass  # a mirror that calls itself otherwise; whether it is there is seen next

        self._calls.make(f"making {self.name}", once)

    def _speaks_xet(self) -> bool:
        """Say whether large files go there by xet; the Hub itself always does.

        The client takes it for granted, and a mirror that has only LFS then refuses the upload.
        """
        if self.terms.endpoint == HUB:
            return True
        address = f"{self.terms.endpoint}/api/datasets/{self.name}/xet-write-token/main"
        headers = self._hub.utils.build_hf_headers(token=self.token or False)

        def once() -> bool:
            answer = self._hub.get_session().get(address, headers=headers)
            if answer.status_code in (401, 403, 404, 405, 501):
                return False  # what it says of the token, it says again of the upload
            self._hub.utils.hf_raise_for_status(answer)
            return bool(answer.json().get("casUrl"))

        return self._calls.make(f"asking {self.name} for xet", once)

    def check_card(self, text: str) -> None:
        """Raise HubError for a card that the Hub would refuse; not every mirror looks at it."""
        address = f"{self.terms.endpoint}/api/validate-yaml"
        headers = self._hub.utils.build_hf_headers(token=self.token or False)
        asked = {"content": text, "repoType": "dataset"}

        def once() -> None:
            answer = self._hub.get_session().post(address, json=asked, headers=headers)
            if answer.status_code == 400:
                said = "; ".join(one["message"] for one in answer.json()["errors"])
                message = (
                    f"{self.terms.endpoint} refuses the card: {self._calls.speech.clean(said)}"
                )
                hint = "mend what stands between the --- lines of README.md, and publish again"
                raise HubError(message, hint=hint)
            if answer.status_code != 404:
                self._hub.utils.hf_raise_for_status(answer)

        self._calls.make("checking the card", once)

    def additions(self, files: Mapping[str, Path]) -> list[Any]:
        """Return the client's operations that add files."""
        return [self._hub.CommitOperationAdd(path, local) for path, local in sorted(files.items())]

    def upload(self, additions: Sequence[Any]) -> None:
        """Send those of some additions that the server keeps outside of git; no commit yet."""
        if self._xet is None:
            self._xet = self._speaks_xet()
        with ExitStack() as stack:
            if not self._xet:
                stack.enter_context(without_xet())
            self._calls.make(
                "uploading",
                lambda: self._api.preupload_lfs_files(
                    self.name, additions, repo_type="dataset", free_memory=False
                ),
            )

    def commit(
        self, additions: Sequence[Any], deletions: Sequence[str], *, message: str, parent: str
    ) -> None:
        """Make one commit on `parent`, if that still is what the branch has.

        Raises HubError where it is not, or where that cannot be known: the commit may be made all
        the same, its answer lost.
        """
        gone = [self._hub.CommitOperationDelete(path, is_folder=False) for path in deletions]
        tried = False

        def once() -> None:
            nonlocal tried
            if tried and self._commit() != parent:
                raise HubError(f"{self.name} has another commit by now", hint="look at it")
            tried = True
            self._api.create_commit(
                **self._at,
                operations=[*additions, *gone],
                commit_message=message,
                parent_commit=parent or None,
            )

        self._calls.make("the commit", once)

    def _commit(self) -> str:
        """Return the newest commit of the branch."""
        info = self._api.dataset_info(self.name, revision="main", timeout=self.terms.seconds)
        return str(info.sha or "")

    def tags(self) -> dict[str, str]:
        """Return the commit of each tag."""
        return self._calls.make(
            f"reading the tags of {self.name}",
            lambda: {
                tag.name: tag.target_commit for tag in self._api.list_repo_refs(**self._at).tags
            },
        )

    def tag(self, name: str, commit: str) -> None:
        """Give a commit a tag; raise HubError where it cannot be, or is another's."""

        def once() -> None:
            try:
                self._api.create_tag(**self._at, tag=name, revision=commit)
            except self._hub.errors.HfHubHTTPError as error:
                taken = error.response.status_code == 409
                if not taken or self.tags().get(name) != commit:
                    raise

        self._calls.make(f"the tag {name}", once)

    def title(self, commit: str) -> str:
        """Return the first line of a commit's message."""
        found = self._calls.make(
            f"reading the commits of {self.name}",
            lambda: next(iter(self._api.list_repo_commits(**self._at, revision=commit)), None),
        )
        return self._calls.speech.clean(found.title) if found else ""

    def digest(self, path: str, commit: str, moved: Callable[[int], None]) -> str:
        """Read a file and return the SHA-256 of what came; nothing is kept."""

        def once() -> str:
            found = sha256()
            for block in self._blocks(path, commit):
                found.update(block)
                moved(len(block))
            return found.hexdigest()

        return self._calls.make(f"reading {path}", once)

    def read(self, path: str, commit: str) -> bytes:
        """Return what a small file holds."""
        return self._calls.make(f"reading {path}", lambda: b"".join(self._blocks(path, commit)))

    def _blocks(self, path: str, commit: str) -> Iterator[bytes]:
        address = self._hub.hf_hub_url(
            **self._at, filename=path, revision=commit, endpoint=self.terms.endpoint
        )
        headers = self._hub.utils.build_hf_headers(token=self.token or False)
        client = self._hub.get_session()
        with client.stream("GET", address, headers=headers) as answer:
            self._hub.utils.hf_raise_for_status(answer)
            yield from answer.iter_bytes(_BLOCK)


@contextmanager
def open_repository(
    terms: Terms,
    name: str,
    token: str | None,
    say: Callable[[str], None],
    calls: Calls | None = None,
) -> Iterator[Repository]:
    """Open a repository of a Hub for as long as the context lasts; nothing is asked yet."""
    client_library()
    calls = calls or Calls(Speech(terms.endpoint, name, token), say)
    with session(terms, calls.speech, say), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the client's own libraries deprecate
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: say(calls.speech.clean(str(message)))
        yield Repository(terms, name, token, calls)
