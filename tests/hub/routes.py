"""Which request of the Hub of the tests is answered by what: the part that publishing needs."""

import re
from collections.abc import Callable

from hub.reads import (
    commits,
    info,
    paths_info,
    refs,
    refusal,
    resolve,
    tree,
    user,
    validate,
    whoami,
)
from hub.server import LoopbackHub, Request, Response
from hub.writes import (
    batch,
    commit_files,
    create,
    preupload,
    put_object,
    tag,
    verify,
    xet_token,
)

Route = Callable[[LoopbackHub, Request, "re.Match[str]"], Response]

REPO = "(?P<repo>[^/]+/[^/]+)"


READS, WRITES, ANY = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST", "PUT")
API = f"/api/datasets/{REPO}"
REV = "(?P<rev>[^/]+)"
ROUTES: list[tuple[tuple[str, ...], str, Route]] = [
    (READS, "/api/whoami-v2", whoami),
    (("POST",), "/api/validate-yaml", validate),
    (WRITES, "/api/repos/create", create),
    (READS, f"{API}(/revision/{REV})?", info),
    (READS, f"{API}/tree/{REV}(/(?P<path>.+))?", tree),
    (ANY, f"{API}/paths-info/{REV}", paths_info),
    (READS, f"{API}/refs", refs),
    (READS, f"{API}/commits/{REV}", commits),
    (READS, f"{API}/xet-write-token/{REV}", xet_token),
    (WRITES, f"{API}/preupload/{REV}", preupload),
    (WRITES, f"{API}/commit/main", commit_files),
    (WRITES, f"{API}/tag/{REV}", tag),
    (WRITES, f"/datasets/{REPO}.git/info/lfs/objects/batch", batch),
    (ANY, "/objects/(?P<oid>[0-9a-f]{64})", put_object),
    (ANY, f"/{REPO}/verify", verify),
    (READS, f"/datasets/{REPO}/resolve/{REV}/(?P<path>.+)", resolve),
]


def route(hub: LoopbackHub, request: Request) -> Response:
    """Find the answer to a request."""
    if "authorization" in request.headers and not user(hub, request):
        return refusal(401, "Invalid credentials in Authorization header")
    for methods, pattern, answer in ROUTES:
        if request.method in methods and (found := re.fullmatch(pattern, request.path)):
            if methods == WRITES and user(hub, request) != "writer":
                status = 403 if user(hub, request) else 401
                return refusal(status, "You need the role 'write' for this")
            with hub.store.lock:
                return answer(hub, request, found)
    return refusal(404, f"no route: {request.line}")
