"""Random pipelines against a naive interpreter of their steps, row by row in Python.

    data_random.py MPIEXEC SURD SURD_DATA [PIPELINES]
"""

import collections
import csv
import gzip
import json
import random
import statistics
import time

import data_support as support
import harness

MIB = support.MIB
LETTERS = ("x", "y", "é", ",", "'\"", "\n", " ")
MOST_ROWS = 300_000
PIPELINES = harness.SCALE if harness.SCALE > 1 else 60


def null_or(function):
    return lambda *values: None if any(value is None for value in values) else function(*values)


def both(a, b):
    return False if a is False or b is False else None if a is None or b is None else True


def either(a, b):
    return True if a is True or b is True else None if a is None or b is None else False


class Table:
    """Rows as dictionaries, a type per column, and whether the order of the rows is promised."""

    def __init__(self, types, rows, ordered=True):
        self.types, self.rows, self.ordered = types, rows, ordered

    def columns(self, kind=None):
        return [name for name in self.types if kind in (None, self.types[name])]

    def with_rows(self, rows, ordered=None):
        return Table(self.types, rows, self.ordered if ordered is None else ordered)


def key_of(value):
    return (value is None, 0 if value is None else value)


class Writer:
    """Draws steps that fit a table, and does them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = 0

    def table(self, names, count):
        draw = self.random
        types = dict(zip(names, ("int", "text", draw.choice(("int", "float")), draw.choice(("text", "float")))))
        high = draw.choice((3, 50, 10**6))

        def value(kind):
            if draw.random() < 0.1:
                return None
            if kind == "text":
                return draw.choice(LETTERS) * draw.randint(1, 12)
            number = draw.randint(-high, high)
            return number if kind == "int" else number / 4  # so that sums are exact

        rows = [{name: value(kind) for name, kind in types.items()} for _ in range(count)]
        return Table(types, rows)

    def new_name(self, table):
        if self.random.random() < 0.2:
            return self.random.choice(table.columns())
        self.made += 1
        return f"n{self.made}"

    def some(self, names, least=1):
        return self.random.sample(names, self.random.randint(least, len(names)))

    def condition(self, table, depth=0):
        """(text, function of a row)"""
        draw = self.random
        if depth < 2 and draw.random() < 0.4:
            (left, f), (right, g) = self.condition(table, depth + 1), self.condition(table, depth + 1)
            word, combine = draw.choice((("and", both), ("or", either)))
            return f"({left}) {word} ({right})", lambda row: combine(f(row), g(row))
        name = draw.choice(table.columns())
        if draw.random() < 0.2:
            word, wanted = draw.choice((("is null", True), ("is not null", False)))
            return f"{name} {word}", lambda row: (row[name] is None) == wanted
        if table.types[name] == "text":
            text = draw.choice(LETTERS[:4]) * draw.randint(1, 3)
            return f"{name} >= '{text}'", lambda row: null_or(lambda a: a >= text)(row[name])
        if table.types[name] == "int" and draw.random() < 0.3:
            return f"{name} % 2 == 0", lambda row: null_or(lambda a: a % 2 == 0)(row[name])
        number = draw.randint(-5, 5)
        return f"{name} > {number}", lambda row: null_or(lambda a: a > number)(row[name])

    def filter(self, table):
        text, keep = self.condition(table)
        return {"filter": text}, table.with_rows([row for row in table.rows if keep(row) is True])

    def derive(self, table):
        draw = self.random
        name = self.new_name(table)
        a = draw.choice(table.columns())
        kind = table.types[a]
        others = table.columns(kind)
        b = draw.choice(others)
        forms = [(a, lambda row: row[a]), (f"coalesce({a}, {b})", lambda row: row[b] if row[a] is None else row[a])]
        if kind == "float":
            forms += [(f"if({a} > {b}, {a}, {b})",
                       lambda row: row[b] if null_or(lambda x, y: x <= y)(row[a], row[b]) is not False else row[a])]
        if kind == "int":
            forms += [(f"{a} % 1000 + {b} % 1000",
                       lambda row: null_or(lambda x, y: x % 1000 + y % 1000)(row[a], row[b])),
                      (f"{a} % 1000 * 3", lambda row: null_or(lambda x: x % 1000 * 3)(row[a]))]
        text, value = draw.choice(forms)
        rows = [{**row, name: value(row)} for row in table.rows]
        return {"derive": {name: text}}, Table({**table.types, name: kind}, rows, table.ordered)

    def select(self, table):
        names = self.some(table.columns())
        if self.random.random() < 0.3:
            renamed = {f"r{i}{name}": name for i, name in enumerate(names)}
        else:
            renamed = {name: name for name in names}
        rows = [{new: row[old] for new, old in renamed.items()} for row in table.rows]
        step = names if renamed == dict(zip(names, names)) else renamed
        return {"select": step}, Table({new: table.types[old] for new, old in renamed.items()}, rows, table.ordered)

    def sort(self, table):
        names = self.some(table.columns())
        down = self.random.random() < 0.3
        rows = list(table.rows)
        for name in reversed(names):
            there = sorted((row for row in rows if row[name] is not None), key=lambda row: row[name], reverse=down)
            rows = there + [row for row in rows if row[name] is None]  # last in both directions
        step = {"by": names, "descending": True} if down else {"by": names}
        return {"sort": step}, table.with_rows(rows, table.ordered or set(names) == set(table.columns()))

    def group(self, table):
        by = self.some(table.columns())
        results = {"count": lambda values: len(values), "sum": sum, "min": min, "max": max,
                   "mean": statistics.fmean, "median": statistics.median, "count_distinct": lambda values: len(set(values))}
        if table.ordered:
            results |= {"first": lambda values: values[0], "last": lambda values: values[-1]}
        step, types, makers = {"by": by}, {name: table.types[name] for name in by}, {}
        for _ in range(self.random.randint(1, 3)):
            self.made += 1
            name, source = f"g{self.made}", self.random.choice(table.columns())
            kind = table.types[source]
            word = self.random.choice([word for word in results if kind != "text" or word not in ("sum", "mean", "median")])
            step[name] = {word: source}
            types[name] = "int" if word.startswith("count") else "float" if word.startswith("me") else kind
            makers[name] = (source, word)
        groups = {}
        for row in table.rows:
            groups.setdefault(tuple(row[name] for name in by), []).append(row)
        rows = []
        for key in sorted(groups, key=lambda key: [key_of(value) for value in key]):
            made = dict(zip(by, key))
            for name, (source, word) in makers.items():
                values = [row[source] for row in groups[key] if row[source] is not None]
                made[name] = results[word](values) if values or word.startswith("count") else None
            rows.append(made)
        ordered = self.random.random() < 0.7
        if not ordered:
            step["order"] = "any"
        return {"group": step}, Table(types, rows, ordered)

    def distinct(self, table):
        by = self.some(table.columns()) if table.ordered else table.columns()
        seen = {}
        for row in table.rows:
            seen.setdefault(tuple(row[name] for name in by), row)
        return {"distinct": by}, table.with_rows(list(seen.values()), ordered=False)

    def cut(self, table):
        count = self.random.choice((0, 1, 7, len(table.rows) // 2, 10**6))
        if self.random.random() < 0.5:
            return {"take": count}, table.with_rows(table.rows[:count])
        return {"skip": count}, table.with_rows(table.rows[count:])

    def join(self, table, right_file, right):
        steps = []
        for _ in range(self.random.randint(0, 3)):
            step, right = self.step(right, None)
            steps.append(step)
        kind = self.random.choice(("inner", "left", "semi", "anti"))
        left_key = self.random.choice(table.columns())
        keys = right.columns(table.types[left_key])
        if not keys or any(name in table.types and name + "_right" in table.types for name in right.types):
            return None
        right_key = self.random.choice(keys)
        matches = collections.Counter(row[right_key] for row in right.rows if row[right_key] is not None)
        if sum(matches[row[left_key]] for row in table.rows) > MOST_ROWS:
            return None
        step = {"input": right_file, "on": {left_key: right_key}, "kind": kind, "steps": steps}
        return {"join": step}, self.joined(table, right, left_key, right_key, kind)

    @staticmethod
    def joined(table, right, left_key, right_key, kind):
        matches = {}
        for row in right.rows:
            if row[right_key] is not None:
                matches.setdefault(row[right_key], []).append(row)
        if kind in ("semi", "anti"):
            rows = [row for row in table.rows if (row[left_key] in matches) == (kind == "semi")]
            return table.with_rows(rows, ordered=False)
        names = {name: name + "_right" if name in table.types else name for name in right.types if name != right_key}
        rows = []
        for row in table.rows:
            found = matches.get(row[left_key], [dict.fromkeys(right.types)] if kind == "left" else [])
            rows += [{**row, **{new: other[old] for old, new in names.items()}} for other in found]
        types = table.types | {new: right.types[old] for old, new in names.items()}
        return Table(types, rows, ordered=False)

    def step(self, table, right):
        kinds = [self.filter, self.derive, self.derive, self.select, self.select, self.sort, self.group, self.distinct]
        if table.ordered:
            kinds.append(self.cut)
        if right is not None:
            kinds += [lambda table: self.join(table, *right)] * 2
        made = None
        while made is None:
            made = self.random.choice(kinds)(table)
        return made


def write(path, table):
    """As CSV or JSON Lines, by the name."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", newline="", encoding="utf-8") as file:
        if ".csv" in path.name:
            csv.writer(file).writerows([table.types, *([row[name] for name in table.types] for row in table.rows)])
        else:
            file.writelines(json.dumps(row) + "\n" for row in table.rows)


