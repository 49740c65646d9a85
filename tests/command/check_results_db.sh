#!/bin/sh
# docs/results-db.md: its Python and its queries run on the demo and give the figures that
# `pwemoe show` gives, and it names every table and column that a file has.
set -eu
python3 -c 'import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 38))' \
    2>/dev/null || {
    echo "skipped: there is no python3 with sqlite3 3.38 or newer (install python3)"
    exit 77
}
folder=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-doc-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cp "$srcdir/assets/demo/results.db" "$folder/results.db"
chmod u+w "$folder/results.db"
page=$srcdir/docs/results-db.md
awk '/^```/ { inside = ""; if ($0 != "```") inside = substr($0, 4); next }
     inside != "" { print > (folder "/page." inside) }' folder="$folder" "$page"

# Figures of someone else bring the copy to the present format, and are complete too.
tasks=$(./pwemoe show "$folder/results.db" objectives --format csv | tail -n +2 |
    cut -d, -f1 | tr '\n' ',')
echo "method,${tasks%,}" >"$folder/rows.csv"
echo "published,$(echo "$tasks" | sed 's/[^,]*,/50,/g; s/,$//')" >>"$folder/rows.csv"
./pwemoe import "$folder/results.db" "$folder/rows.csv" --quiet

python3 "$folder/page.python" "$folder/results.db" >"$folder/lines"
./pwemoe show "$folder/results.db" solutions --format json >"$folder/shown"
python3 - "$folder" "$page" <<'CHECK'
import json, re, sqlite3, sys

folder, page = sys.argv[1], open(sys.argv[2]).read()
lines = [json.loads(line) for line in open(folder + "/lines")]
shown = json.load(open(folder + "/shown"))
assert len(lines) == len(shown) > 100, (len(lines), len(shown))
for line, row in zip(lines, shown):
    assert line["id"] == row["id"] and line["method"] == row["method"], (line, row)
    assert line["preference"] == row["preference"], (line, row)
    assert line["parameters"] == row["parameters"], (line, row)
    for task, figure in row["objectives"].items():
        assert abs(line[task] - figure["value"]) < 1e-9, (line, row)

db = sqlite3.connect(folder + "/results.db")
view, query = [q for q in open(folder + "/page.sql").read().split(";") if q.strip()]
db.execute(view)
best = db.execute(query).fetchall()
merges = sorted((row["average"] for row in shown if row["kind"] == "merge"), reverse=True)
assert len(best) == 10
for (_, _, _, average), expected in zip(best, merges):
    assert abs(average - expected) < 0.0051, (average, expected)

tables = dict(re.findall(r"^\| `(\w+)` \|(.*)$", page, re.M))
version = db.execute("PRAGMA user_version").fetchone()[0]
assert "the format, %d now" % version in page, "docs/results-db.md: format %d" % version
for (table,) in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
    assert table in tables, "docs/results-db.md does not name the table " + table
    for column in db.execute("SELECT name FROM pragma_table_info(?)", (table,)):
        assert "`%s`" % column in tables[table], (
            "docs/results-db.md does not name %s.%s" % (table, column[0]))
print(len(lines), "solutions as pwemoe shows them")
CHECK
