"""Tables of people as they are found in BIDS trees."""

from medzoo.datasets.bids.participants import people_of


def test_a_quote_that_is_not_closed_costs_nobody(tmp_path):
    rows = ["participant_id\tage\tgroup", 'sub-01\t30\t"pilot', "sub-02\t40\tmain"]
    (tmp_path / "participants.tsv").write_text("\n".join(rows) + "\n")

    people = people_of(tmp_path)

    assert people["01", None] == {"age": "30", "group": '"pilot'}
    assert people["02", None]["age"] == "40"
