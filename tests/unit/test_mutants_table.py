"""The table of mutants is current: who changes a line that one of them changes sees it here, and not when the table is run next."""

from mutants.run import TABLE, read_table


def test_each_mutant_changes_one_place_and_can_be_read():
    assert read_table(TABLE), "it exits, naming those that are out of date"
