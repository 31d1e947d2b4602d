"""The HTML report: tables and figures on one page that needs no network. Needs the extra `report`.

`page.py` has the building blocks (Report, Section, Table, Figure) and writes them, `figures.py`
draws, `sections.py` makes sections of scored predictions, `evaluation_page.py` a report of an
evaluation.
"""