def canonical(rows):
    return sorted(rows, key=lambda row: [key_of(value) for value in row.values()])


class Case:
    """A random pipeline with its input and what must come out of it."""

    def __init__(self, seed, rows):
        writer = Writer(seed)
        self.name = f"pipeline {seed}"
        self.random = writer.random
        sides = [writer.table("abcd", self.random.choice(rows)), writer.table("awxy", self.random.choice((0, 30, 300, 4000)))]
        names = [side + self.random.choice((".csv", ".csv.gz", ".jsonl")) for side in ("left", "right")]
        sources = [{"path": name, "types": side.types} for name, side in zip(names, sides)]
        self.input = dict(zip(names, sides))
        self.result, self.steps = sides[0], []
        for _ in range(self.random.randint(1, 8)):
            step, self.result = writer.step(self.result, (sources[1], sides[1]))
            self.steps.append(step)
        self.job = {"input": sources[0], "steps": self.steps, "output": "out.jsonl"}

    def folder(self, **more):
        folder = support.data_folder(self.job, **more)
        for name, table in self.input.items():
            write(folder.path / name, table)
        return folder

    def check(self, folder, status, err):
        assert status == 0, f"{self.name}: status {status}\n{json.dumps(self.steps)}\n{err}"
        found, expected = [json.loads(line) for line in folder.output("out.jsonl").splitlines()], self.result.rows
        if not self.result.ordered:
            found, expected = canonical(found), canonical(expected)
        assert found == expected, f"{self.name}: {json.dumps(self.steps)}\nfound    {found[:5]}\nexpected {expected[:5]}"


