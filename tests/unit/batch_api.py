"""Files and batches of an OpenAI-compatible server, imitated for tests: unit/judge_server.py."""

import json
import random
from collections.abc import Callable


class BatchApi:
    """Files and batches. A batch ends at its first poll, with `status`.

    drops: paths of which one POST is carried out and then gets no reply. after: called with the number of each request, after
    it is carried out and before the reply. answered: whether a request, by its number in the batch, gets its answer in time.
    breaks: number of result files that break off half-way. late: polls at which an ended batch does not yet name its files.
    gone: ids of batches and files that the service has forgotten. changed: what becomes of the result lines. moved: where requests
    about files and batches are redirected to.
    """

    def __init__(self, server):
        self.server = server
        self.files: dict[str, bytes] = {}
        self.created: list[dict] = []
        self.asked: list[str] = []  # the user turn of each request that a batch has answered: what is paid
        self.requests = 0
        self.status = "completed"
        self.drops: list[str] = []
        self.breaks = 0
        self.late = 0
        self.gone: set[str] = set()
        self.changed: Callable[[list[dict]], list] = lambda results: results
        self.moved: str | None = None
        self.after: Callable[[int], None] = lambda number: None
        self.answered: Callable[[int], bool] = lambda number: True

    def handle(self, method: str, path: str, headers: dict, body: bytes) -> tuple[int | None, dict | bytes]:
        path = path.partition("?")[0].removeprefix("/v1")
        status, reply = self._route(method, path, headers, body)
        self.requests += 1
        self.after(self.requests)
        if method == "POST" and path in self.drops:
            self.drops.remove(path)
            return None, {}
        return status, reply

    def _route(self, method: str, path: str, headers: dict, body: bytes) -> tuple[int, dict | bytes]:
        if self.gone & set(path.split("/")):
            return 404, {"error": {"message": f"no such object: {path}"}}
        if (method, path) == ("POST", "/files"):
            name = f"file-{len(self.files)}"
            self.files[name] = _uploaded(headers, body)
            return 200, {"id": name, "object": "file", "bytes": 0, "created_at": 0, "filename": "f", "purpose": "batch"}
        if (method, path) == ("POST", "/batches"):
            request = json.loads(body)
            if request["input_file_id"] in self.gone:
                return 404, {"error": {"message": "no such file"}}
            return 200, self._create(request)
        if (method, path) == ("GET", "/batches"):
            return 200, {"object": "list", "data": list(reversed(self.created)), "has_more": False}
        if method == "GET" and path.startswith("/batches/"):
            batch = next((b for b in self.created if b["id"] == path.removeprefix("/batches/")), None)
            if batch is None:
                return 404, {"error": {"message": "no such batch"}}
            if batch["status"] == "in_progress":
                self._finish(batch)
            if self.late > 0 and batch["status"] != "in_progress":
                self.late -= 1
                return 200, {key: value for key, value in batch.items() if key != "output_file_id"}
            return 200, batch
        if method == "GET" and path.endswith("/content"):
            return 200, self.files[path.split("/")[2]]
        return 404, {"error": {"message": f"no such path: {path}"}}

    def _create(self, request: dict) -> dict:
        batch = {
            "id": f"batch-{len(self.created)}",
            "object": "batch",
            "endpoint": request["endpoint"],
            "completion_window": request["completion_window"],
            "input_file_id": request["input_file_id"],
            "metadata": request.get("metadata"),
            "created_at": 0,
            "status": "in_progress",
        }
        self.created.append(batch)
        return batch

    def _finish(self, batch: dict) -> None:
        """Answer it: results in another order than the requests, those that came too late as errors."""
        if self.status == "failed":
            batch |= {
                "status": "failed",
                "errors": {"object": "list", "data": [{"code": "c", "message": "bad line 1"}]},
            }
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        results, errors = [], []
        for number, line in enumerate(lines):
            common = {"id": f"r{number}", "custom_id": line["custom_id"]}
            if self.answered(number):
                status, body = self.server.refusal(line["body"])
                if status:
                    errors.append(common | {"response": {"status_code": status, "body": body}, "error": None})
                    continue
                self.asked.append(line["body"]["messages"][-1]["content"])
                body = self.server.completion(line["body"])
                results.append(
                    common | {"response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}
                )
            else:
                errors.append(common | {"response": None, "error": {"code": "batch_expired", "message": "too late"}})
        random.Random(0).shuffle(results)
        for kind, rows in (("output", self.changed(results)), ("error", errors)):
            if rows:
                batch[f"{kind}_file_id"] = name = f"file-{kind}-{batch['id']}"
                lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
                self.files[name] = b"".join(line + b"\n" for line in lines)
        batch["status"] = self.status


def _uploaded(headers: dict, body: bytes) -> bytes:
    """The content of the `file` part of a multipart form."""
    boundary = headers["content-type"].partition("boundary=")[2].strip('"').encode()
    for part in body.split(b"--" + boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            return content.removesuffix(b"\r\n")
    raise ValueError("no file in the upload")
