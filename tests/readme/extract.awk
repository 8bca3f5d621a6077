# Writes each ```cpp block of a Markdown file to folder/line_N.cpp, wrapped as tests/readme/README.md says.

function flush_block(   file, i, kind) {
    kind = wanted
    if (kind == "")
        kind = has_main ? "whole" : (awaits ? "body" : "declarations")
    file = sprintf("%s/line_%04d.cpp", folder, opened)
    if (kind != "whole") {
        printf "#include \"%s\"\n", prelude > file
        for (i = 1; i <= count; ++i)
            if (lines[i] ~ /^#include/)
                print lines[i] > file
        if (kind == "body")
            print "[[maybe_unused]] static cadre::task<void> fragment([[maybe_unused]] cadre::executor ex) {" > file
    }
    printf "#line %d \"%s\"\n", opened + 1, FILENAME > file
    for (i = 1; i <= count; ++i)
        print (kind != "whole" && lines[i] ~ /^#include/) ? "" : lines[i] > file
    if (kind == "body")
        print "    co_return;\n}" > file
    close(file)
}

!inside && /^```cpp[ \t]*$/ {
    inside = 1; opened = NR; count = 0; has_main = 0; awaits = 0
    next
}
inside && /^```[ \t]*$/ {
    flush_block()
    inside = 0; wanted = ""
    next
}
inside {
    lines[++count] = $0
    if ($0 ~ /int main/) has_main = 1
    if ($0 ~ /^[^ \t}].*co_(await|return|yield)/ || $0 ~ /^co_(await|return|yield)/) awaits = 1
    next
}
/^<!-- compile: (whole|body|declarations) -->[ \t]*$/ { wanted = $3; next }
!/^[ \t]*$/ { wanted = "" }
