"""What the Hub of the tests takes: repositories, large objects, commits and tags."""

import base64
import json
import re

from hub.reads import find, find_commit, refusal, user
from hub.server import LoopbackHub, Request, Response
from hub.store import LFS_ENDS, LFS_FROM, Blob, Repo


def create(hub: LoopbackHub, request: Request, _: "re.Match[str]") -> Response:
    """Make a repository."""
    asked = request.json()
    name = f"{asked.get('organization') or 'writer'}/{asked['name']}"
    place = {"url": f"{hub.calls_itself or hub.url}/datasets/{name}", "name": name}
    if name in hub.store.repos:
        return Response(409, {"error": "You already created this dataset repo", **place})
    private = asked.get("visibility") == "private" or bool(asked.get("private"))
    hub.store.repos[name] = Repo(name, private=private)
    return Response(200, place)


def preupload(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Say of each file whether it goes into the commit or beside it."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    files = found[1].files
    said = []
    for one in request.json()["files"]:
        is_large = one["path"].endswith(LFS_ENDS) or one["size"] >= LFS_FROM
        mode = {"uploadMode": "lfs" if is_large else "regular", "shouldIgnore": False}
        old = {"oid": files[one["path"]].etag} if one["path"] in files else {}
        said.append({"path": one["path"], **mode, **old})
    return Response(200, {"files": said})


def batch(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Say where large objects are to be put; nothing for those that are there."""
    said = []
    for one in request.json()["objects"]:
        put = {"href": f"{hub.url}/objects/{one['oid']}?signature=geheim", "header": {}}
        at = hub.verify_at or hub.url
        check = {"href": f"{at}/{match['repo']}/verify"}
        actions = {} if one["oid"] in hub.store.objects else {"upload": put, "verify": check}
        said.append({**one, **({"actions": actions} if actions else {})})
    return Response(200, {"transfer": "basic", "objects": said})


def xet_token(hub: LoopbackHub, _: Request, __: "re.Match[str]") -> Response:
    """Say where chunks of large objects go, if they do."""
    if not hub.xet:
        return refusal(404, "no xet here")
    said = {"accessToken": "xet", "exp": 4_000_000_000, "casUrl": hub.xet}
    names = {"accessToken": "Access-Token", "exp": "Token-Expiration", "casUrl": "Cas-Url"}
    return Response(200, said, {f"X-Xet-{names[name]}": str(said[name]) for name in said})


def put_object(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Take a large object."""
    if Blob(request.body).sha256 != match["oid"]:
        return refusal(400, "the object is not what it was said to be")
    hub.store.objects[match["oid"]] = request.body
    return Response(200, b"", {"ETag": f'"{match["oid"]}"'})


def verify(hub: LoopbackHub, request: Request, _: "re.Match[str]") -> Response:
    """Say whether a large object has come."""
    return Response(200 if request.json()["oid"] in hub.store.objects else 404, {})


def commit_files(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Make a commit of all that a request says, or none."""
    repo = find(hub, request, match)
    if isinstance(repo, Response):
        return repo
    steps = [json.loads(line) for line in request.body.splitlines()]
    header = steps[0]["value"]
    parent = header.get("parentCommit")
    if parent and not repo.head.oid.startswith(parent):
        return refusal(412, "A commit has happened since. Please refresh and try again.")
    files = dict(repo.head.files)
    for step in steps[1:]:
        kind, value = step["key"], step["value"]
        if kind == "file":
            files[value["path"]] = Blob(base64.b64decode(value["content"]))
        elif kind == "lfsFile" and value["oid"] in hub.store.objects:
            files[value["path"]] = Blob(hub.store.objects[value["oid"]], lfs=True)
        elif kind == "deletedFile" and value["path"] in files:
            del files[value["path"]]
        else:
            return refusal(400, f"cannot do {kind} with {value.get('path')}")
    made = repo.add(files, header["summary"], str(user(hub, request)))
    address = f"{hub.calls_itself or hub.url}/datasets/{repo.name}/commit/{made.oid}"
    return Response(200, {"success": True, "commitOid": made.oid, "commitUrl": address})


def tag(hub: LoopbackHub, request: Request, match: "re.Match[str]") -> Response:
    """Give a revision a tag."""
    found = find_commit(hub, request, match)
    if isinstance(found, Response):
        return found
    repo, commit = found
    name = request.json()["tag"]
    if name in repo.tags:
        return refusal(409, "Tag reference exists already")
    repo.tags[name] = commit.oid
    return Response(200, {})
