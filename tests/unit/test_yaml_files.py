import pytest

from openmath.errors import InputError
from openmath.files.yaml_files import read_document, read_yaml


def test_a_key_given_twice_is_refused(tmp_path):
    path = tmp_path / "prompt.yaml"
    path.write_text("user: '{problem}'\nexamples:\n  - {problem: 1, problem: 2}\n")
    with pytest.raises(InputError) as error:
        read_yaml(path, "the prompt file")
    assert str(error.value) == (
        f"Cannot read the prompt file.\n  where:    {path}:3:18\n"
        "  found:    examples: 0: problem is given twice, first in line 3"
    )


def test_a_broken_file_is_not_quoted(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("models: [1]\napi_key_env: [sk-secret: b: c]\n")
    with pytest.raises(InputError) as error:
        read_yaml(path, "the configuration")
    assert f"{path}:2:27" in str(error.value) and "but got ':'" in str(error.value)
    assert "secret" not in str(error.value)


def test_places_lead_through_lists_aliases_and_merged_keys(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("a: &a {x: 1, y: [5, {z: 6}]}\nb: {x: 2, <<: *a, <<: {w: 3}}\nc: *a\n")
    document = read_document(path, "the configuration")
    assert document.value == {
        "a": {"x": 1, "y": [5, {"z": 6}]},
        "b": {"x": 2, "y": [5, {"z": 6}], "w": 3},
        "c": document.value["a"],
    }
    assert document.repeated == []
    places = {
        ("b",): "2:1",
        ("b", "x"): "2:5",
        ("b", "y", 1, "z"): "1:22",
        ("c", "x"): "1:8",
    }
    assert {keys: document.place(keys) for keys in places} == {k: f"{path}:{place}" for k, place in places.items()}
    assert document.place(("a", "none")) is None and document.place(("a", "y", 7)) is None


def test_another_encoding_has_a_line_and_a_hint(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_bytes("a: 1\n# ü\nb: 2\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"my\.yaml:2\n[^@]*Hint: save the file as UTF-8"):
        read_document(path, "the configuration")


def test_an_alias_of_its_own_parent_ends(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("a: &a\n  b: *a\n  c: 1\n  c: 2\n")
    assert [key.path for key in read_document(path, "the configuration").repeated] == [("a", "c")]
