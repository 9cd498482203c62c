"""What the Batch API says of a batch that has ended: whether its results are all there, and what each line of them says."""

import json
from dataclasses import dataclass

from openai import BaseModel

from openmath.api_keys import NO_KEY, without_key, without_key_inside
from openmath.client.failures import about_one_request, words_of
from openmath.client.http import BadReply, StatusError
from openmath.client.replies import Completion, NoAnswer, completion_of

ENDED = ("completed", "expired", "cancelled", "failed")


class Refusal(str):
    """The service's words about a question that it would refuse again. body: all that it said."""

    body: object = None
    status: int | None = None

    @classmethod
    def of(cls, words: object, status: int | None, body: object) -> "Refusal":
        refusal = cls(words)
        refusal.status, refusal.body = status, body
        return refusal


@dataclass(frozen=True)
class Batch:
    """What the service says of a batch. name: that of our state file, in its metadata. completed, total: requests, if counted."""

    id: str
    status: str
    name: str | None
    output_file_id: str | None
    error_file_id: str | None
    completed: int
    total: int
    errors: list[str]

    def files(self) -> list[str]:
        return [file_id for file_id in (self.output_file_id, self.error_file_id) if file_id]

    def has_results(self) -> bool:
        """Whether an ended batch names the files that its counts promise: `completed` may come before the name of the file."""
        if self.output_file_id or self.status == "failed":
            return True
        return not self.completed and (self.error_file_id is not None or self.status != "completed")


def usable_name(name: object, api_key: str) -> str:
    """A name that the service gives to a file or batch, which is written down."""
    if not isinstance(name, str) or without_key(name, api_key) != name:
        raise BadReply("the endpoint names a file or a batch by what is no name, or by the key")
    return name


def batch_of(reply: object, api_key: str) -> Batch:
    """The batch in a reply, whose types the library does not check, without the key. BadReply where it is none."""
    raw = reply.to_dict(warnings=False) if isinstance(reply, BaseModel) else {}
    name, said = usable_name(raw.get("id"), api_key), without_key_inside(raw, api_key)
    if not isinstance(status := said.get("status"), str):
        raise BadReply("a reply that is no batch")

    def part(name: str) -> dict:
        value = said.get(name)
        return value if isinstance(value, dict) else {}

    def text(value: object) -> str | None:
        return value if isinstance(value, str) and value else None

    counts, data = part("request_counts"), part("errors").get("data")
    completed, total = (n if isinstance(n := counts.get(key), int) else 0 for key in ("completed", "total"))
    return Batch(
        id=name,
        status=status,
        name=text(part("metadata").get("openmath")),
        output_file_id=text(said.get("output_file_id")),
        error_file_id=text(said.get("error_file_id")),
        completed=completed,
        total=total,
        errors=[str(e.get("message")) for e in (data if isinstance(data, list) else []) if isinstance(e, dict)],
    )


def parse_result(line: bytes, api_key: str = NO_KEY) -> tuple[str | None, Completion | str]:
    """(custom id, reply) of one line of a result file; a Refusal or the words of an error in place of a reply.

    An error that is no Refusal may pass: the question is asked again in another batch.
    """
    try:
        result = without_key_inside(json.loads(line), api_key)
        key, response = result["custom_id"], result.get("response") or {}
        if not isinstance(key, str):
            raise TypeError
        status = response.get("status_code")
        if status == 200:
            return key, completion_of(response["body"], api_key)
        error = result.get("error") or response.get("body")
        inner = error.get("error") if isinstance(error, dict) else None
        filtered = "content_filter" in (_code(error), _code(inner))
        words = words_of(error) or "an error without words"
        refused = filtered or (status is not None and about_one_request(status, words))
        return key, Refusal.of(words, status, error) if refused else words
    except NoAnswer as error:
        return key, Refusal(error)
    except StatusError as error:
        refused = about_one_request(error.status, error.words())
        return key, Refusal.of(error.words(), error.status, error.body) if refused else error.words()
    except BadReply as error:
        return key, str(error)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, "a result that is not JSON, or not a result"


def _code(error: object) -> object:
    return error.get("code") if isinstance(error, dict) else None
