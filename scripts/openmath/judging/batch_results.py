"""What the Batch API says of a batch that has ended: whether its results are all there, and what each line of them says."""

import json

from openmath.client.completion import ABOUT_ONE_REQUEST
from openmath.client.http import BadReply, StatusError
from openmath.client.replies import Completion, NoAnswer, completion_of

ENDED = ("completed", "expired", "cancelled", "failed")


class Refusal(str):
    """The service's words about a question that it would refuse again."""


def has_results(batch) -> bool:
    """Whether an ended batch names the files that its counts promise: `completed` may come before the name of the file."""
    done = batch.request_counts.completed if batch.request_counts else 0
    if batch.output_file_id or batch.status == "failed":
        return True
    return not done and bool(batch.error_file_id or batch.status != "completed")


def parse_result(line: bytes) -> tuple[str | None, Completion | str]:
    """(custom id, reply) of one line of a result file; a Refusal or the words of an error in place of a reply.

    An error that is no Refusal may pass: the question is asked again in another batch.
    """
    try:
        result = json.loads(line)
        key, response = result["custom_id"], result.get("response") or {}
        if not isinstance(key, str):
            raise TypeError
        status = response.get("status_code")
        if status == 200:
            return key, completion_of(response["body"])
        error = result.get("error") or (response.get("body") or {}).get("error") or {}
        words = str(error.get("message") or error)
        refused = status in ABOUT_ONE_REQUEST or error.get("code") == "content_filter"
        return key, Refusal(words) if refused else words
    except NoAnswer as error:
        return key, Refusal(error)
    except StatusError as error:
        return key, Refusal(error.words()) if error.status in ABOUT_ONE_REQUEST else error.words()
    except BadReply as error:
        return key, str(error)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, "a result that is not JSON, or not a result"
