#!/bin/sh
# Files that a user, a recipe or a store names are opened by base/file.h alone, which never
# waits and takes regular files only. What else opens is below, each with why it may; a new
# file goes through a draft (base/draft.h). Nothing opens without O_NONBLOCK but what it
# makes itself (O_EXCL), folders (O_DIRECTORY) and /proc.
set -eu
cd "${srcdir:-.}"
find src tui gpu -name '*.[ch]' -o -name '*.cu' | sort | xargs awk '
    BEGIN {
        may["src/base/file.c"] = "all readers"
        may["src/base/draft.c"] = "all writers"
        may["src/base/beside.c"] = "what it has made, and leftovers of its kind"
        may["src/plot/chart.c"] = "the working folder"
        may["src/base/usage.c"] = may["src/store/lease.c"] = may["src/parallel/ranks_connection.c"] = "/proc"
        may["src/command/io/point_file.c"] = "what is typed may be a pipe, waited for with poll"
        may["src/checkpoint/folder.c"] = "a folder that it makes, to hold it"
        may["src/checkpoint/export_files.c"] = "copies regular files, passes over the rest"
        may["src/store/open.c"] = "the first bytes of what SQLite refused"
        may["src/store/new_file.c"] = "a new file, which SQLite writes"
        may["src/backend/cpu_memory.c"] = "a file without a name, in the folder of --spill"
        may["tui/main.c"] = "--record, a new file"
    }
    function wrong(text) {
        print "opens: " FILENAME ":" FNR ": " text
        bad = 1
    }
    /^[ \t]*(\/\*|\*[ \/]|\*$)/ { next }
    # A call may go on in the next line.
    { line = held $0; held = "" }
    line ~ /(^|[^_A-Za-z0-9>.])(open|openat|open64|creat|fopen|freopen|gzopen|mkstemp)\(/ {
        if (line !~ /;|\{[ \t]*$/) {
            held = line
            next
        }
        if (!(FILENAME in may))
            wrong("base/file.h opens files: " line)
        else if (line ~ /open(at|64)?\(/ && line ~ /O_/ && line !~ /O_(NONBLOCK|EXCL|DIRECTORY)/ && line !~ /"\/proc\//)
            wrong("may wait for a pipe: " line)
        seen[FILENAME] = 1
    }
    END {
        for (file in may)
            if (!(file in seen)) {
                print "opens: " file " opens nothing any more; take it out of the list"
                bad = 1
            }
        exit bad
    }'
