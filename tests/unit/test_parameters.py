"""Endpoints that refuse parameters by name, in the words of today's APIs: what a judge, and a client, asks them then."""

import json

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import different_rows
from unit.test_client import complete
from unit.test_judging import answer, judge, manifest, verdicts

from openmath.client.completion import RequestRefused
from openmath.client.parameters import NEUTRAL, Parameters, refused_parameter
from openmath.judging.exchange import export_verdicts, import_verdicts
from openmath.judging.store import VerdictStore

SAMPLING = {"temperature": 0.0, "top_p": 0.95, "seed": 0, "max_tokens": 2048}
NAMES = [*SAMPLING, "max_completion_tokens", "presence_penalty", "reasoning_effort"]


def openai(request: dict):
    """A model that thinks, of OpenAI."""
    if "max_tokens" in request:
        return openai_says(
            "max_tokens", "unsupported_parameter", "is not supported with this model. Use another instead."
        )
    for name in ("temperature", "top_p"):
        if request.get(name, 1) != 1:
            return openai_says(name, "unsupported_value", "does not support 0 with this model. Only 1 is supported.")
    return None


def openai_says(name: str, code: str, words: str):
    error = {"message": f"Unsupported: '{name}' {words}", "type": "invalid_request_error", "param": name, "code": code}
    return 400, {"error": error}


def deepseek(request: dict):
    for name in ("temperature", "top_p"):
        if name in request:
            words = f"reasoner does not support the parameter `{name}`"
            return 400, {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": "bad"}}
    return None


def anthropic(request: dict):
    if "temperature" in request and "top_p" in request:
        words = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        return 400, {"type": "error", "error": {"type": "invalid_request_error", "message": words}, "request_id": "r"}
    return None


def gemini(request: dict):
    if "seed" in request:
        words = 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'
        details = [{"@type": "type.example/BadRequest", "fieldViolations": [{"description": words}]}]
        return 400, [{"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT", "details": details}}]
    return None


def mistral(request: dict):
    if "seed" in request:
        found = {
            "type": "extra_forbidden",
            "loc": ["body", "seed"],
            "msg": "Extra inputs are not permitted",
            "input": 0,
        }
        return 422, {"detail": [found]}
    return None


APIS = [  # (endpoint, refusals until it is asked as it likes, parameters that it is asked with then)
    (openai, 3, {"max_completion_tokens", "seed"}),
    (deepseek, 2, {"max_tokens", "seed"}),
    (anthropic, 1, {"max_tokens", "seed", "temperature"}),
    (gemini, 1, {"max_tokens", "temperature", "top_p"}),
    (mistral, 1, {"max_tokens", "temperature", "top_p"}),
]


def asked_with(request: dict) -> set[str]:
    return request.keys() - {"model", "messages"}


def records(folder) -> list[dict]:
    return list(VerdictStore(folder / "store").records.values())


@pytest.mark.parametrize("api,refusals,taken", APIS, ids=lambda value: getattr(value, "__name__", ""))
def test_what_an_api_refuses_by_name_is_refused_once(tmp_path, api, refusals, taken):
    rows = different_rows(20)
    with judge_server(answer, latency=0.01) as server:
        server.refuse = api
        first = judge(tmp_path, server, rows=rows)
        assert first.returncode == 0, first.stderr
        assert verdicts(tmp_path) == ["no"] * 20 and "refused for good" not in first.stdout
        assert len(server.bodies) == 20 + refusals and first.stdout.count("the endpoint refuses") == refusals
        assert all(asked_with(body) == taken for body in server.bodies[refusals:])

        assert judge(tmp_path, None, rows=rows).returncode == 0  # found again
        assert judge(tmp_path, None, "--replay", rows=rows, key="").returncode == 0
        assert verdicts(tmp_path) == ["no"] * 20
        judge(tmp_path, server, rows=different_rows(21))  # what the store says is not learned again, but for the name
        assert len(server.bodies) == 21 + refusals and asked_with(server.bodies[-1]) == taken
    left_out = sorted(SAMPLING.keys() - taken - {"max_tokens"})
    assert [r.get("form", {}).get("left_out", []) for r in records(tmp_path)] == [left_out] * 21
    assert manifest(tmp_path)["asked_without"] == {" ".join(left_out): 21}
    export_verdicts(tmp_path / "store", tmp_path / "shipped.jsonl")
    assert import_verdicts(tmp_path / "other", [tmp_path / "shipped.jsonl"]) == (21, 0, 0)


def test_verdicts_stay_valid_when_the_endpoint_changes_its_mind(tmp_path):
    rows = different_rows(4)
    with judge_server(answer) as server:
        judge(tmp_path, server, rows=rows[:2])
        old = records(tmp_path)
        server.refuse = anthropic
        judge(tmp_path, server, rows=rows[:3])
        server.refuse = lambda request: 400 if "top_p" not in request else None
        assert judge(tmp_path, None, rows=rows[:3]).returncode == 0
    assert len(server.bodies) == 4 and verdicts(tmp_path) == ["no"] * 3
    assert all("form" not in record and "limit_name" not in record for record in old)
    assert manifest(tmp_path)["asked_without"] == {"top_p": 1}


