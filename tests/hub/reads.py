"""What the Hub of the tests shows: revisions, trees, files, who asks."""

import re
from typing import Any

from hub.server import LoopbackHub, Request, Response, decoded
from hub.store import Blob, Commit, Repo

DATE = "2024-05-06T07:08:09.000Z"


def refusal(status: int, said: str, code: str = "") -> Response:
    """Return an error as the Hub words it, for people and for programs."""
    headers = {"X-Error-Message": said, **({"X-Error-Code": code} if code else {})}
    return Response(status, {"error": said}, headers)


def user(hub: LoopbackHub, request: Request) -> str | None:
    """Return who asks."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return hub.store.users.get(token) if kind == "Bearer" else None


def find(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Repo | Response:
    """Return a repository that may be seen by who asks."""
    repo = hub.store.repos.get(decoded(match["repo"]))
    if repo is None or (repo.private and not user(hub, request)):
        status = 404 if user(hub, request) else 401
        return refusal(status, "Repository not found", "RepoNotFound")
    return repo


def find_commit(
    hub: LoopbackHub, request: Request, match: "re.Match[str]"
) -> tuple[Repo, Commit] | Response:
    """Return a repository and a commit of it."""
    repo = find(hub, request, match)
    if isinstance(repo, Response):
        return repo
    commit = repo.at(decoded(match["rev"] or "main"))
    return (repo, commit) if commit else refusal(404, "Invalid rev id", "RevisionNotFound")


def whoami(hub: LoopbackHub, request: Request, _: "re.Match[str]") -> Response:
    """Say whose token it is."""
    name = user(hub, request)
    role = {"accessToken": {"displayName": "test", "role": name}}
    return Response(200, {"type": "user", "id": "1", "name": name, "orgs": [], "auth": role})


def validate(_: LoopbackHub, request: Request, __: "re.Match[str]") -> Response:
    """Look at a card: only one without YAML at its top is refused."""
    if request.json()["content"].startswith("---\n"):
        return Response(200, {"errors": [], "warnings": []})
    said = [{"message": '"license" must be one of [apache-2.0, mit]'}]
    return Response(400, {"errors": said, "warnings": []})


def info(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Describe a repository at a revision."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    repo, commit = found
    names = [{"rfilename": path} for path in sorted(commit.files)]
    about = {"id": repo.name, "author": repo.name.split("/")[0], "sha": commit.oid}
    counts = {"downloads": 0, "likes": 0, "tags": [], "gated": False, "disabled": False}
    times = {"createdAt": DATE, "lastModified": DATE}
    return Response(200, {**about, **counts, **times, "private": repo.private, "siblings": names})


def entry(path: str, blob: Blob) -> dict[str, Any]:
    """Describe a file as trees do."""
    found = {"type": "file", "path": path, "size": len(blob.data), "oid": blob.git}
    if blob.lfs:
        lfs = {"oid": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
        return {**found, "lfs": lfs}
    return found


def folders_of(path: str) -> list[str]:
    """Return the folders a path lies in, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def tree(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """List files and folders, a page at a time."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    _, commit = found
    below = decoded(match["path"] or "").strip("/")
    start = f"{below}/" if below else ""
    is_deep = request.query.get("recursive", ["false"])[0].lower() == "true"
    files = {path: blob for path, blob in commit.files.items() if path.startswith(start)}
    if below and not files:
        return refusal(404, f"{below} does not exist", "EntryNotFound")
    folders = {one for path in files for one in folders_of(path) if one.startswith(start)}
    entries = [{"type": "directory", "path": one, "size": 0, "oid": "0" * 40} for one in folders]
    entries += [entry(path, blob) for path, blob in files.items()]
    if not is_deep:
        entries = [one for one in entries if "/" not in str(one["path"])[len(start) :]]
    entries.sort(key=lambda one: str(one["path"]))
    first = int(request.query.get("cursor", ["0"])[0])
    shown = entries[first : first + hub.page]
    headers = {}
    if first + hub.page < len(entries):
        deep = "recursive=true&" if is_deep else ""
        after = f"{hub.url}{request.path}?{deep}cursor={first + hub.page}"
        headers["Link"] = f'<{after}>; rel="next"'
    return Response(200, shown, headers)


def paths_info(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Describe the files that are named."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    files = found[1].files
    asked = request.json()["paths"]
    folders = {one for path in files for one in folders_of(path)}
    said = [entry(path, files[path]) for path in asked if path in files]
    said += [
        {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}
        for path in asked
        if path in folders
    ]
    return Response(200, said)


def refs(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """List branches and tags."""
    repo = find(hub, request, match)
    if isinstance(repo, Response):
        return repo
    kinds = {"branches": ("heads", repo.branches), "tags": ("tags", repo.tags)}
    said = {
        kind: [
            {"name": name, "ref": f"refs/{place}/{name}", "targetCommit": oid}
            for name, oid in listed.items()
        ]
        for kind, (place, listed) in kinds.items()
    }
    return Response(200, {**said, "converts": []})


def commits(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """List the commits of a revision."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    repo, commit = found
    said = [
        {
            "id": one.oid,
            "title": one.title,
            "message": "",
            "authors": [{"user": one.author}],
            "date": DATE,
        }
        for one in repo.since(commit.oid)
    ]
    return Response(200, said)


def resolve(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Hand out a file, or a range of it."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    _, commit = found
    blob = commit.files.get(decoded(match["path"]))
    if blob is None:
        missing = refusal(404, "Entry not found", "EntryNotFound")
        return missing._replace(headers={**missing.headers, "X-Repo-Commit": commit.oid})
    headers = {
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{blob.etag}"',
        "Accept-Ranges": "bytes",
        "X-Linked-Size": str(len(blob.data)),
        "X-Linked-Etag": f'"{blob.etag}"',
    }
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not wanted:
        return Response(200, blob.data, headers)
    first, last = int(wanted[1]), min(int(wanted[2] or len(blob.data)), len(blob.data) - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{len(blob.data)}"
    return Response(206, blob.data[first : last + 1], headers)
