"""An LLM judges whether two answers are equivalent.

A verdict costs money. It is stored under a hash of everything that can change it (judge, prompt, sampling, problem, predicted and
expected answer) before it is used, and never asked for again, whatever file, model or mode needs it.

    settings    what makes a judge: identity, prompt, sampling; the keys of its verdicts
    questions   what is asked about a row, and what needs no call
    wording     an answer as its judge sees it: cut, or fenced off
    attempts    what was asked and replied, what to ask next
    verdict     a judgement's text -> yes, no, unparsed
    records     lines of the store: replies, refusals, the model behind them
    refusals    few questions without a reply are an outcome, many end the job
    store       all verdicts of a judge, kept for ever
    endpoints   the key of a hosted judge, the identity of a replayed one
    budget      prices, and the stop before a limit
    online      one request a question, at once
    batch       the OpenAI Batch API: half the price, within 24 hours; batch_service: its requests, batch_results: its replies
    judged_files  answers with what was said of them, and their manifest
    exchange    export and import of verdicts
    agreement   several judges on the same answers; stored_judgements: what two stores say of the same questions
"""

from openmath.judging.verdict import parse_verdict

__all__ = ["parse_verdict"]
