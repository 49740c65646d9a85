#!/bin/sh
# The arrows of CONTRIBUTING, held to what the files of src/, tui/ and gpu/ include: each
# folder reaches only those below it, headers that are one folder's own stay there, and
# no files include each other in a circle, X.c and X.h being one.
#
# With -s the arrows that are there are counted and printed.
set -eu
cd "${srcdir:-.}"
find src tui gpu -name '*.[ch]' -o -name '*.cu' | sort | xargs awk -v show="${1:-}" '
    function wrong(text) {
        print "includes: " text
        bad = 1
    }
    # folder: what it may include besides itself
    function may(folder, others,   n, list, i) {
        known[folder] = 1
        allowed[folder, folder] = 1
        n = split(others, list, " ")
        for (i = 1; i <= n; i++)
            allowed[folder, list[i]] = 1
    }
    # a table whose rows are files of their own, which share its header
    function table_of_rows(a, b) {
        circle[a, b] = circle[b, a] = 1
    }
    BEGIN {
        may("base", "")
        may("parallel", "base")
        may("pareto", "base")
        may("checkpoint", "base")
        may("backend", "base")
        may("store", "base")
        may("data", "backend checkpoint base")
        may("model", "data backend checkpoint base")
        may("moe", "model data backend checkpoint base")
        may("merge", "moe model data backend checkpoint base")
        may("tensorwise", "merge moe model data backend checkpoint base")
        may("train", "parallel pareto merge moe model data backend checkpoint base")
        may("eval", "store tensorwise merge moe model data backend checkpoint base")
        # results: of eval, merge and moe their arithmetic
        may("results", "store pareto eval merge moe base")
        # names, marks, colours and steps of axes
        may("plot", "results eval store pareto checkpoint base")
        may("command", "parallel tensorwise results train eval plot store pareto merge moe model data backend checkpoint base")
        may("tui", "tui/app tui/panels tui/threads tui/state tui/terminal command results store base")
        may("tui/terminal", "results base")
        may("tui/state", "tui/terminal results eval store pareto base")
        may("tui/threads", "plot results eval store base")
        may("tui/panels", "tui/state tui/terminal results pareto base")
        may("tui/app", "tui/panels tui/threads tui/state tui/terminal plot results pareto base")
        may("library", "results eval store base")
        may("gpu", "backend base")
        # names of folders that one header is for
        own["store/sql.h"] = own["store/schema.h"] = own["store/create.h"] = own["store/schema_objects.h"] = "store"
        own["store/journals.h"] = own["store/solution.h"] = own["store/rows.h"] = "store"
        theirs["<sqlite3.h>"] = "store"
        theirs["<curses.h>"] = theirs["<ncurses.h>"] = theirs["<term.h>"] = "tui"
        theirs["<cuda_runtime.h>"] = theirs["<cublasLt.h>"] = "gpu"
        theirs["<cairo.h>"] = "plot"
        theirs["<mpi.h>"] = "parallel"
        # for the versions that info prints
        except["src/command/info.c", "<sqlite3.h>"] = 1
        except["src/command/info.c", "<cairo.h>"] = 1
        table_of_rows("src/data/image", "src/data/image_formats")
        table_of_rows("src/data/dataset", "src/data/texts")
    }
    function folder_of(path,   parts, n) {
        n = split(path, parts, "/")
        if (parts[1] == "src")
            return parts[2]
        return parts[1] == "tui" && n > 2 ? "tui/" parts[2] : parts[1]
    }
    function stem(path) {
        sub(/\.(c|h|cu)$/, "", path)
        return path
    }
    function found(name,   own_folder) {
        own_folder = FILENAME
        sub(/[^\/]*$/, "", own_folder)
        if (("src/" name) in there)
            return "src/" name
        if (("tui/" name) in there)
            return "tui/" name
        if ((own_folder name) in there)
            return own_folder name
        return ""
    }
    BEGIN {
        for (i = 1; i < ARGC; i++)
            there[ARGV[i]] = 1
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        name = $0
        sub(/^[^<]*/, "", name)
        sub(/>.*/, ">", name)
        if ((name in theirs) && index(FILENAME, theirs[name] "/") != 1 && index(FILENAME, "src/" theirs[name] "/") != 1 && !((FILENAME, name) in except))
            wrong(FILENAME " includes " name ", which is for " theirs[name] "/ alone")
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        name = $0
        sub(/^[^"]*"/, "", name)
        sub(/".*/, "", name)
        if (name == "config.h")
            next
        to = found(name)
        if (to == "") {
            wrong(FILENAME " includes " name ", which is not there")
            next
        }
        from_folder = folder_of(FILENAME)
        to_folder = folder_of(to)
        if (!(from_folder in known))
            wrong(FILENAME " is in a folder that has no arrows yet: CONTRIBUTING, and this script")
        else if (!((from_folder, to_folder) in allowed))
            wrong(FILENAME " includes " name ": no arrow leads from " from_folder " to " to_folder)
        if ((name in own) && own[name] != from_folder)
            wrong(FILENAME " includes " name ", which is for " own[name] "/ alone")
        arrows[from_folder " -> " to_folder]++
        a = stem(FILENAME)
        b = stem(to)
        if (a != b && !((a, b) in circle) && !((a, b) in edge)) {
            edge[a, b] = 1
            next_of[a] = next_of[a] " " b
            nodes[a] = nodes[b] = 1
        }
    }
    # Depth first; what is met again on the way down closes a circle.
    function visit(a, way,   n, list, i) {
        state[a] = 1
        n = split(next_of[a], list, " ")
        for (i = 1; i <= n; i++)
            if (state[list[i]] == 1)
                wrong("a circle:" substr(" " way " ", index(" " way " ", " " list[i] " ")) list[i])
            else if (!state[list[i]])
                visit(list[i], way " " list[i])
        state[a] = 2
    }
    END {
        for (a in nodes)
            if (!state[a])
                visit(a, a)
        if (show == "-s")
            for (i in arrows)
                print arrows[i], i
        exit bad
    }'
