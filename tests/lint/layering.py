#!/usr/bin/env python3
"""Checks the rules on how this repository is put together. usage: layering.py [--root=DIRECTORY]

Prints one line a finding, `path:line: rule: what`, and exits 1 when there is any. The rules are in source_rules.py and
proto_rules.py; each has a bad example in tests/lint/bad/<rule>.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

import proto_rules  # noqa: E402
import source_rules  # noqa: E402
from repository import Repository  # noqa: E402

RULES = source_rules.RULES + proto_rules.RULES


def check(root):
    """Every finding in the tree below root, in a stable order."""
    repository = Repository(root)
    found = [finding for rule in RULES for finding in rule(repository)]
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.rule))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    findings = check(parser.parse_args().root)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
