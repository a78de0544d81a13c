"""A report is one file, with everything in it and nothing of a name taken for markup."""

from edgeface_train.page import Picture, Section, Table, write_page


def test_a_page_holds_its_tables_and_pictures_and_fetches_nothing(tmp_path):
    table = Table(["person", "chips"], [["ada", "3"], ["<script>alert(1)</script>", "4"]])
    section = Section("Who", ["Two people."], [table], [Picture("a & b", b"\x89PNG")])
    write_page(tmp_path / "page.html", "People", [section], lead=["one line"])
    page = (tmp_path / "page.html").read_text()
    assert "<td>ada</td><td>3</td>" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert 'src="data:image/png;base64,iVBORw=="' in page
    assert "a &amp; b" in page
    assert "http" not in page
