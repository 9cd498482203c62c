"""Defaults that the configuration shares with options of scripts. Standard library only: scripts run in engine containers too,
where pydantic may be missing, and show their --help without waiting for it. All others stand in config_model.py."""

POLICY = "default"

# models:
DTYPE = "bfloat16"
TENSOR_PARALLEL = 1
CONTEXT_LENGTH = 8192  # tokens of prompt and answer together
EXTRACTIONS = ("boxed", "fallbacks")  # where the answer of a generation stands; the first is the default
MAX_INPUT_LEN, MAX_NUM_TOKENS, MAX_BATCH_SIZE = 4096, 8192, 128  # the recipe's trtllm-build

# generation:
TEMPERATURE = 0.7  # the recipe's
TOP_P = 0.95  # of NeMo-Skills at 1a17935e, not in the recipe's commands
MAX_NEW_TOKENS = 4096  # the recipe's
TOKENS_PER_SAMPLE = 560  # of an answer of MAX_NEW_TOKENS at most: the mean of the paper's evaluation of its 8B model
MAX_REFUSED = 0.05  # a filter refuses one question in thousands; a wrong setting refuses all


def request_seconds(max_new_tokens: int) -> float:
    """Deadline of a request to an endpoint: an hour, or the longest answer at 5 tokens a second."""
    return max(3600.0, max_new_tokens / 5)


# engines:
HEALTH = "/health"
TOKENIZER = "checkpoint"

# judges:
BASE_URL = "https://api.openai.com/v1"
JUDGE_MAX_NEW_TOKENS = 2048
TRIES_UNPARSED = 2
JUDGE_MODE = "online"
JUDGE_CONCURRENCY = 100  # requests in flight
REQUEST_SECONDS = 600
POLL_SECONDS = 60

# dataset:
DATASET_TEMPERATURE = 1.0  # the paper's, of all but the solutions of new problems
DATASET_MAX_NEW_TOKENS = 2048
MIN_SOLUTION_CHARACTERS, MAX_SOLUTION_TOKENS, MAX_PROBLEM_TOKENS = 200, 1024, 1024  # the paper's

# training:
CHECKPOINT_DTYPES = ("float32", "float16", "bfloat16")  # that checkpoints are averaged into

TOP = 5  # test problems that a new problem is compared with

# contamination:
FIELD = "problem"
NGRAM = 13  # as for GPT-3
SIMILARITY = 0.8

# export:
SAMPLE_FORMATS = ("nemo-skills", "dataset")  # copies of all samples: export_results.py
RESULT_FORMATS = ("table", "hub", "eee", "lm-eval")  # what the tables say: export_metrics.py
RELATIONSHIPS = (
    "first_party",
    "third_party",
    "collaborative",
    "other",
)  # of who publishes results to the makers of the model
