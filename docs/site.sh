#!/bin/sh
# site.sh SOURCE OUT VERSION PAGE...: Markdown pages and the manual as HTML in OUT.
# Links between the pages stay links; a link to a file that is no page is an error.
set -eu
source=$1 out=$2 version=$3
shift 3
for tool in cmark-gfm mandoc; do
    command -v $tool >/dev/null || {
        echo "docs: $tool is missing: install it" >&2
        exit 1
    }
done
rm -rf "$out.new"
mkdir -p "$out.new"
cp "$source/docs/site.css" "$out.new/"

# page_name PAGE: README.md is the index; bench/real/README.md is bench-real-README.html
page_name() {
    case $1 in
    README.md) echo index.html ;;
    docs/*) basename "$1" .md | sed 's/$/.html/' ;;
    *) echo "${1%.md}.html" | tr / - ;;
    esac
}
head_of() {
    cat <<END
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$1</title>
<link rel="stylesheet" href="site.css">
</head>
<body>
<nav><a href="index.html">pwemoe $version</a> <a href="tutorial.html">Tutorial</a> <a
href="explorer.html">The explorer</a> <a href="methods.html">Methods</a> <a
href="faq.html">Questions</a> <a href="comparison.html">Other programs</a> <a
href="pwemoe.1.html">pwemoe(1)</a> <a href="pwemoe-explore.1.html">pwemoe-explore(1)</a> <a
href="results-db.html">results.db</a> <a href="CHANGELOG.html">Changes</a></nav>
END
}
# Every mention of a page, as code or as a link, becomes a link to it.
script=
for page; do
    name=$(page_name "$page")
    dots=$(echo "$page" | sed 's/\./\\./g')
    script="$script
s|<code>$dots</code>|<a href=\"$name\"><code>$page</code></a>|g
s|href=\"[./]*$dots\"|href=\"$name\"|g"
done
for page; do
    name=$(page_name "$page")
    title=$(sed -n 's/^# //p' "$source/$page" | head -n 1)
    {
        head_of "${title:-pwemoe}"
        cmark-gfm -e table "$source/$page" | sed "$script"
        echo '</body></html>'
    } >"$out.new/$name"
done
for manual in pwemoe pwemoe-explore; do
    {
        head_of "$manual(1)"
        mandoc -T html -O fragment,man=%N.%S.html "$source/man/$manual.1"
        echo '</body></html>'
    } >"$out.new/$manual.1.html"
done
# What is linked is there.
bad=0
for file in "$out.new"/*.html; do
    for link in $(grep -oE 'href="[^"#:]+"' "$file" | sed 's/href="//; s/"//' | sort -u); do
        if [ ! -e "$out.new/$link" ] && [ "${link%.[1-8].html}" = "$link" ]; then
            echo "docs: $(basename "$file") links to $link, which is not there" >&2
            bad=1
        fi
    done
done
[ $bad = 0 ] || exit 1
rm -rf "$out"
mv "$out.new" "$out"
echo "docs: $out/index.html"
