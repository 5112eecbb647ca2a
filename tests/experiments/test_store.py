"""Stored results: what goes in comes out, and nothing else does."""

import errno
import multiprocessing
import os
import time

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import provenance, store


def result(value=1.0, **attributes):
    attrs = provenance.collect({"d": 3}, device="cpu", dtype="float64", seeds=[1], wall_seconds=2.0)
    one = {"long_name": "something", "units": "seconds"}
    return xr.Dataset(
        {
            "curve": ("size", np.array([value, 0.1, 1e-300]), one),
            "count": ("size", np.array([1, 2, 3]), one),
            "settled": ("size", np.array([True, False, True]), one),
            "start": ("size", np.array(["prior", "planted", "é"]), one),
        },
        coords={"size": ("size", [10, 20, 40], one)},
        attrs=attrs | attributes,
    )


def test_a_result_comes_back_exactly(tmp_path):
    stored = result()
    path = store.save("two-layer", stored, folder=tmp_path)
    loaded = store.load("two-layer", folder=tmp_path)
    assert path == tmp_path / "two-layer.nc"
    # Units of seconds stay numbers, booleans booleans, text text.
    assert loaded.identical(stored.assign_attrs(schema=store.SCHEMA))
    assert {v.dtype.kind for v in loaded.variables.values()} == set("fibU")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["registry.txt", "two-layer.nc"]
    path.unlink()  # in memory: what was loaded needs the file no more
    assert float(loaded.curve[0]) == 1.0


def test_the_folder_can_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FEATLEARN_RESULTS", str(tmp_path))
    assert store.save("a", result()).parent == tmp_path
    assert float(store.load("a").curve[1]) == 0.1


def test_saving_twice_gives_the_same_bytes(tmp_path):
    stored = result()
    first = store.save("a", stored, folder=tmp_path).read_bytes()
    time.sleep(1.1)  # HDF5 would note times in seconds
    assert store.save("a", stored, folder=tmp_path).read_bytes() == first
    loaded = store.load("a", folder=tmp_path)
    assert store.save("b", loaded, folder=tmp_path).read_bytes() == first


def test_the_registry_is_sorted_and_plain(tmp_path):
    for name in ("b", "a", "c"):
        store.save(name, result(), folder=tmp_path)
    lines = (tmp_path / "registry.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["a.nc", "b.nc", "c.nc"]
    assert lines[0] == f"a.nc sha256:{store.sha256(tmp_path / 'a.nc')}"


@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.9, 0.9999])
def test_a_flipped_byte_is_refused_by_name(tmp_path, place):
    path = store.save("two-layer", result(), folder=tmp_path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(store.ResultError, match=r"two-layer\.nc.*SHA-256"):
        store.load("two-layer", folder=tmp_path)


def test_what_is_not_a_known_result_is_refused(tmp_path):
    with pytest.raises(store.ResultError, match=r"a\.nc: no such result"):
        store.load("a", folder=tmp_path)
    path = store.save("a", result(), folder=tmp_path)
    path.rename(tmp_path / "b.nc")
    with pytest.raises(store.ResultError, match=r"b\.nc: not in registry"):
        store.load("b", folder=tmp_path)
    with pytest.raises(ValueError, match=r"name = '\.\./a'"):
        store.load("../a", folder=tmp_path)


def register(path):
    (path.parent / "registry.txt").write_text(f"{path.name} sha256:{store.sha256(path)}\n")


def test_a_registered_file_that_is_not_netcdf_is_refused(tmp_path):
    path = tmp_path / "a.nc"
    path.write_text("not netCDF")
    register(path)
    with pytest.raises(store.ResultError, match=r"a\.nc: not a readable netCDF"):
        store.load("a", folder=tmp_path)


def test_a_registered_nan_is_refused_on_loading(tmp_path):
    path = tmp_path / "a.nc"
    store.write(path, result(np.nan, schema=store.SCHEMA))
    register(path)
    with pytest.raises(store.ResultError, match=r"a\.nc: variable 'curve' holds NaN"):
        store.load("a", folder=tmp_path)


def test_another_schema_is_refused(tmp_path):
    store.save("a", result(schema="other/7"), folder=tmp_path)
    with pytest.raises(store.ResultError, match=r"a\.nc: schema 'other/7', not 'featlearn"):
        store.load("a", folder=tmp_path)
    assert store.load("a", schema="other/7", folder=tmp_path).attrs["schema"] == "other/7"


def test_a_broken_registry_is_refused_and_kept(tmp_path):
    (tmp_path / "registry.txt").write_text("a.nc md5:0\n")
    with pytest.raises(store.ResultError, match=r"registry\.txt.*'a\.nc md5:0'"):
        store.save("a", result(), folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["registry.txt"]


def without(key):
    bad = result()
    del bad.attrs[key]
    return bad


def undescribed(name, key):
    bad = result()
    del bad[name].attrs[key]
    return bad


def with_values(values):
    bad = result()
    bad["curve"] = ("size", values, bad.curve.attrs)
    return bad


REFUSED = {
    "nan": (lambda: result(np.nan), "'curve' holds NaN"),
    "infinity": (lambda: result(np.inf), "'curve' holds NaN or inf"),
    "complex": (lambda: with_values(np.ones(3, complex)), "'curve' has type complex"),
    "dates": (lambda: with_values(np.zeros(3, "M8[ns]")), "'curve' has type datetime"),
    "objects": (lambda: with_values(np.array([{}, [], None], object)), "'curve' has type object"),
    "units": (lambda: undescribed("curve", "units"), "'curve' lacks .*units"),
    "long_name": (lambda: undescribed("size", "long_name"), "'size' lacks .*long_name"),
    "list": (lambda: result(note=[1, 2]), "attribute 'note' is a list"),
    "NaN attribute": (lambda: result(note=np.nan), "attribute 'note' is NaN"),
} | {
    key: (lambda key=key: without(key), f"{key}.*missing")
    for key in store.REQUIRED
    if key != "schema"
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_incomplete_result_is_not_stored(tmp_path, case):
    make, message = REFUSED[case]
    with pytest.raises(store.ResultError, match=rf"^bad\.nc: .*{message}"):
        store.save("bad", make(), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_result(tmp_path, monkeypatch):
    store.save("a", result(), folder=tmp_path)

    def fail(file):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(store.StorageError, match="Input/output error"):
            store.save("a", result(2.0), folder=tmp_path)
    assert float(store.load("a", folder=tmp_path).curve[0]) == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nc", "registry.txt"]


def save_some(names, folder):
    for name in names:
        store.save(name, result(), folder=folder)


def test_two_processes_lose_no_entry(tmp_path):
    context = multiprocessing.get_context("spawn")
    shares = [[f"{who}{i}" for i in range(8)] for who in "ab"]
    workers = [context.Process(target=save_some, args=(names, tmp_path)) for names in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    for name in shares[0] + shares[1]:
        store.load(name, folder=tmp_path)