def test_the_name_of_the_limit_changes_no_key(tmp_path):
    keys = []
    for folder, refuse in ((tmp_path / "new", openai_limit_only), (tmp_path / "old", lambda request: None)):
        folder.mkdir()
        with judge_server(answer) as server:
            server.refuse = refuse
            assert judge(folder, server, rows=different_rows(2)).returncode == 0
        keys.append({record["key"] for record in records(folder)})
    assert keys[0] == keys[1] and {r.get("limit_name") for r in records(tmp_path / "old")} == {None}
    with judge_server(answer) as server:  # set by hand it is the same too
        assert (
            judge(
                tmp_path / "old", server, "--sampling", '{"max_completion_tokens": 2048}', rows=different_rows(3)
            ).returncode
            == 0
        )
    assert len(server.bodies) == 1 and asked_with(server.bodies[0]) == {*SAMPLING, "max_completion_tokens"} - {
        "max_tokens"
    }


def openai_limit_only(request: dict):
    return openai(request) if "max_tokens" in request else None


def test_a_batch_asks_as_the_online_judge_has_learned(tmp_path):
    batch = ("--mode", "batch", "--poll-seconds", 0.01)
    with judge_server(answer) as server:
        server.refuse = openai
        judge(tmp_path, server, rows=different_rows(1))
        learned = judge(tmp_path, server, *batch, rows=different_rows(3))
        assert learned.returncode == 0 and verdicts(tmp_path) == ["no"] * 3 and len(server.batches.created) == 1
        assert {record.get("limit_name") for record in records(tmp_path)} == {"max_completion_tokens"}


def test_a_batch_learns_from_its_own_refusals(tmp_path):
    with judge_server(answer) as server:
        server.refuse = openai
        done = judge(tmp_path, server, "--mode", "batch", "--poll-seconds", 0.01, rows=different_rows(30))
        assert done.returncode == 0, done.stderr
        assert verdicts(tmp_path) == ["no"] * 30 and len(server.batches.created) == 4
    assert {record["form"]["left_out"][0] for record in records(tmp_path)} == {"temperature"}


def test_what_is_set_by_hand_is_sent_and_never_left_out(tmp_path):
    by_hand = json.dumps({"temperature": None, "top_p": None, "reasoning_effort": "low", "max_completion_tokens": 99})
    with judge_server(answer) as server:
        server.refuse = openai
        assert judge(tmp_path, server, "--sampling", by_hand, rows=different_rows(2)).returncode == 0
        assert len(server.bodies) == 2 and manifest(tmp_path)["sampling"] == {
            "seed": 0,
            "reasoning_effort": "low",
            "max_tokens": 99,
        }
        server.refuse = lambda request: openai_says("reasoning_effort", "unsupported_value", "is low; expected high")
        refused = judge(tmp_path, server, "--sampling", by_hand, rows=different_rows(9))
    assert all("reasoning_effort" in body for body in server.bodies)
    assert (
        refused.returncode == 2
        and "refuses too many questions" in refused.stderr
        and "reasoning_effort" in refused.stderr
    )


def test_a_sample_is_drawn_without_a_seed_where_the_endpoint_takes_none(capsys):
    with judge_server() as server:
        server.refuse = gemini
        assert len(complete(server, sampling=SAMPLING)) == 1
        assert [asked_with(body) for body in server.bodies] == [SAMPLING.keys(), SAMPLING.keys() - {"seed"}]
    assert capsys.readouterr().out.count("client: the endpoint refuses seed, which is left out from now on") == 1


def test_a_sample_is_asked_for_by_either_name_of_the_limit_and_at_its_temperature():
    with judge_server() as server:
        server.refuse = openai_limit_only
        assert len(complete(server, requests=1)) == 1
        assert [asked_with(body) for body in server.bodies] == [{"max_tokens"}, {"max_completion_tokens"}]
        server.refuse = lambda request: (
            openai_says("max_completion_tokens", "unsupported_parameter", "is unknown")
            if ("max_completion_tokens" in request)
            else openai(request)
        )
        with pytest.raises(RequestRefused, match="is unknown") as refused:  # neither
            complete(server)
        assert refused.value.parameter is None
        server.refuse, asked = deepseek, len(server.bodies)
        with pytest.raises(RequestRefused, match="does not support the parameter `temperature`"):
            complete(server, sampling=SAMPLING)  # another temperature would be another sample
        assert len(server.bodies) == asked + 1


def unneeded(request: dict):
    """A model that thinks, of OpenAI, which takes no top_p of any value."""
    return openai_says("top_p", "unsupported_parameter", "is not supported.") if "top_p" in request else openai(request)


