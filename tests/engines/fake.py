#!/usr/bin/env python3
"""A stand-in for podman, docker and ctr on PATH: as much of each as airgap asks, and lies on order.

It lives in a folder as `podman`, `docker` and `ctr`; state.json beside it holds what the engine holds and how it lies.
Only the standard library: it is started dozens of times a test.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

State = Any
Images = list[dict[str, Any]]

HERE = Path(sys.argv[0]).parent
PROGRAM = Path(sys.argv[0]).name
STATE = HERE / "state.json"


def main(line: list[str]) -> int:
    state = json.loads(STATE.read_text())
    state["calls"].append(" ".join([PROGRAM, *line]))
    save(state)
    lies = state["lies"]
    command = " ".join(line)
    for when, lie in lies.items():
        if when in command:
            if "stdin" in lie:
                sys.stdin.buffer.read(lie["stdin"])
            for name, id_, digest in lie.get("put", ()):
                put(state["images"], name, id_, digest)
                save(state)
            sys.stdout.write(lie.get("out", ""))
            sys.stderr.write(lie.get("err", ""))
            return int(lie.get("status", 0))
    return {"podman": podman, "docker": docker, "ctr": ctr}[PROGRAM](state, line)


def podman(state: State, line: list[str]) -> int:
    images = state["images"]
    if line[0] == "info":
        host = {"os": "linux", "arch": "amd64", "hostname": "elsewhere"}
        show({"host": host, "store": {"graphRoot": "/"}, "version": {}})
    elif line[:2] == ["image", "exists"]:
        return 0 if find(images, line[2]) else 1
    elif line[:2] == ["image", "inspect"]:
        show([row(one) for one in [find(images, line[2])]])
    elif line[0] == "images":
        show([row(one) for one in images])
    elif line[0] == "load":
        name, digest, config = read_archive()
        put(images, name, config[7:], digest)
        print(f"Loaded image: {name}")
    elif line[0] == "untag":
        find(images, line[2])["names"].remove(line[2])
    elif line[0] == "tag":
        for one in images:
            one["names"] = [name for name in one["names"] if name != line[2]]
        find(images, line[1])["names"].append(line[2])
    elif line[0] == "rmi":
        images.remove(find(images, line[1]))
    else:
        return 125
    save(state)
    return 0


def docker(state: State, line: list[str]) -> int:
    images = state["images"]
    if line[0] == "version":
        show({"Os": "linux", "Arch": "amd64", "Version": state.get("version", "20.10.24")})
    elif line[0] == "info":
        status = [["driver-type", "io.containerd.snapshotter.v1"]] if state.get("keeps") else None
        show({"Name": "elsewhere", "DockerRootDir": "/", "DriverStatus": status})
    elif line[0] == "images":
        for one in images:
            for name in one["names"] or ["<none>:<none>"]:
                repository, _, tag = name.removeprefix("docker.io/").rpartition(":")
                show({"Repository": repository, "Tag": tag, "ID": one["id"]})
    elif line[0] == "load":
        name, digest, config = read_archive()
        put(images, name, (digest or "") if state.get("keeps") else config, digest)
        print(f"Loaded image: {name.removeprefix('docker.io/')}")
    elif line[0] == "tag":
        for one in images:
            one["names"] = [name for name in one["names"] if name != line[2]]
        find(images, line[1])["names"].append(line[2])
    elif line[0] == "rmi":
        one = find(images, line[1])
        if line[1] in one["names"]:
            one["names"].remove(line[1])
        if not one["names"]:
            images.remove(one)
    else:
        return 1
    save(state)
    return 0


def ctr(state: State, line: list[str]) -> int:
    assert line[:1] == ["--namespace"]
    line, images = line[2:], state["images"]
    if line[0] in ("version", "plugins"):
        print("Server")
    elif line[:2] == ["images", "ls"]:
        print("REF TYPE DIGEST SIZE PLATFORMS LABELS")
        wanted = line[2].partition("==")[2].strip('"') if len(line) > 2 else None
        for one in images:
            for name in one["names"]:
                if wanted in (None, name):
                    print(name, "application/x", one["id"], "1 B", "linux/amd64", "-")
    elif line[:2] == ["content", "ls"]:
        print("\n".join(state["content"]))
    elif line[:2] == ["images", "import"]:
        files = read_tar()
        for entry in json.loads(files["index.json"])["manifests"]:
            put(images, entry["annotations"]["io.containerd.image.name"], entry["digest"], entry["digest"])
        state["content"] += [f"sha256:{name[13:]}" for name in files if name.startswith("blobs/sha256/")]
    elif line[:2] == ["images", "tag"]:
        put(images, line[4], find(images, line[3])["id"], find(images, line[3])["digest"])
    elif line[:2] == ["images", "rm"]:
        find(images, line[2])["names"].remove(line[2])
    else:
        return 1
    save(state)
    return 0


def read_archive() -> tuple[str, str | None, str]:
    """Name, manifest digest (None without a layout) and config digest of the one image on standard input."""
    files = read_tar()
    if "manifest.json" in files:
        entry = json.loads(files["manifest.json"])[0]
        return entry["RepoTags"][0], None, f"sha256:{entry['Config'][13:]}"
    entry = json.loads(files["index.json"])["manifests"][0]
    document = json.loads(files[f"blobs/sha256/{entry['digest'][7:]}"])
    while "manifests" in document:
        listed = document["manifests"]
        here = next((one for one in listed if one.get("platform", {}).get("architecture") == "amd64"), listed[0])
        document = json.loads(files[f"blobs/sha256/{here['digest'][7:]}"])
    return entry["annotations"]["org.opencontainers.image.ref.name"], entry["digest"], document["config"]["digest"]


def read_tar() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    return found


def put(images: Images, name: str, id_: str, digest: str | None) -> None:
    for one in images:
        one["names"] = [other for other in one["names"] if other != name]
    if find(images, id_) is None:
        images.append({"id": id_, "digest": digest, "names": []})
    find(images, id_)["names"].append(name)


def find(images: Images, name: str) -> Any:
    return next((one for one in images if name == one["id"] or name in one["names"]), None)


def row(one: dict[str, Any]) -> dict[str, Any]:
    repository = one["names"][0].partition("@")[0] if one["names"] else "x"
    return {
        "Id": one["id"],
        "Names": one["names"] or None,
        "Digest": one["digest"],
        "RepoDigests": [f"{repository}@{one['digest']}"],
    }


def show(value: object) -> None:
    print(json.dumps(value))


def save(state: State) -> None:
    STATE.write_text(json.dumps(state))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
