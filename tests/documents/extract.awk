# Turns the code of Markdown pages and the opening examples of headers into files that compile: see README.md.
#
#   awk -v name=NAME -v folder=FOLDER -v prelude=PRELUDE -f extract.awk FILE…
#
# Writes FOLDER/NAME.cpp with all fragments, and FOLDER/NAME-FILE_line_N.cpp for each complete program.

function emit(text) { body[++body_lines] = text }

# The complete program that starts at line `opened` becomes a file of its own.
function write_program(   stem, file, i) {
    stem = source
    sub(/.*\//, "", stem)
    sub(/\..*/, "", stem)
    file = sprintf("%s/%s-%s_line_%04d.cpp", folder, name, stem, opened)
    printf "#line %d \"%s\"\n", opened + 1, source > file
    for (i = 1; i <= count; ++i)
        print lines[i] > file
    close(file)
}

function starts_declaration(line) {
    if (line ~ /^(if|for|while|switch|try|do|return|else|auto|co_[a-z]+)[^A-Za-z0-9_]/)
        return 0
    return line ~ /^(template|struct|class|enum|namespace|using|inline|int main|INSTANTIATE|TEST)[^A-Za-z0-9_]/ ||
        line ~ /^[A-Za-z_][A-Za-z0-9_:<>,&* ]* [*&]?[A-Za-z_][A-Za-z0-9_:]*\([^;=]*\) (const )?(noexcept )?\{/
}

# Marks the lines of the block that stand at namespace scope: definitions of functions and types. The rest are statements.
function mark_declarations(   i, depth, inside_declaration, line) {
    statements = 0
    inside_declaration = 0
    depth = 0
    for (i = 1; i <= count; ++i) {
        line = lines[i]
        sub(/[ \t]*\/\/.*/, "", line)
        if (!inside_declaration && depth == 0 && starts_declaration(line))
            inside_declaration = 1
        declares[i] = inside_declaration
        if (!inside_declaration && line !~ /^[ \t]*$/)
            statements = 1
        depth += gsub(/\{/, "{", line) - gsub(/\}/, "}", line)
        if (inside_declaration && depth == 0 && line ~ /[};)][ \t]*$/)
            inside_declaration = 0
    }
}

function write_fragment(   i) {
    for (i = 1; i <= count; ++i) {
        if (lines[i] ~ /^#include/) {
            if (!(lines[i] in included)) {
                included[lines[i]] = 1
                include[++include_count] = lines[i]
            }
            lines[i] = ""
        }
        if (lines[i] ~ /^[ \t]*…[ \t]*$/)
            lines[i] = ""
    }
    mark_declarations()
    emit(sprintf("namespace fragment_%d {", ++fragments))
    emit(sprintf("#line %d \"%s\"", opened + 1, source))
    for (i = 1; i <= count; ++i)
        emit(declares[i] ? lines[i] : "")
    if (statements) {
        emit("[[maybe_unused]] cadre::task<void> statements([[maybe_unused]] cadre::executor ex) { {")
        emit(sprintf("#line %d \"%s\"", opened + 1, source))
        for (i = 1; i <= count; ++i)
            emit(declares[i] ? "" : lines[i])
        emit("} co_return; }")
    }
    emit("}")
}

function end_block() {
    if (is_program)
        write_program()
    else
        write_fragment()
    inside = 0
}

function begin_block(line) {
    inside = 1
    opened = line
    count = 0
    is_program = 0
}

function add_line(text) {
    lines[++count] = text
    if (text ~ /^(int main|TEST)\(/ && source ~ /\.md$/)
        is_program = 1
}

FNR == 1 {
    if (inside)
        end_block()
    source = FILENAME
    head = source ~ /\.hpp$/
}

# The lines that are indented by four spaces in the comment at the head of a header.
source ~ /\.hpp$/ && head && /^\/\/\/     / {
    if (!inside)
        begin_block(FNR - 1)
    add_line(substr($0, 9))
    next
}
source ~ /\.hpp$/ && inside && /^\/\/\/[ \t]*$/ {
    add_line("")
    next
}
source ~ /\.hpp$/ && inside { end_block() }
source ~ /\.hpp$/ && !/^\/\/\// { head = 0 }
source ~ /\.hpp$/ { next }

!inside && /^```cpp[ \t]*$/ {
    begin_block(FNR)
    next
}
inside && /^```[ \t]*$/ {
    end_block()
    next
}
inside { add_line($0) }

END {
    if (inside)
        end_block()
    file = folder "/" name ".cpp"
    printf "#include \"%s\"\n", prelude > file
    for (i = 1; i <= include_count; ++i)
        print include[i] > file
    for (i = 1; i <= body_lines; ++i)
        print body[i] > file
}