@pytest.mark.parametrize(
    ("api", "sampling", "left"),
    [
        (anthropic, {"temperature": 0.0, "top_p": 1.0}, {"temperature": 0.0}),  # a greedy run
        (anthropic, {"temperature": 1.0, "top_p": 0.9}, {"top_p": 0.9}),
        (unneeded, {"temperature": 1.0, "top_p": 1.0}, {"temperature": 1.0}),
    ],
)
def test_a_sample_is_drawn_without_the_value_that_the_endpoint_takes_anyhow(api, sampling, left):
    with judge_server() as server:
        server.refuse = api
        assert len(complete(server, sampling=sampling)) == 1
    assert {name: server.bodies[-1][name] for name in sampling if name in server.bodies[-1]} == left


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        ({"temperature": 0.7, "top_p": 0.95}, "`temperature` and `top_p` cannot both be specified"),
        ({"temperature": 1.0}, "temperature must be below 1"),  # its own may be another
    ],
)
def test_other_values_of_a_sample_are_never_left_out(sampling, words):
    with judge_server() as server:
        server.refuse = lambda request: (400, {"error": {"message": words}})
        with pytest.raises(RequestRefused, match="temperature"):
            complete(server, sampling=sampling)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "refused,body",
    [
        ("seed", {"error": {"message": "property 'seed' is unsupported", "type": "invalid_request_error"}}),
        ("presence_penalty", {"code": "Bad", "error": "Model x does not support parameter presencePenalty."}),
        ("temperature", {"error": {"message": "`temperature` is deprecated for this model."}}),
        ("temperature", {"detail": [{"loc": ["body", "temperature"], "msg": "Input should be greater than 0"}]}),
        ("temperature", {"error": "Input validation error: `temperature` must be strictly positive"}),
        (
            "max_completion_tokens",
            {"error": {"message": "Unrecognized request argument supplied: max_completion_tokens"}},
        ),
        ("max_tokens", {"message": "max_tokens is not supported. Use max_completion_tokens"}),
        ("max_tokens", {"error": {"message": "Please use the newer name instead of 'max_tokens'"}}),
        ("max_tokens", {"error": {"message": "replaced by max_completion_tokens", "param": "max_tokens"}}),
        ("temperature", {"detail": [{"loc": ["body", "temperature", "float"], "msg": "Input should be above 0"}]}),
        ("temperature", {"error": {"message": "invalid temperature: only 1 is allowed for this model"}}),
        ("temperature", {"error": {"message": "This model only supports temperature=1."}}),
        ("temperature", {"error": {"message": "The value of temperature has to be 1 for reasoning models"}}),
        ("temperature", {"error": {"message": "`temperature` is fixed at 1 for this model"}}),
        ("temperature", {"error": {"message": "Expected a temperature greater than zero"}}),
        ("top_p", {"error": {"message": "temperature and top_p: only one may be given"}}),
        ("top_p", {"error": {"message": "This model does not accept temperature and top_p."}}),
        ("presence_penalty", [{"error": {"message": "Penalty is not enabled for models/gemini-2.5-pro"}}]),
        ("seed", {"error": {"message": "Provider error", "metadata": {"raw": '{"error": "Unknown field: seed"}'}}}),
        (None, {"error": {"message": "A max_tokens of 9000 is not supported by this model, which takes at most 8192"}}),
        # too long, too large: of the question, not of the endpoint
        (
            None,
            {
                "error": {
                    "message": "max_tokens is too large: 32768. At most 16384 are supported.",
                    "param": "max_tokens",
                }
            },
        ),
        (None, {"error": {"message": "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"}}),
        (None, {"detail": [{"loc": ["body", "max_tokens"], "msg": "Input should be less than or equal to 4096"}]}),
        (
            None,
            {
                "error": {
                    "message": "This model's maximum context length is 8192 tokens",
                    "code": "context_length_exceeded",
                }
            },
        ),
        # words of the question that are repeated, and words that are no JSON of anybody
        (
            None,
            {"error": {"message": "Invalid content: 'temperature is not supported'", "param": "messages[0].content"}},
        ),
        (None, {"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "not allowed: 'unknown seed'"}]}),
        ("seed", {"detail": [{"loc": ["body", "input", "seed"], "msg": "Extra inputs are not permitted"}]}),
        (None, {"error": {"message": "The seed grew at a temperature of 20 degrees"}}),
        (None, "<html>Bad Request</html>"),
        (None, None),
        (None, {"error": {"param": [1], "loc": {"a": [[[[[[[[["x"]]]]]]]]]}}}),
    ],
)
def test_which_parameter_a_refusal_is_about(refused, body):
    assert refused_parameter(body, NAMES) == refused


def test_only_what_changes_nothing_is_left_out_of_the_next_requests():
    """Runs that draw at 1 and greedy ones ask one endpoint."""
    parameters = Parameters(neutral=NEUTRAL)
    drawn, greedy = {"temperature": 1.0, "top_p": 1.0}, {"temperature": 0.0, "top_p": 1.0}
    assert parameters.learn(400, {"error": {"message": "unsupported", "param": "temperature"}}, drawn) == "temperature"
    assert parameters.as_taken(drawn) == {"top_p": 1.0} and parameters.as_taken(greedy) == greedy
    assert not parameters.asks_the_same("temperature", greedy)
