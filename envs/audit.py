"""Known vulnerabilities of the locked packages, by pip-audit. Called by `make lint`.

    python envs/audit.py envs/workflow.lock envs/dev.lock

Exit status: 1 where there is a finding, or where pip-audit fails for a reason of its own; 0 where there is none, and, said in one
line, where the database cannot be reached or knows none of these packages (a mirror without it): a network is no part of the code.
"""

import json
import re
import subprocess
import sys

COMMAND = ["pip-audit", "--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json"]
SECONDS = 180.0  # a request takes 0.1 s; a firewall that drops packets would hold each for 15
NO_NETWORK = re.compile(r"(Connection|Proxy|SSL|HTTP)Error|Timeout|[Cc]ould not connect|timed out")


def main(locks: list[str]) -> int:
    command = [*COMMAND, *(word for lock in locks for word in ("-r", lock))]
    try:
        reply = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except FileNotFoundError:
        return skipped("it is not installed (make env-dev)")
    except subprocess.TimeoutExpired:
        return skipped(f"no answer of its database within {SECONDS:g} s")
    try:
        packages = json.loads(reply.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (reply.stderr.strip().splitlines() or ["no output"])[-1]
        if NO_NETWORK.search(last):
            return skipped(f"its database cannot be reached ({last[:120]})")
        print(f"pip-audit: failed\n{reply.stderr}", file=sys.stderr)
        return 1
    audited = [package for package in packages if "skip_reason" not in package]
    found = [(package, fault) for package in audited for fault in package["vulns"]]
    for package, fault in found:
        fixed = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"pip-audit: {package['name']} {package['version']}: {fault['id']}; fixed in {fixed}", file=sys.stderr)
    if not found and not audited:
        return skipped(f"its database knows none of the {len(packages)} packages")
    print(f"pip-audit: {len(audited)} of {len(packages)} packages looked up, {len(found)} vulnerabilities")
    return 1 if found else 0


def skipped(why: str) -> int:
    print(f"pip-audit: skipped, {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
