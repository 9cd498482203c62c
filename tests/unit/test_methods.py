"""The paragraph for a paper in all its variants, with what it cites."""

import copy
import re

from openmath.benchmarks.registry import read_registry
from openmath.provenance import bibliography
from openmath.provenance.methods import methods_text
from openmath.settings.engine_kinds import KINDS

LLAMA = {
    "source": "hf:nvidia/OpenMath2-Llama3.1-8B",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "files": "77",
}
SETTINGS = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 8192, "deterministic": False}
VLLM = {"engine": "vllm", "version": "vllm 0.33.0", "model": LLAMA, "settings": SETTINGS}
PROMPT = {"system": "", "user": "{problem}", "examples": []}
H100 = {"cpu": "CPU", "cores": 16, "memory_gib": 128, "gpus": ["NVIDIA H100"] * 2, "driver": "570.1", "cuda": "12.8"}
RECORD = {
    "model": "openmath2",
    "judge": "gpt-4o",
    "workflow": {"commit": "abcdef0123456789", "modified": False, "version": "0.1.0", "code": "c0de"},
    "config": {
        "policy": "default",
        "models": {"openmath2": {"hf": "nvidia/OpenMath2-Llama3.1-8B", "prompt_template": "llama3-instruct"}},
        "generation": {"greedy": True, "seeds": 256, "temperature": 0.7, "top_p": 0.95, "max_new_tokens": 4096},
    },
    "benchmarks": {
        name: {
            "source": f"https://a.org/{name}",
            "source_sha256": "5" * 64,
            "problems_sha256": "6" * 64,
            "registered_rows": n,
        }
        for name, n in {"math": 5000, "aime24": 30, "mine": 7}.items()
    },
    "engine": VLLM,
    "generation": {
        "machines": [H100],
        "settings": [
            {
                "prompt_sha256": "9" * 64,
                "settings": {
                    "prompt": PROMPT,
                    "prompt_template": "llama3-instruct",
                    "temperature": 0.7,
                    "top_p": 0.95,
                    "max_new_tokens": 4096,
                },
            }
        ],
    },
    "tokens": {"math": {"generated": 1000}, "aime24": {"generated": 200}, "mine": {"generated": 34}},
    "grading": {"grader_version": 2, "policy": "default"},
    "judging": {
        "judge": "gpt-4o-2024-11-20",
        "prompt_sha256": "8" * 64,
        "cascade": False,
        "files": {
            f"judged/gpt-4o/math/{mode}.jsonl": {
                "rows": 5000,
                "prefilled": {"identical": 2000, "no_answer": 100},
                "verdicts": {"yes": 3000, "no": 1990, "unparsed": 10},
                "answered_by": {"gpt-4o-2024-11-20 fp_abc": 2900},
            }
            for mode in ("greedy", "majority")
        },
    },
    "results": {
        "math": {
            "problems": 5000,
            "modes": ["greedy", "majority@256", "pass@256"],
            "intervals": ["Wilson", "question-level t"],
        },
        "aime24": {"problems": 30, "modes": ["greedy"], "intervals": ["Clopper-Pearson"]},
        "mine": {"problems": 5, "modes": ["greedy"], "intervals": ["Bayesian bootstrap over problems, 10000 draws"]},
    },
    "times": {"generation": [{"gpus": 2, "seconds": 3600, "gpu_seconds": 7200}]},
}


def methods(**changes) -> str:
    """The text about RECORD with some keys replaced; what every variant has to fulfil is checked here."""
    text = methods_text(copy.deepcopy(RECORD) | changes)
    paragraph = text.split("\n\n")[1]
    for mark in ("None", "  ", " ,", " .", "..", "[]", "{'", "nan"):
        assert mark not in paragraph, (mark, paragraph)
    assert paragraph.endswith(".")
    cited = {key for group in re.findall(r"\[(@[^\]]*)\]", paragraph) for key in re.findall(r"@([\w.-]*\w)", group)}
    entries = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    assert set(entries) == cited and len(entries) == len(cited)
    return text


