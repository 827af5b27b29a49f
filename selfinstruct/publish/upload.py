"""A release onto a branch: one commit or none, and a tag.

Decides: the order of things, so that whoever reads the branch finds the old release or the new
one, never half of either, however the upload ends; and what is done about commits of others.
Does not know: how requests are made.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from selfinstruct.errors import HubError
from selfinstruct.publish.files import LocalFile, Watch
from selfinstruct.publish.plan import Plan, make_plan
from selfinstruct.publish.repository import Head, Repository

CARD = "README.md"

_BATCH = 64_000_000
_BATCH_FILES = 256


class Wish(NamedTuple):
    """What is asked for: a message for the commit, a tag ("": none), a private repository."""

    message: str
    tag: str = ""
    private: bool = False


class Published(NamedTuple):
    """What came of it: the commit that holds the release, and what was done to get there.

    `made` is false where everything was there already.
    """

    commit: str
    plan: Plan
    made: bool
    tagged: bool


def planned(
    repository: Repository, files: Mapping[str, LocalFile], wish: Wish
) -> tuple[Head | None, Plan]:
    """Return what the branch holds and what there is to do; nothing is touched.

    Raises HubError where the tag stands on something else, or the repository is not private as
    was wished.
    """
    head = repository.head()
    if head is None:
        return None, make_plan(files, {})
    if wish.private and not head.private:
        message = f"{repository.address} is public, and --private was given"
        raise HubError(message, hint="make it private there, or leave out --private")
    plan = make_plan(files, head.files)
    if wish.tag:
        _check_tag(repository, wish.tag, "" if plan else head.commit)
    return head, plan


def publish(
    repository: Repository, files: Mapping[str, LocalFile], wish: Wish, watch: Watch
) -> Published:
    """Bring a release onto the branch `main`; what is there already is not sent again.

    Raises HubError; then the branch is as it was, or holds the whole release.
    """
    head, plan = planned(repository, files, wish)
    if head is None:
        repository.create(private=wish.private)
        head, plan = planned(repository, files, wish)
        if head is None:
            message = f"{repository.address} cannot be seen, although it should be there now"
            raise HubError(message, hint="see --endpoint, and that the token may read there")
    commit = _send(repository, files, plan, head, wish, watch) if plan else head.commit
    tagged = bool(wish.tag) and repository.tags().get(wish.tag) != commit
    if tagged:
        repository.tag(wish.tag, commit)
    return Published(commit, plan, bool(plan), tagged)


def _check_tag(repository: Repository, tag: str, commit: str) -> None:
    """Raise HubError for a tag that stands on another commit than this one."""
    stands = repository.tags().get(tag)
    if stands and stands != commit:
        message = f"the tag {tag} of {repository.address} stands on {stands[:12]}, another commit"
        raise HubError(message, hint="give a new tag; one that was given away is not moved")


def _send(
    repository: Repository,
    files: Mapping[str, LocalFile],
    plan: Plan,
    head: Head,
    wish: Wish,
    watch: Watch,
) -> str:
    """Upload what differs, make the commit, and return it when the branch holds the release."""
    additions = repository.additions({one.path: files[one.path].path for one in plan.sent})
    if any(one.path == CARD for one in plan.sent):
        repository.check_card(files[CARD].path.read_text(encoding="utf-8"))
    if additions:
        _upload(repository, additions, plan, watch)
    watch.begin("committing", 0)
    deletions = [one.path for one in plan.delete]
    fault: HubError | None = None
    try:
        repository.commit(additions, deletions, message=wish.message, parent=head.commit)
    except HubError as error:
        fault = error
    try:
        now = repository.head()
    except HubError as error:
        raise fault or error from None
    if now is None or now.commit == head.commit:
        if fault is None:
            message = f"{repository.address} took the commit, and does not show it"
            raise HubError(message, hint="see what is there, then give the same command again")
        raise fault
    left = make_plan(files, now.files)
    if not left:
        return now.commit  # ours, also where its answer was lost
    raise _others(repository, now.commit) if fault else _not_kept(repository, left)


def _upload(repository: Repository, additions: Sequence[Any], plan: Plan, watch: Watch) -> None:
    """Send what the server keeps outside of git, some files at a time."""
    watch.begin("uploading", sum(one.size for one in plan.sent))
    sizes = [one.size for one in plan.sent]
    for first, last in _batches(sizes):
        repository.upload(additions[first:last])
        watch.moved(sum(sizes[first:last]))


def _batches(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where each batch begins and ends: few bytes, unless one file alone is more."""
    first = size = 0
    for place, more in enumerate(sizes):
        if place > first and (size + more > _BATCH or place - first >= _BATCH_FILES):
            yield first, place
            first, size = place, 0
        size += more
    if sizes:
        yield first, len(sizes)


def _others(repository: Repository, commit: str) -> HubError:
    """Return the error for a commit that somebody else has made meanwhile."""
    title = ""
    with suppress(HubError):
        title = repository.title(commit)
    message = f"{repository.address} has a commit of others by now: {commit[:12]} {title!r}"
    hint = "nothing was overwritten; look at it, then run again to publish on top of it"
    return HubError(message, hint=hint)


def _not_kept(repository: Repository, left: Plan) -> HubError:
    """Return the error for a repository that does not hold what was committed."""
    paths = [one.path for one in (*left.add, *left.change, *left.delete)]
    message = f"{repository.address} took the commit, and holds {paths[0]} otherwise"
    hint = "see whether its .gitignore or .gitattributes names it, or somebody changed it since"
    return HubError(message, hint=hint)
