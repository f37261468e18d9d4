"""NumPy and h5py read the tables that surd writes, and surd reads theirs: formats_in_python.py PROGRAM."""
import csv
import subprocess
import sys
import tempfile

import h5py
import numpy as np

program = sys.argv[1]
i = np.arange(20000)


def rows(path):
    """Header and rows that surd finds in a table."""
    text = subprocess.run([program, "read", path], check=True, capture_output=True, text=True).stdout
    table = list(csv.reader(text.splitlines()))
    return table[0], table[1:]


def check_numpy_reads(directory):
    assert np.array_equal(np.load(directory + "/vector.npy"), i / 7)
    matrix = np.load(directory + "/matrix.npy")
    assert matrix.dtype == np.int64 and np.array_equal(matrix, np.stack([i - 100, i - 100], axis=1))
    mixed = np.load(directory + "/mixed.npy", mmap_mode="r")
    assert mixed.dtype == np.dtype([("a", "<i8"), ("x", "<f8"), ("odd", "?")]), mixed.dtype
    assert np.array_equal(mixed["x"], i / 7) and np.array_equal(mixed["odd"], i % 2 == 1)


def check_h5py_reads(directory):
    texts = np.where(i % 5 == 0, "", np.char.add("täxt ", i.astype(str)))
    null = i % 9 == 4
    with h5py.File(directory + "/plain.h5") as file:
        assert list(file) == ["table"] and list(file["table"]) == ["i", "x", "t", "odd"]
        table = file["table"]
        assert table["i"].dtype == np.int64 and np.array_equal(table["i"], i - 100)
        assert np.array_equal(table["x"], i / 7)
        assert table["odd"].dtype == bool and np.array_equal(table["odd"], i % 2 == 1)
        assert h5py.check_string_dtype(table["t"].dtype).encoding == "utf-8"
        assert np.array_equal(table["t"].asstr()[:], texts)
        assert all(table[name].compression == "gzip" and table[name].shuffle for name in table)
    with h5py.File(directory + "/nulls.h5") as file:
        table = file["table"]
        assert sorted(table) == ["i", "i_null", "odd", "odd_null", "t", "t_null", "x"]
        assert np.array_equal(table["x"], np.where(null, np.nan, i / 7), equal_nan=True)
        for name in ["i", "t", "odd"]:
            mask = table[name + "_null"]
            assert mask.dtype == np.uint8 and np.array_equal(mask, null)
            assert mask.attrs["null_of"] == name.encode() or mask.attrs["null_of"] == name
        assert np.array_equal(table["i"], np.where(null, 0, i - 100))
        assert np.array_equal(table["t"].asstr()[:], np.where(null, "", texts))


def check_surd_reads_numpy(directory):
    path = directory + "/theirs.npy"
    for dtype in ["i1", ">i2", "u4", "<i8", ">f4", "f2", "f8"]:
        values = np.arange(60).astype(dtype)
        np.save(path, values)
        assert rows(path)[1] == [[str(n)] for n in range(60)], dtype
    np.save(path, np.arange(12.5, 18.5).reshape(3, 2))
    assert rows(path) == (["c0", "c1"], [["12.5", "13.5"], ["14.5", "15.5"], ["16.5", "17.5"]])
    mixed = np.zeros(2, np.dtype([("name", "U5"), ("b", "S3"), ("ok", "?")], align=True))
    mixed[0] = ("größe", b"abc", True)
    np.save(path, mixed)
    assert rows(path) == (["name", "b", "ok"], [["größe", "abc", "true"], ["", "", "false"]])


def check_surd_reads_h5py(directory):
    path = directory + "/theirs.h5"
    compound = np.zeros(100, np.dtype([("n", ">i2"), ("x", "f4"), ("s", "S4"), ("t", h5py.string_dtype()), ("b", "?")]))
    for k in range(100):
        compound[k] = (k - 50, k / 4, b"ab", "ü" * (k % 3), k % 2)
    with h5py.File(path, "w") as file:
        file["compound"] = compound
        file.create_dataset("matrix", data=np.arange(3000).reshape(1000, 3), chunks=(7, 2), compression="gzip")
        file["deep/vector"] = np.arange(5, dtype="u2")
        file["big"] = np.array([1, 2**63], dtype="u8")
        file["cube"] = np.zeros((2, 2, 2))
        file["level"] = np.array([0, 2], dtype=h5py.enum_dtype({"low": 0, "high": 2}))
        group = file.create_group("columns")
        group["z"] = np.arange(3)
        group["a"] = np.array(["x", "y", "z"], dtype=h5py.string_dtype("ascii", 3))
    names, found = rows(path + ":/compound")
    assert names == ["n", "x", "s", "t", "b"]
    assert found[7] == ["-43", "1.75", "ab", "ü", "true"], found[7]
    assert found[50] == ["0", "12.5", "ab", "üü", "false"], found[50]
    names, found = rows(path + ":/matrix")
    assert names == ["c0", "c1", "c2"] and found == [[str(3 * n), str(3 * n + 1), str(3 * n + 2)] for n in range(1000)]
    assert rows(path + ":/deep/vector") == (["vector"], [[str(n)] for n in range(5)])
    assert rows(path + ":/level") == (["level"], [["0"], ["2"]])
    assert rows(path + ":/columns") == (["a", "z"], [["x", "0"], ["y", "1"], ["z", "2"]])
    for name, text in [("cube", "3 dimensions"), ("big", "9223372036854775808 is beyond"), ("none", "/deep/vector")]:
        done = subprocess.run([program, "read", path + ":/" + name], capture_output=True, text=True)
        assert done.returncode == 1 and text in done.stderr, (name, done.stderr)


with tempfile.TemporaryDirectory() as place:
    subprocess.run([program, "write", place], check=True)
    check_numpy_reads(place)
    check_h5py_reads(place)
    check_surd_reads_numpy(place)
    check_surd_reads_h5py(place)
