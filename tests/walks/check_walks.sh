#!/bin/sh
# Checks that the files and functions that the documentation names exist.
#
#   check_walks.sh [ROOT]
#
# In docs/design/walks.md a step is a line "1. `file`: `function`, `function`: text"; each function must occur in its file,
# and the heading of a walk, "## Title (N files)", must state the number of its files. In all pages, a path in backquotes
# must exist, from the root or from one of the folders below. In docs/reference/kinds.md the last cell of each row names
# tests, which must exist. Prints one line per error and exits with 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"

folders=". framework/include framework/include/cadre executors/include executors/include/cadre tests docs"
failed=0
complain() {
    printf '%s\n' "$*"
    failed=1
}

# The steps of the walks, as lines "FILE FUNCTION", and the errors in headings.
steps() {
    awk '
        function end_walk() {
            if (title != "" && stated != files)
                printf "! %s: the heading says %d files, the steps name %d\n", title, stated, files
            files = 0
            split("", seen)
        }
        /^## / {
            end_walk()
            title = $0
            stated = $0
            if (sub(/.*\(/, "", stated) && sub(/ files?\).*/, "", stated)) stated += 0
            else title = ""
        }
        /^[0-9]+\. `[^`]+`: `/ {
            count = split($0, part, "`")
            if (!(part[2] in seen)) { seen[part[2]] = 1; ++files }
            for (i = 4; i <= count && part[i - 1] ~ /^(: |, )$/; i += 2)
                print part[2], part[i]
        }
        END { end_walk() }
    ' docs/design/walks.md
}

# Every path in backquotes: "PAGE PATH".
paths() {
    find README.md docs samples tests benchmarks -path 'tests/*/fixtures' -prune -o -name '*.md' -print 2>/dev/null | sort | while read -r page; do
        awk -v page="$page" '
            /^```/ { code = !code; next }
            !code {
                count = split($0, part, "`")
                for (i = 2; i < count; i += 2)
                    if (part[i] ~ /^[A-Za-z0-9_.\/-]+$/ && part[i] ~ /\// && part[i] !~ /(LAYER|KIND)/ &&
                        (part[i] ~ /\.(hpp|cpp|md|cmake|sh|awk)$/ || part[i] ~ /^(framework|executors|tests|samples|benchmarks)\//))
                        print page, part[i]
            }' "$page"
    done
}

# The tests that the table of kinds names.
kinds_tests() {
    awk -F '|' '/^\|/ && NF > 3 {
        count = split($(NF - 1), part, "`")
        for (i = 2; i <= count; i += 2) print part[i]
    }' docs/reference/kinds.md
}

if [ -f docs/reference/kinds.md ]; then
    for name in $(kinds_tests); do
        grep -rqE "^((TYPED_)?TEST(_P|_F)?\\([A-Za-z_]+, $name\\)|ends\\($name )" framework/include/cadre/testing tests 2>/dev/null ||
            complain "docs/reference/kinds.md: no test $name"
    done
fi

if [ -f docs/design/walks.md ]; then
    while read -r file name; do
        if [ "$file" = "!" ]; then
            complain "$name"
        elif [ ! -f "$file" ]; then
            complain "docs/design/walks.md: no file $file"
        elif ! grep -qE "(^|[^A-Za-z0-9_])${name##*::}([^A-Za-z0-9_]|\$)" "$file"; then
            complain "docs/design/walks.md: no $name in $file"
        fi
    done <<END_OF_STEPS
$(steps)
END_OF_STEPS
fi

while read -r page path; do
    [ -n "$path" ] || continue
    found=no
    for folder in $folders "$(dirname "$page")"; do
        [ -e "$folder/$path" ] && found=yes
    done
    [ "$found" = yes ] || complain "$page: no file $path"
done <<END_OF_PATHS
$(paths)
END_OF_PATHS

exit "$failed"
