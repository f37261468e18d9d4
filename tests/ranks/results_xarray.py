"""Results open in xarray as labelled arrays: results_xarray.py PROGRAM, which writes the files."""
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import xarray as xr

warnings.simplefilter("error")


def check_grid(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert dict(data.sizes) == {"T": 41, "L": 3, "seed": 16, "spins_dim0": 2, "spins_dim1": 3}, data.sizes
        assert data.energy.dims == ("T", "L", "seed"), data.energy.dims
        assert np.array_equal(data["T"], np.linspace(1.5, 3.5, 41))
        assert data["T"].attrs["units"] == "K"
        assert data["L"].dtype == np.int64 and list(data["L"]) == [16, 32, 64]
        ids = np.arange(41 * 3 * 16).reshape(41, 3, 16)
        assert np.array_equal(data.energy, ids / 7)
        assert data.energy.attrs == {"units": "J", "long_name": "energy per site"}, data.energy.attrs
        assert data.steps.dtype == np.int64 and np.array_equal(data.steps, 2**60 + ids)
        assert data.stable.dtype == bool and np.array_equal(data.stable, ids % 2 == 0)
        assert np.array_equal(data.phase, np.where(ids % 3 == 0, "β phase", "α")), data.phase
        assert data.spins.dims == ("T", "L", "seed", "spins_dim0", "spins_dim1")
        assert np.array_equal(data.spins[..., 1, 2], ids)
        assert float(data.energy.sel(T=2.5, L=32, seed=3)) == ids[20, 1, 3] / 7
        assert float(data.energy.mean("seed").sel(T=1.5, L=16)) == np.mean(ids[0, 0] / 7)
        assert (data.status == 1).all() and data.status.dtype == np.int8
        assert data.status.attrs["flag_meanings"] == "missing done failed excluded"
        assert list(data.status.attrs["flag_values"]) == [0, 1, 2, 3]
        assert data.attrs["title"] == "grid" and data.attrs["job"] == "kind: sweep\n"
        data.load().to_dataframe()


def check_holes(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert list(data.mode.values) == ["a", "bc"], data.mode
        assert data.fast.dtype == bool and list(data.fast.values) == [False, True], data.fast
        done = np.array([0, 3, 4, 5, 6, 7, 8])
        assert np.array_equal(data.status[:, 0, 0], [1, 0, 2, 1, 1, 1, 1, 1, 1, 3])
        assert np.isnan(data["count"].values[[1, 2, 9]]).all()
        assert np.array_equal(data["count"].values[done, 0, 0], done)
        assert np.isnan(data.flag.values[1, 0, 0]) and data.flag.values[3, 0, 1] == 1
        assert float(data.x.sel(n=8, mode="bc", fast=True)) == 0.5
        assert int(data.x.count()) == 28


def check_zip(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert data.energy.dims == ("T", "pair")
        assert set(data.coords) == {"T", "pair", "a", "b"}, data.coords
        assert data.a.dims == ("pair",) and list(data.a.values) == [1, 2, 3]
        assert list(data.b.values) == ["x", "y", "x"] and list(data.pair.values) == [0, 1, 2]
        assert list(data.energy.sel(T=2.5).where(data.b == "x", drop=True).values) == [10, 12]


def check_sample(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert data.energy.dims == ("design",) and set(data.coords) == {"design", "x", "y"}
        assert ((data.x >= 0) & (data.x < 1) & (data.y >= 2) & (data.y < 3)).all()
        assert np.array_equal(data.energy, np.arange(64))
        assert len(np.unique(np.floor(data.x.values * 64))) == 64


def check_letters(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert list(data.c.values) == ["a", "b"] and data.c.dims == ("c",)
        assert list(data.mixed.values) == ["1", "auto", "2.5"], data.mixed
        assert data.letter.dims == ("c", "mixed")
        assert data.letter.sel(c="b", mixed="1") == "x" and data.letter.sel(c="b", mixed="2.5") == "y"


with tempfile.TemporaryDirectory() as directory:
    subprocess.run([sys.argv[1], directory], check=True)
    for name, check in [("grid", check_grid), ("holes", check_holes), ("zip", check_zip),
                        ("sample", check_sample), ("letters", check_letters)]:
        for form in ["", "-parallel"]:
            check(f"{directory}/{name}{form}.h5")
            print(name + form, "is right")
