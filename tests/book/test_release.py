"""A release holds what it says, the same bytes each time, and nothing stale."""

import os
import shutil
import subprocess
import zipfile

import pytest

from _tools import release
from _tools.chapters import ROOT, twin_path
from _tools.release import ReleaseError

NAMED = ("CITATION.cff", "LICENSE", "LICENSE-text", "pyproject.toml")


@pytest.fixture
def repository(executed, monkeypatch):
    """The tiny book, executed and committed, and a site of two files."""
    for name in NAMED:
        shutil.copy(ROOT / name, executed)
    (executed / ".gitignore").write_text("_build/\n__pycache__/\n.ipynb_checkpoints/\n")
    program = executed / "run"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    git(executed, "init", "-q")
    commit(executed)
    html = executed / "_build" / "html"
    (html / "book").mkdir(parents=True)
    (html / "index.html").write_text("<p>the book</p>")
    (html / "book" / "one.html").write_text("<p>one</p>")
    monkeypatch.setattr(release, "render", lambda root: html / "index.html")
    return executed


def git(root, *arguments):
    author = ("-c", "user.name=a", "-c", "user.email=a@b.test")
    subprocess.run(("git", *author, *arguments), cwd=root, check=True, capture_output=True)


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "all")


def unpack(target, folder):
    """Extract an archive; return the folder that it makes."""
    with zipfile.ZipFile(target) as archive:
        archive.extractall(folder)
    (made,) = folder.iterdir()
    return made


def checked(folder):
    """Run ``sha256sum -c`` in a folder; return its exit code."""
    command = ("sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS")
    return subprocess.run(command, cwd=folder, capture_output=True).returncode


def test_it_holds_the_site_the_repository_and_what_to_read_first(repository, tmp_path_factory):
    target = release.release(repository)
    assert target.name == "featlearn-0.1.0.zip"
    folder = unpack(target, tmp_path_factory.mktemp("released"))
    assert folder.name == "featlearn-0.1.0"
    for name in (
        *NAMED[:3],
        "site/book/one.html",
        "repository/book/tiny.md",
        "repository/book/notebooks/tiny.ipynb",
        "repository/lib/featlearn/one.py",
    ):
        assert (folder / name).is_file(), name
    assert "Open index.html" in (folder / "README.txt").read_text()
    assert "url=site/index.html" in (folder / "index.html").read_text()
    assert not (folder / "repository" / "_build").exists()


def test_its_files_are_listed_and_checked(repository, tmp_path_factory):
    target = release.release(repository)
    folder = unpack(target, tmp_path_factory.mktemp("released"))
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    manifest = (folder / "MANIFEST.txt").read_text().splitlines()
    sizes = {name: int(size) for size, name in (line.split(None, 1) for line in manifest)}
    assert sizes.keys() == files.keys() - {"MANIFEST.txt", "SHA256SUMS"}
    assert sizes == {name: files[name].stat().st_size for name in sizes}
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ", 1)[1] for line in sums} == files.keys() - {"SHA256SUMS"}
    assert checked(folder) == 0
    (folder / "site" / "book" / "one.html").write_text("<p>two</p>")
    assert checked(folder) != 0


def test_the_file_beside_it_has_its_hash(repository):
    target = release.release(repository)
    command = ("sha256sum", "-c", f"{target.name}.sha256")
    assert subprocess.run(command, cwd=target.parent, capture_output=True).returncode == 0


def test_the_same_input_gives_the_same_bytes(repository):
    first = release.release(repository).read_bytes()
    for path in repository.rglob("*"):
        os.utime(path, (0, 1e9))
    assert release.release(repository).read_bytes() == first
    page = repository / "_build" / "html" / "index.html"
    page.write_text("<p>another book</p>")
    assert release.release(repository).read_bytes() != first


def test_a_program_stays_one(repository):
    with zipfile.ZipFile(release.release(repository)) as archive:
        modes = {
            name.rsplit("/", 1)[1]: archive.getinfo(name).external_attr >> 16
            for name in archive.namelist()
        }
    assert modes["run"] == 0o100755
    assert modes["tiny.md"] == 0o100644


def test_the_pdf_is_packed_or_said_to_be_left_out(repository, capsys):
    def names(pdf):
        with zipfile.ZipFile(release.release(repository, pdf)) as archive:
            return {name.split("/", 1)[1] for name in archive.namelist()}

    typeset = repository / "_build" / "book.pdf"
    typeset.write_bytes(b"%PDF")
    assert "featlearn.pdf" in names(lambda root: typeset)
    assert "left out" not in capsys.readouterr().out
    assert "featlearn.pdf" not in names(None)
    assert "the PDF is left out" in capsys.readouterr().out


# Planted causes to refuse.


@pytest.mark.parametrize("touched", ["book/tiny.md", "lib/featlearn/one.py", "requirements.lock"])
def test_a_stale_chapter_is_named(repository, touched):
    path = repository / touched
    path.write_text(path.read_text() + "\n# more\n")
    commit(repository)
    with pytest.raises(ReleaseError, match="make book.*: tiny$"):
        release.release(repository)


def test_a_chapter_without_a_twin_is_named(repository):
    twin_path(repository, "tiny").unlink()
    commit(repository)
    with pytest.raises(ReleaseError, match="make book.*: tiny$"):
        release.release(repository)


def test_a_twin_that_is_not_of_its_text_is_named(repository):
    """Edited by hand: its record of the inputs is still that of today."""
    path = twin_path(repository, "tiny")
    path.write_text(path.read_text().replace("ONE + 1", "ONE + 2"))
    commit(repository)
    with pytest.raises(ReleaseError, match="make book.*: tiny$"):
        release.release(repository)


def test_a_chapter_executed_elsewhere_is_taken(repository):
    """A clone has no record of its own runs; the twin says with which inputs it was executed."""
    shutil.rmtree(repository / "_build" / "executed")
    assert release.stale_chapters(repository) == []


@pytest.mark.parametrize("name", ["book/page.md", "new.txt"])
def test_what_is_not_committed_is_named(repository, name):
    (repository / name).write_text("changed")
    with pytest.raises(ReleaseError, match=f"not committed: {name}"):
        release.release(repository)


def test_a_copy_without_git_is_refused(repository):
    shutil.rmtree(repository / ".git")
    with pytest.raises(ReleaseError, match="git status failed"):
        release.release(repository)
