#!/bin/sh
# `make docs`: every page becomes HTML, what is linked is there; and the manual pages are
# clean to mandoc.
set -eu
for tool in cmark-gfm mandoc; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is not here (install it)"
        exit 77
    }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/pwemoe-site-XXXXXX")
trap 'rm -rf "$work"' EXIT
pages=$(make -s -f - <<END
include $srcdir/docs/local.mk
EXTRA_DIST =
PHONY_TARGETS =
.DEFAULT_GOAL := list
list: ; @echo \$(docs_pages)
END
)
sh "$srcdir/docs/site.sh" "$srcdir" "$work/site" test $pages
grep -q 'href="tutorial.html"' "$work/site/index.html"
grep -q '<table' "$work/site/methods.html"
grep -q 'id="RECIPE"' "$work/site/pwemoe.1.html"
# A page that is linked and not there is noticed.
mkdir -p "$work/bad/docs" "$work/bad/man"
cp "$srcdir/docs/site.css" "$work/bad/docs/"
cp "$srcdir/man/"*.1 "$work/bad/man/"
echo '# Bad: [a page](nowhere.md)' >"$work/bad/README.md"
if sh "$srcdir/docs/site.sh" "$work/bad" "$work/more" test README.md 2>"$work/err"; then
    echo 'site.sh: a link to nowhere was taken'
    exit 1
fi
grep -q 'links to nowhere.md' "$work/err"
for manual in pwemoe pwemoe-explore; do
    mandoc -T lint -W warning "$srcdir/man/$manual.1"
done