def test_the_paragraph_of_a_full_evaluation():
    text = methods()
    for words in (
        "We evaluated nvidia/OpenMath2-Llama3.1-8B (revision 0123456789ab)",
        "version 0.1.0, commit abcdef012345",
        "vLLM 0.33.0 [@kwon2023efficient] in bfloat16, with tensor parallelism 1 and a context of 8,192 tokens",
        "zero-shot under the Llama 3 instruct template",
        "one greedy decoding and 256 sampled runs (temperature 0.7, top-p 0.95, seeds 0 to 255), with at most 4,096 new tokens",
        "MATH (5,000 problems) [@hendrycksmath2021], AIME 2024 (30 problems) [@aime2024] and mine (5 of 7 problems)",
        "exact arithmetic [@flint] (version 2)",
        "tied answers share the credit",
        "gpt-4o-2024-11-20 [@openai2024gpt4o], also compared the greedy and majority answers",
        "Of 10,000 answers 5,800 went to the judge",
        "20 replies held no verdict",
        "system fingerprint fp_abc",
        "Wilson [@wilson1927]",
        "1,234 tokens were generated on 2 x NVIDIA H100 (driver 570.1, CUDA 12.8), in 2.0 GPU-hours",
        "@misc{nvidia-openmath2-llama3-1-8b,",
        "note = {Revision 0123456789abcdef0123456789abcdef01234567}",
    ):
        assert words in text, words
    assert "Math-Verify" not in text and "sympy" not in text.lower()


def test_refused_questions_and_fenced_answers_are_said():
    judging = copy.deepcopy(RECORD["judging"])
    for file in judging["files"].values():
        file |= {"outcomes": {"refused": 3, "cut": 1}, "delimited": 2}
    text = methods(judging=judging)
    assert "refused 6 for good" in text and "In 4 answers stood words for a judge" in text


def test_a_temperature_that_a_judge_did_not_get_is_not_claimed():
    judging = copy.deepcopy(RECORD["judging"])
    assert "references at temperature 0 (prompt" in methods(judging=judging)
    assert "references at temperature 1 (prompt" in methods(judging=judging | {"sampling": {"temperature": 1.0}})
    assert "references at the temperature of its service (prompt" in methods(
        judging=judging | {"sampling": {"seed": 0}}
    )
    for file in judging["files"].values():
        file |= {"answered_by": {"m None": 7}, "asked_without": {"seed temperature": 7}}
    assert "at the temperature of its service, which takes no other (prompt" in methods(judging=judging)
    next(iter(judging["files"].values()))["asked_without"] = {"seed": 2, "temperature": 5}
    assert "at temperature 0, 12 of them at the temperature of its service (prompt" in methods(judging=judging)


def test_what_an_endpoint_was_not_sent_is_said():
    generation = RECORD["generation"] | {"asked_without": ["seed", "top_p"]}
    said = "The endpoint takes no seed and no top-p of a request's own; it was asked without."
    assert said in methods(generation=generation) and "asked without" not in methods()


def test_greedy_alone_votes_and_samples_nothing():
    record = copy.deepcopy(RECORD)
    record["config"]["generation"]["seeds"] = 0
    results = {"math": {"problems": 5000, "modes": ["greedy"], "intervals": ["Wilson"]}}
    text = methods(config=record["config"], results=results)
    assert "by one greedy decoding, with" in text and "The benchmark is MATH" in text
    assert "majority answer is voted" not in text and "pass@k" not in text


def test_without_a_judge_all_accuracies_are_symbolic():
    text = methods(judge="none", judging=None)
    assert "No LLM judge was used" in text and "gpt-4o" not in text


def test_the_papers_policy_says_so():
    text = methods(grading={"grader_version": 2, "policy": "paper"})
    assert "relative tolerance 1e-4" in text and "the one seen first wins" in text and "flint" not in text


