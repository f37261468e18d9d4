"""As much of Spack's package language as surd's recipes use, so that a test can evaluate them where Spack is not.

load(PATH) returns the class of a package.py; a directive called with an unknown keyword or a spec that does not parse
fails, as it would in Spack.
"""
import importlib.util
import itertools
import os.path
import re
import sys
import types

NAME = re.compile(r"[a-z][a-z0-9-]*(?=[ @+~%]|$)")
PART = re.compile(r"@[0-9a-z.:,]+|[+~][a-z0-9_]+|%[a-z]+(?:@[0-9.:]+)?|[a-z_]+=[a-z0-9_,]+")


def parse(text):
    """A spec's name, its versions, and its variants as {name: value}."""
    name = NAME.match(text)
    rest = text[name.end() :] if name else text
    parts = PART.findall(rest)
    if "".join(parts) != rest.replace(" ", ""):
        raise SyntaxError(f"not a spec: {text!r}")
    variants = {part[1:]: part[0] == "+" for part in parts if part[0] in "+~"}
    variants.update(part.split("=") for part in parts if part[0] not in "+~@%")
    return name[0] if name else "", [part[1:] for part in parts if part[0] == "@"], variants


def satisfies(chosen, text):
    """Whether the variants `chosen` are those of the spec `text`."""
    return all(chosen.get(k) == v for k, v in parse(text)[2].items())


class Directives(dict):
    """The namespace in which a package's class body runs: calls are written down."""

    def __init__(self, inherited):
        super().__init__()
        self["variants"] = dict(inherited)
        self["dependencies"] = []  # (spec, when, type)
        self["licenses"], self["versions"] = [], []
        self["refusals"] = []  # (spec, when, message)
        self["single"] = set()  # variants that have one value of several
        for directive in (self.version, self.variant, self.depends_on, self.conflicts, self.license, self.generator):
            self[directive.__name__] = directive

    def version(self, name, *, sha256=None, branch=None):
        assert (sha256 is None) != (branch is None) and (branch or re.fullmatch("[0-9a-f]{64}", sha256)), name
        self["versions"].append(name)

    def variant(self, name, *, default, description, values=None, multi=None, sticky=False, when=""):
        assert description and isinstance(sticky, bool)
        assert isinstance(default, bool) if values is None else default in values and multi is not None, name
        parse(when)
        self["variants"][name] = default
        if multi is False:
            self["single"].add(name)

    def depends_on(self, spec, *, when="", type=("build", "link")):
        assert set([type] if isinstance(type, str) else type) <= {"build", "link", "run", "test"}, type
        assert parse(spec)[0], spec
        parse(when)
        self["dependencies"].append((spec, when, type))

    def conflicts(self, spec, *, when="", msg=""):
        parse(spec), parse(when)
        self["refusals"].append((spec, when, msg))

    def license(self, name):
        self["licenses"].append(name)

    def generator(self, *names):
        assert set(names) <= {"ninja", "make"}


class PackageMeta(type):
    @classmethod
    def __prepare__(mcs, name, bases):
        return Directives({k: v for base in bases for k, v in getattr(base, "variants", {}).items()})


class CMakePackage(metaclass=PackageMeta):
    """A package of which `chosen` says the variants."""

    def __init__(self, chosen):
        self.chosen = {**self.variants, **chosen}
        self.spec = types.SimpleNamespace(satisfies=lambda text: satisfies(self.chosen, text))

    def __getitem__(self, name):
        return types.SimpleNamespace(kokkos_cxx="nvcc_wrapper")

    def define(self, name, value):
        return f"-D{name}:BOOL={'ON' if value else 'OFF'}" if isinstance(value, bool) else f"-D{name}:STRING={value}"

    def define_from_variant(self, name, variant):
        return self.define(name, self.chosen[variant])


class CudaPackage(metaclass=PackageMeta):
    cuda_arch_values = ("80", "90")
    variants = {"cuda": False, "cuda_arch": "none"}


def load(path):
    """The package's class in the file `path`."""
    package = types.ModuleType("spack.package")
    package.join_path = os.path.join
    modules = {"spack": types.ModuleType("spack"), "spack.package": package}
    for name, members in {"cmake": {"CMakePackage": CMakePackage}, "cuda": {"CudaPackage": CudaPackage}}.items():
        modules[f"spack_repo.builtin.build_systems.{name}"] = types.ModuleType(name)
        modules[f"spack_repo.builtin.build_systems.{name}"].__dict__.update(members)
    for parent in ("spack_repo", "spack_repo.builtin", "spack_repo.builtin.build_systems"):
        modules[parent] = types.ModuleType(parent)
    sys.modules.update(modules)
    spec = importlib.util.spec_from_file_location(path.parent.name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, path.parent.name.title().replace("_", ""))


def refusal(package, chosen):
    """Why these variants cannot be had, or None; compilers and versions are not looked at."""
    variants = {**package.variants, **chosen}
    for spec, when, message in package.refusals:
        if parse(spec)[2] and satisfies(variants, spec) and satisfies(variants, when):
            return message
    return None


def choices(package):
    """Every choice of the package's yes-or-no variants."""
    names = [name for name, default in package.variants.items() if isinstance(default, bool)]
    for values in itertools.product([False, True], repeat=len(names)):
        yield dict(zip(names, values))
