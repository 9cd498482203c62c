"""Judge calls that are left, and their price: different questions whose verdict is not in the store."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from openmath.errors import parts_of
from openmath.files.rows import read_rows
from openmath.judging.attempts import Attempts
from openmath.judging.budget import ASSUMED_GENERATED_TOKENS, Prices
from openmath.judging.questions import prefilled, question_of
from openmath.judging.settings import JudgeSettings, judge_parameters, judge_sampling, read_judge_prompt
from openmath.judging.store import VerdictStore
from openmath.plan.dataset import pairs_to_judge
from openmath.plan.files import FileToJudge, Inventory, built_engine
from openmath.plan.speed import Speed
from openmath.settings.layout import prompt_file

# Of the answers of a file, those that need a judge: not identical to the reference and not missing. 6,200 of 10,817 in the
# paper's evaluation of its 8B model.
ASKED_SHARE = 0.57


@dataclass
class JudgeCost:
    """Calls: different questions left; of several models that ask one, it is the first one's. estimated_calls: of them, on answers
    that do not exist yet (a question of greedy and majority alike is then counted twice). usd: None without prices. spent_usd: what
    the store's verdicts have cost."""

    judge: str
    calls_by_model: dict[str, int] = field(default_factory=dict)
    estimated_calls: int = 0
    verdicts_in_store: int = 0
    usd: float | None = None
    spent_usd: float = 0.0
    budget_usd: float | None = None
    engine_starts: int = 0
    engine_hours: float = 0.0
    gpus_per_engine: int = 0
    gpu_hours: float = 0.0
    assumptions: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return sum(self.calls_by_model.values())


def judge_costs(inventory: Inventory, to_judge: dict[str, list[FileToJudge]], speeds: dict[str, Speed]) -> list[dict]:
    """What each judge still has to do, with answers and with pairs of problems, which it is asked about by another prompt.

    Files that exist are read and looked up in the store, others are estimated.
    """
    costs = []
    asked = [(judge, prompt) for judge, files in to_judge.items() for prompt in dict.fromkeys(f.prompt for f in files)]
    for judge, prompt in asked:
        files = [file for file in to_judge[judge] if file.prompt == prompt]
        settings = inventory.config["judges"][judge]
        if settings.get("replay"):
            continue  # asks nobody
        store = VerdictStore(Path(f"judgements/{judge}"), ask_refused=settings.get("ask_refused", False))
        cost = JudgeCost(judge, verdicts_in_store=len(store.records), spent_usd=store.spent)
        cost.budget_usd = settings.get("budget_usd")
        count_calls(cost, inventory, files, store)
        if "self_hosted" in settings:
            add_engine(cost, inventory, files, store, speeds[settings["self_hosted"]])
        elif "prices" in settings:
            prices = Prices(settings["prices"]["input"], settings["prices"]["output"])
            cost.usd = prices.estimate(cost.calls, list(store.records.values()))
            cost.assumptions.append(f"tokens of a call {'measured in the store' if store.records else 'assumed'}")
        else:
            cost.assumptions.append(f"no prices in the configuration (judges: {judge}: prices)")
        name = judge if prompt is None else f"{judge}, {prompt}"
        costs.append(asdict(cost) | {"judge": name, "calls": cost.calls})
    return costs


def count_calls(cost: JudgeCost, inventory: Inventory, files: list[FileToJudge], store: VerdictStore) -> None:
    """files: all asked about by the same prompt."""
    config = inventory.config
    attempts = judge_attempts(config, cost.judge, files[0].prompt) if files else None
    questions: dict[str, tuple[str, dict]] = {}  # first key -> (model, question)
    calls = Counter[str]()
    for file in files:
        if file.exists and attempts:
            with parts_of("a file of answers to judge", file.path):
                for row in read_rows(file.path):
                    question = question_of(row, config["policy"])
                    if prefilled(question, config["policy"]) is None:
                        questions.setdefault(attempts.first_key(question), (file.model, question))
        elif file.prompt:
            calls[file.model] += file.most_calls
        else:
            calls[file.model] += round(ASKED_SHARE * inventory.rows_of(file.model, file.benchmark))
    if config["judges"][cost.judge].get("cascade"):
        cost.assumptions.append("fewer with cascade: answers that the symbolic grader finds equal are not asked")
    cost.estimated_calls = calls.total()
    if attempts:
        attempts.recall(store.records)
        for model, question in questions.values():
            calls[model] += attempts.next_request(question, store.records) is not None
    cost.calls_by_model = dict(calls)
    if cost.estimated_calls and files[0].prompt:
        cost.assumptions.append("as many problems to compare as were or will be written, no two of them the same")
    elif cost.estimated_calls:
        cost.assumptions.append(f"{ASKED_SHARE:.0%} of the answers to come need a call, assumed")


def calls_left(inventory: Inventory, judge: str) -> int:
    """Calls of one judge for all models, and about problems that may repeat a test problem."""
    ask_refused = inventory.config["judges"][judge].get("ask_refused", False)
    store = VerdictStore(Path(f"judgements/{judge}"), ask_refused=ask_refused)
    answers = [
        file for model in inventory.config["models"] for file in inventory.model_files(model).to_judge.get(judge, [])
    ]
    pairs = list(pairs_to_judge(inventory, judge))
    by_prompt = [[file for file in pairs if file.prompt == prompt] for prompt in {file.prompt for file in pairs}]
    calls = 0
    for files in (answers, *by_prompt):
        count_calls(cost := JudgeCost(judge), inventory, files, store)
        calls += cost.calls
    return calls


def add_engine(
    cost: JudgeCost, inventory: Inventory, files: list[FileToJudge], store: VerdictStore, speed: Speed
) -> None:
    """Hours of a self-hosted judge: each model's judging starts the engine once, if there is anything to ask."""
    settings = inventory.config["judges"][cost.judge]
    lengths = [n for record in store.records.values() if (n := record.get("num_generated_tokens"))]
    tokens = sum(lengths) / len(lengths) if lengths else min(ASSUMED_GENERATED_TOKENS, settings["max_new_tokens"])
    cost.engine_starts = len({file.model for file in files}) if cost.calls else 0
    seconds = cost.engine_starts * speed.start_seconds + cost.calls * tokens / speed.tokens_per_second
    cost.gpus_per_engine = inventory.layout.gpus(settings["self_hosted"])
    cost.engine_hours, cost.gpu_hours = seconds / 3600, cost.gpus_per_engine * seconds / 3600
    known = "measured in the store" if lengths else "assumed"
    cost.assumptions.append(f"{tokens:,.0f} tokens a judgement {known}, at the speed of generation")


def judge_attempts(config: dict, judge: str, prompt_name: str | None = None) -> Attempts | None:
    """Under which keys the judge's verdicts are stored; None for a self-hosted judge whose engine is still to be made."""
    settings = config["judges"][judge]
    prompt = read_judge_prompt(prompt_file(prompt_name or settings["prompt"]))
    sampling = judge_sampling(settings["max_new_tokens"], config["policy"], settings.get("sampling"))
    identity = built_engine(config, settings["self_hosted"]) if "self_hosted" in settings else settings["model"]
    if identity is None:
        return None
    return Attempts(
        JudgeSettings(identity, prompt, sampling),
        config["policy"],
        settings["tries_unparsed"],
        parameters=judge_parameters(settings.get("sampling")),
    )
