"""The prompt of samples as it was sent, with a place for the problem, from the manifest of a summary."""

from openmath.generation.prompts import completion, llama3_instruct, messages_of, without_empty_system

PLACE = "\ue000problem\ue000"  # stands in no prompt
TEXTS = {"llama3-instruct": llama3_instruct, "completion": completion}


def prompts_of(manifest: dict | None) -> dict[str, list[dict]]:
    """Benchmark -> its prompts, mostly one; none of imported samples, and where staging was removed."""
    found: dict[str, list[dict]] = {}
    for known in ((manifest or {}).get("generation") or {}).get("settings") or []:
        prompt = shown_prompt(known["settings"]["prompt"], known["settings"]["prompt_template"])
        for benchmark in known["files"]:
            if prompt not in found.setdefault(benchmark, []):
                found[benchmark].append(prompt)
    return found


def shown_prompt(prompt: dict, template: str) -> dict:
    """template, and turns: [role, parts], the problem between the parts. role: None of a text, which is one turn.

    Turns are turned into text by the checkpoint's own chat template; the other templates are ours.
    """
    messages = messages_of({"system": "", "examples": [], **prompt}, PLACE)
    if template in TEXTS:
        turns = [(None, TEXTS[template](messages))]
    else:
        turns = [(message["role"], message["content"]) for message in without_empty_system(messages)]
    return {"template": template, "turns": [[role, text.split(PLACE)] for role, text in turns]}