def test_imported_samples_claim_nothing_about_their_making():
    text = methods(engine=None, benchmarks={}, generation={"machines": [], "settings": []})
    assert "existing samples of openmath2; how they were drawn is not recorded" in text
    assert "temperature 0.7" not in text and "tokens were generated" not in text and "## Data" not in text


def test_ten_imported_problems_are_not_called_math():
    results = {"math": {"problems": 10, "modes": ["greedy"], "intervals": ["Wilson"]}}
    text = methods(engine=None, benchmarks={}, generation={"machines": [], "settings": []}, results=results)
    assert (
        "a set of 10 problems by the name of math, which are not those of that benchmark" in text and "MATH" not in text
    )


def test_an_endpoint_has_a_name_and_an_address_and_no_hardware():
    model = {"source": "https://api.example.org/v1", "revision": "their-model"}
    engine = {"engine": "endpoint", "version": "endpoint", "model": model, "settings": {}}
    text = methods(engine=engine)
    assert "their-model (served at https://api.example.org/v1)" in text
    assert "as chat messages" in text and "H100" not in text and "not known to us." in text
    generation = RECORD["generation"] | {"answered_by": ["their-model-2024-08-06 fp_1", "their-model-2024-08-06 fp_2"]}
    said = "it calls itself their-model-2024-08-06 fp_1 and their-model-2024-08-06 fp_2."
    assert said in methods(engine=engine, generation=generation)


def test_an_adapter_and_its_base_are_named_and_cited():
    adapter = {"source": "hf:org/Lora-1", "revision": "e" * 40, "files": "12"}
    engine = copy.deepcopy(VLLM) | {"settings": VLLM["settings"] | {"pipeline_parallel": 2}}
    text = methods(engine=engine | {"model": VLLM["model"] | {"adapter": adapter}})
    assert (
        f"with the LoRA adapter org/Lora-1 (revision {'e' * 12}) [@org-lora-1]" in text and "@misc{org-lora-1," in text
    )
    assert "pipeline parallelism 2" in text
    text = methods(
        engine=engine | {"model": VLLM["model"] | {"adapter": adapter | {"source": "path", "revision": None}}}
    )
    assert "with the LoRA adapter of a local folder (content hash 12)" in text


def test_a_judge_of_ones_own_names_its_engine():
    judging = copy.deepcopy(RECORD["judging"]) | {
        "judge": VLLM | {"model": LLAMA | {"files": "88", "revision": "f" * 40}}
    }
    assert "run with vLLM 0.33.0" in methods(judging=judging)
    assert "the evaluated model itself" in methods(judging=judging | {"judge": VLLM})


def test_lost_staging_and_mixed_settings_are_said():
    nothing = methods(generation={"machines": [], "settings": []}, times={"generation": []})
    assert "1,234 tokens were generated." in nothing and "256 sampled runs (temperature 0.7" in nothing
    one = RECORD["generation"]["settings"][0]
    assert "under 2 different settings" in methods(generation={"machines": [H100], "settings": [one, one]})


def test_every_key_has_an_entry_with_balanced_braces():
    text = bibliography.REFERENCES.read_text()
    known = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    used = {*bibliography.INTERVALS.values(), *bibliography.HOSTED_JUDGES.values()}
    used |= {kind.citation for kind in KINDS.values() if kind.citation}
    used |= {entry["citation"] for entry in read_registry().values() if "citation" in entry}
    used |= {bibliography.RECIPE, bibliography.WORKFLOW, bibliography.GRADER, bibliography.PASS_AT_K}
    assert used == set(known) and len(known) == len(set(known))
    for entry in bibliography._entries():
        assert entry.count("{") == entry.count("}")
        assert re.search(r"^  title = \{", entry, re.MULTILINE) and re.search(r"^  author = \{", entry, re.MULTILINE)
