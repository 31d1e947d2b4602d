"""The HTML report: tables and figures on one page that needs no network. Needs the extra `report`.

`page.py` has the building blocks (Report, Section, Table, Figure) and writes the page. `figures.py`
has what all figures share; `curves.py`, `matrices.py` and `counts.py` draw them. `sections.py`
builds sections from scored predictions, `evaluation_page.py` the report of an evaluation, and
`training_page.py` that of a training run.
"""
