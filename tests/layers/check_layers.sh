#!/bin/sh
# Checks the include graph of framework/ and executors/ against the table of layers, the length of every source file,
# and the length of comment lines.
#
#   check_layers.sh [ROOT [MAX_LINES]]
#
# Prints one line for each violation and exits with 1 if there is one. Needs a POSIX shell and awk.
set -eu
LC_ALL=C  # awk counts bytes
export LC_ALL
max_lines=${2:-400}
cd "${1:-$(dirname "$0")/../..}"

# One layer a line: its name : its files (a folder ends in a slash; the longest match counts) : the layers it may include
# besides itself. `a..b` stands for the lines from a to b. An include of anything else is an arrow up, or sideways.
layers() {
    cat <<'END_OF_TABLE'
base        : framework/*/base/ errors nested_errors progress_bar outcome typecode make                         :
codec       : framework/*/codec/ portable bind_portable register_exception unique_fd              : base
coroutine   : framework/*/coroutine/ frame_allocator generator                                    : base
scheduler   : framework/*/scheduler/ executor_backend executor_stats log_handler this_worker         : base..coroutine
task        : framework/*/task/ task shared_task call retry resume_on stream stream_of stream_views to executor scope when_all when_any timeout sleep stop sync_wait this_task as_outcome dump_tasks : base..scheduler
state       : framework/*/state/ channel message_bytes select shared_value shared_array shared_array_view shared_constant shared_segment async_* : base..task
call        : framework/*/call/ on job wait_for map map_options map_stream reduce as_completed run_blocking           : base..task
asio        : framework/*/asio/ asio                                                              : base..task
shm         : framework/*/shm/                                                                    : base..state
kinds       : executors/include/cadre/executors/                                                  : base..asio
common      : executors/common/                                                                   : base..asio kinds
serial      : executors/serial/                                                                   : base..asio kinds common
thread      : executors/thread/                                                                   : base..asio kinds common
process.os  : executors/process/os/                                                               : base..coroutine common
process.plane  : executors/process/plane/                                                         : base..common process.os
process.parent : executors/process/parent/                                                        : base..common process.os process.plane
process.worker : executors/process/worker/                                                        : base..common process.os process.plane
process     : executors/process/                                                                  : base..common process.os..process.worker
node.link   : executors/node/node_link.hpp                                                         : base
node        : executors/node/                                                                     : base..asio kinds common node.link
mpi         : executors/mpi/                                                                      : base..asio kinds common node.link
cluster.address : executors/cluster/amqp_options.* executors/cluster/broker_address.*             : base
cluster.amqp : executors/cluster/amqp/                                                            : base common node.link cluster.address
cluster     : executors/cluster/                                                                  : base..asio kinds common node.link..cluster.amqp
config      : executors/config/ config executor_registry make_executor                            : base..asio kinds common
runtime     : executors/runtime/ runtime                                                          : base..asio kinds common config
builtin     : executors/builtin_kinds.cpp executors/host_kinds.hpp executors/*_kind.cpp                                  : base..config
cadre       : cadre                                                                               : base..asio kinds config runtime
testing     : framework/include/cadre/testing/ executors/testing/                                 : base..asio kinds config runtime cadre
END_OF_TABLE
}

# The awk program reads the table as its first file, then the sources in the order of their names.
sources=$(find framework executors tools tests samples benchmarks -path "tests/*/fixtures" -prune -o -type f \
    \( -name '*.hpp' -o -name '*.cpp' -o -name '*.def' \) -print 2>/dev/null | sort)

layers | awk -v max_lines="$max_lines" '
function complain(text) { print text; failed = 1 }

# A word of the table without a slash names public headers; the pattern is an extended regular expression on the path.
function pattern_of(word) {
    if (word !~ /\//)
        word = "(framework|executors)/include/cadre/" word ".hpp"
    gsub(/\./, "[.]", word)
    gsub(/\*\//, "(include/cadre/detail|src)/", word)
    gsub(/\*/, "[^/]*", word)
    return "^" word (word ~ /\/$/ ? "" : "$")
}

function read_layer(   fields, words, name, count, i, j, ends) {
    split($0, fields, " *: *")
    name = fields[1]
    names[++layer_count] = name
    number[name] = layer_count
    count = split(fields[2], words, " +")
    for (i = 1; i <= count; ++i) {
        patterns[++pattern_count] = pattern_of(words[i])
        layer_of_pattern[pattern_count] = name
        weight[pattern_count] = length(words[i]) + (words[i] !~ /\// ? 1000 : 0)
    }
    count = split(fields[3], words, " +")
    for (i = 1; i <= count; ++i) {
        if (split(words[i], ends, "[.][.]") < 2)
            ends[2] = ends[1]
        for (j = number[ends[1]]; j <= number[ends[2]]; ++j)
            allowed[name, names[j]] = 1
    }
    allowed[name, name] = 1
}

function layer_of(file,   i, best) {
    for (i = 1; i <= pattern_count; ++i)
        if (file ~ patterns[i] && (!best || weight[i] > weight[best]))
            best = i
    return best ? layer_of_pattern[best] : ""
}

# The file of the tree that `name` means, or nothing.
function resolve(from, name, quoted,   folder) {
    folder = from
    sub(/[^\/]*$/, "", folder)
    if (quoted && (folder name) in known) return folder name
    if (quoted && ("framework/src/" name) in known) return "framework/src/" name
    if (quoted && ("executors/" name) in known) return "executors/" name
    if (("framework/include/" name) in known) return "framework/include/" name
    if (("executors/include/" name) in known) return "executors/include/" name
    return ""
}

# Depth first; `state` is 1 on the current path, 2 when everything below has been visited.
function visit(file, path,   i) {
    state[file] = 1
    for (i = 1; i <= edges[file]; ++i) {
        if (state[edge[file, i]] == 1)
            complain("include cycle: " path " -> " edge[file, i])
        else if (!state[edge[file, i]])
            visit(edge[file, i], path " -> " edge[file, i])
    }
    state[file] = 2
}

FILENAME == "-" { read_layer(); next }

FNR == 1 { files[++file_count] = FILENAME; known[FILENAME] = 1; layer[FILENAME] = layer_of(FILENAME) }
{ lines[FILENAME] = FNR }

# Comments are at most 120 characters wide, but for rows of tables: those with `|` or wide gaps.
/^[ \t]*\/\// && length($0) > 120 {
    text = $0
    gsub(/[\200-\277]/, "", text)  # the continuation bytes of UTF-8
    if (length(text) > 120 && text !~ /[|]|[^ ]    /)
        complain("wide comment: " FILENAME ":" FNR " has " length(text) " columns, the limit is 120")
}
/^[ \t]*#[ \t]*include[ \t]*["<]/ && FILENAME ~ /^(framework|executors)\// {
    name = $0
    sub(/^[^"<]*/, "", name)
    quoted = name ~ /^"/
    name = substr(name, 2)
    sub(/[">].*/, "", name)
    includes[FILENAME, ++include_count[FILENAME]] = name
    is_quoted[FILENAME, include_count[FILENAME]] = quoted
}

END {
    for (f = 1; f <= file_count; ++f) {
        file = files[f]
        if (lines[file] > max_lines)
            complain("too long: " file " has " lines[file] " lines, the limit is " max_lines)
        if (file !~ /^(framework|executors)\//)
            continue
        if (layer[file] == "")
            complain("no layer: " file " is not in the table of tests/layers/check_layers.sh")
        for (i = 1; i <= include_count[file]; ++i) {
            target = resolve(file, includes[file, i], is_quoted[file, i])
            if (target == "") {
                if (is_quoted[file, i] || includes[file, i] ~ /^cadre\//)
                    complain("not found: " file " includes " includes[file, i])
                continue
            }
            edge[file, ++edges[file]] = target
            if (layer[file] != "" && layer[target] != "" && !((layer[file], layer[target]) in allowed))
                complain("upward include: " file " (" layer[file] ") -> " target " (" layer[target] ")")
            if (target ~ /^framework\/src\// && file ~ /\/include\//)
                complain("private header: " file " -> " target)
        }
    }
    for (f = 1; f <= file_count; ++f)
        if (!state[files[f]])
            visit(files[f], files[f])
    exit failed
}
' - $sources
