"""Whether what was published is what its checksums say: a folder, or a repository.

Decides: that every byte is read, whatever digests a server claims. Does not know: how a release
is made or uploaded.
"""

from typing import NamedTuple

from selfinstruct.errors import HubError
from selfinstruct.publish.files import Differences, Watch, differences, read_sums
from selfinstruct.publish.repository import Repository
from selfinstruct.publish.sums import SUMS


class Checked(NamedTuple):
    """What a release was found to be: the commit ("" of a folder), its files, and what differs."""

    commit: str
    files: int
    differences: Differences


def verify_repository(repository: Repository, revision: str, watch: Watch) -> Checked:
    """Read all files of a revision of a repository, and compare them with its SHA256SUMS.

    Raises HubError where there is no such repository or revision, or no SHA256SUMS in it.
    """
    head = repository.head(revision)
    if head is None:
        message = f"{repository.address}: no such repository, or not for us to see"
        raise HubError(message, hint="see its name and --endpoint; a private one needs a token")
    if SUMS not in head.files:
        message = f"{repository.address} at {revision} has no {SUMS}"
        raise HubError(message, hint="only what `selfinstruct publish` made can be verified")
    where = f"{SUMS} of {repository.name}"
    sums = read_sums(repository.read(SUMS, head.commit), where)
    listed = [name for name in sums if name in head.files]
    watch.begin("verifying", sum(head.files[name].size for name in listed))
    digests = {name: repository.digest(name, head.commit, watch.moved) for name in listed}
    return Checked(head.commit, len(sums), differences(sums, digests, head.files))