def test_random_pipelines_are_what_a_naive_interpreter_makes_of_them():
    for seed in range(PIPELINES):
        case = Case(seed, rows=(0, 1, 100, 3000))
        with case.folder(memory=8 * MIB) as folder:
            status, _, err = folder.verb("run", "job.yaml")
            case.check(folder, status, err)
        if seed % 10 > 0:
            continue
        with case.folder(memory=32 * MIB) as folder:
            status, _, err = folder.run(ranks=3)
            case.check(folder, status, err)


def test_random_pipelines_over_more_than_their_memory():
    for seed in range(PIPELINES // 15):
        case = Case(10**6 + seed, rows=(200_000,))
        with case.folder(memory=6 * MIB) as folder:
            status, _, err = folder.run(ranks=case.random.randint(1, 3))
            case.check(folder, status, err)


def test_random_pipelines_are_the_same_after_kills():
    kills = 0
    for seed in range(PIPELINES // 20):
        case = Case(2 * 10**6 + seed, rows=(60_000, 200_000))
        with case.folder(memory=8 * MIB, epoch=MIB // 4) as folder:
            for _ in range(4):
                process = folder.start(ranks=case.random.randint(1, 3))
                time.sleep(0.1 + case.random.random() ** 2)
                if process.poll() is not None:
                    break
                kind = case.random.choice(("one rank", "process group"))
                harness.wait_gone(harness.kill(process, kind, folder.program, case.random))
                kills += 1
            process.communicate()
            status, _, err = folder.run(ranks=case.random.randint(1, 3))
            case.check(folder, status, err)
    print(f"        {kills} kills")


harness.main(globals())
