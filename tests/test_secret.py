"""The secret of a development HQ: one for all processes and starts, readable by its owner only."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hq_project.secret import kept_secret


def test_it_is_drawn_once_for_all(tmp_path: Path) -> None:
    """By whoever comes first, also of many at the same instant; nothing else is left there."""
    path = tmp_path / "var" / "development.secret"
    with ThreadPoolExecutor(8) as pool:
        drawn = set(pool.map(kept_secret, [path] * 32))
    assert drawn == {kept_secret(path)}
    assert len(drawn.pop()) > 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_another_folder_has_another(tmp_path: Path) -> None:
    """No secret is shared by installations."""
    assert kept_secret(tmp_path / "one") != kept_secret(tmp_path / "two")


def test_where_none_can_be_kept_there_is_one_all_the_same(tmp_path: Path) -> None:
    """The folder's own check says what is wrong with it."""
    (tmp_path / "file").write_text("")
    assert len(kept_secret(tmp_path / "file" / "development.secret")) > 50
