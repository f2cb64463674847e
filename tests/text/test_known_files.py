import re

from course_lib.text.known_files import DOWNLOADS


def test_the_table_is_complete_and_well_formed():
    assert {"tinyshakespeare.txt", "names.txt"} <= set(DOWNLOADS)
    assert len({item.sha256 for item in DOWNLOADS.values()}) == len(DOWNLOADS)
    for name, item in DOWNLOADS.items():
        assert item.name == name and "/" not in name
        assert item.url.startswith("https://") and re.fullmatch("[0-9a-f]{64}", item.sha256) and item.size > 0
        assert item.licence and item.substitute
