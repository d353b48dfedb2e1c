"""Each lint rule fails on its bad example, there and nowhere else, and none on the good one."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import layering  # noqa: E402

BAD = os.path.join(HERE, "bad")


class LintRules(unittest.TestCase):
    def test_every_rule_has_a_bad_example(self):
        self.assertEqual(sorted(rule.__name__ for rule in layering.RULES), sorted(os.listdir(BAD)))

    def test_bad_examples_fail_exactly_as_expected(self):
        for rule in layering.RULES:
            with self.subTest(rule=rule.__name__):
                folder = os.path.join(BAD, rule.__name__)
                with open(os.path.join(folder, "expected"), encoding="utf-8") as file:
                    expected = sorted(f"{place}: {rule.__name__}" for place in file.read().split())
                self.assertTrue(expected)
                found = sorted(f"{found.path}:{found.line}: {found.rule}" for found in layering.check(folder))
                self.assertEqual(found, expected)

    def test_good_example_passes(self):
        self.assertEqual([str(finding) for finding in layering.check(os.path.join(HERE, "good"))], [])


if __name__ == "__main__":
    unittest.main()
