"""Names of what is stored: another name for the same settings, and everything out there is computed and paid again."""

from openmath.files.fingerprint import fingerprint, sha256_file
from openmath.judging.settings import JudgeSettings

NAME = "f7d7c8d266f14fc9"


def test_settings_keep_their_name_in_any_order():
    assert fingerprint({"b": [1, 0.5, None], "a": {"y": "é", "x": True}}) == NAME
    assert fingerprint({"a": {"x": True, "y": "é"}, "b": [1, 0.5, None]}) == NAME
    assert fingerprint({"b": [0.5, 1, None], "a": {"y": "é", "x": True}}) != NAME


def test_a_verdict_keeps_its_key():
    prompt = {"system": "", "user": "{problem} {predicted_answer} {expected_answer}", "ask_again": "Yes or no?"}
    settings = JudgeSettings("judge-1", prompt, {"temperature": 0.0, "top_p": 0.95, "seed": 0, "max_tokens": 2048})
    question = {"problem": "p", "predicted_answer": "1", "expected_answer": "2"}
    keys = [settings.fingerprint, settings.key(question), settings.key(question, 2)]
    assert keys == ["87bd1c2296c849cd", "72e0a627ed67bdf5", "0e8f268f0ef982d3"]


def test_a_file_is_all_of_its_bytes(tmp_path):
    hashes = set()
    for end in (b"", b"0", b"1"):
        (tmp_path / "a").write_bytes(b"\0" * (3 << 20) + end)
        hashes.add(sha256_file(tmp_path / "a"))
    assert len(hashes) == 3
