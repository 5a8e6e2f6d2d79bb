#!/bin/sh
# shellcheck disable=SC2016,SC2129 # awk programs and sed patterns are single-quoted on purpose
# lint.sh - what a reader would otherwise have to check by eye: layers, MAP.md, style, headers that compile alone, links.
# POSIX sh and awk only. Prints one line per finding, exits 1 if there is one. Long files and functions are only listed: a
# question to the author. Formatting is not checked: tables and short struct lines are laid out by hand.
set -u
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/found"

files() { # files NAME-PATTERN...: all files of ours with such names; build folders, runs and data are not ours
    for pattern in "$@"; do
        find . \( -name .git -o -path './build' -o -path './build-*' -o -path ./runs -o -path ./data \) -prune -o \
            -type f -name "$pattern" -print
    done | sed 's|^\./||' | sort
}

files '*.[ch]' '*.def' >"$tmp/c"
files '*.sh' '*.py' dev run CMakeLists.txt '*.cmake' '*.yaml' '*.txt.in' '*.pc.in' >"$tmp/other"
files '*.md' >"$tmp/md"

# ---- layers: what each file of src/LAYER includes, against tools/layers.txt ------------------------------------------
grep '^src/' "$tmp/c" | xargs awk '
    BEGIN {
        while ((getline line < "tools/layers.txt") > 0)
            if (line ~ /^[a-z]+:/) { split(line, part, ":"); allowed[part[1]] = " " part[2] " " part[1] " zt " }
        # Third-party headers and the only folder that may include them.
        home["libav"] = home["libsw"] = "src/media/"; home["sqlite3"] = "src/data/"; home["dnnl"] = "src/backends/cpu/"
        home["jansson"] = home["yaml"] = "src/base/"; home["openssl"] = "src/base/ src/trust/"; home["expat"] = "src/data/"
        home["omp"] = "src/"
        uses_init = " train eval pipeline cli "
    }
    FNR == 1 { split(FILENAME, path, "/"); layer = path[2]; root = FILENAME == "src/init.c" || FILENAME == "src/init.h" }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, q, "\""); inc = q[2]; slash = index(inc, "/"); from = slash ? substr(inc, 1, slash - 1) : ""
        if (inc == "init.h") {
            if (!root && !index(uses_init, " " layer " ")) say("init.h is only for train, eval, pipeline and cli")
        } else if (!slash) say("\"" inc "\": write the folder too, paths start at src/")
        else if (from == "backends" && layer != "backends" && !root) say("only src/init.c names a backend")
        else if (!root && !index(allowed[layer], " " from " "))
            say("layer " layer " may not include " from "/ (tools/layers.txt)")
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        split($0, q, /[<>]/)
        for (lib in home)
            if (index(q[2], lib) == 1 && !at_home(home[lib])) say("<" q[2] "> belongs in " home[lib] " only")
    }
    function at_home(folders,    f, i, n) {
        n = split(folders, f, " ")
        for (i = 1; i <= n; i++) if (index(FILENAME, f[i]) == 1) return 1
        return 0
    }
    function say(text) { print FILENAME ":" FNR ": " text }
' >>"$tmp/found"

# ---- MAP.md: every folder is there with its layers, nothing else is ---------------------------------------------------
sed -n 's/^| `\([^`]*\)` *|.*/\1/p' MAP.md | sort >"$tmp/map"
{ find src -mindepth 1 -maxdepth 1 -type d; ls -d include tests fuzz configs examples docs tools 2>/dev/null; } |
    sed 's|$|/|' | sort >"$tmp/folders"
comm -13 "$tmp/map" "$tmp/folders" | sed 's|.*|MAP.md: & is missing|' >>"$tmp/found"
while read -r entry; do [ -e "$entry" ] || echo "MAP.md: $entry does not exist"; done <"$tmp/map" >>"$tmp/found"
sed -n 's/^\([a-z]*\): *\(.*\)$/\1|\2/p; s/^\([a-z]*\):$/\1|/p' tools/layers.txt | sort -u | while IFS='|' read -r layer uses; do
    want=${uses:--}
    have=$(awk -F'|' -v dir="src/$layer/" '{ c = $2; gsub(/[` ]/, "", c) } c == dir { gsub(/^ +| +$/, "", $4); print $4 }' MAP.md)
    [ ! -d "src/$layer" ] || [ "$have" = "$want" ] ||
        echo "MAP.md: src/$layer/ may include '$want' (tools/layers.txt); the table says '$have'"
done >>"$tmp/found"

# ---- commands: every cmd_NAME.c is listed, every listed one exists ------------------------------------------------------
sed -n 's/^ZT_COMMAND(\([a-z]*\),.*/\1/p' src/cli/commands.def | sort >"$tmp/listed"
for f in src/cli/cmd_*.c; do [ ! -f "$f" ] || basename "$f" .c | sed 's/^cmd_//'; done | sort >"$tmp/written"
comm -13 "$tmp/listed" "$tmp/written" | sed 's|.*|src/cli/cmd_&.c: not listed in src/cli/commands.def|' >>"$tmp/found"
comm -23 "$tmp/listed" "$tmp/written" | sed 's|.*|src/cli/commands.def: & has no src/cli/cmd_&.c|' >>"$tmp/found"

# ---- style ------------------------------------------------------------------------------------------------------------
cat "$tmp/c" "$tmp/other" | grep -v -e '^docs/' -e '^fuzz/corpus/' | xargs awk '
    BEGIN { word = "(^|[^A-Za-z0-9_])"; todo = word "(TO" "DO|FIX" "ME|XX" "X)([^A-Za-z0-9_]|$)"
            home = "(^|[^A-Za-z0-9_.])/(home|root|work)/[a-z]" }
    FNR == 1 && FILENAME ~ /\.([ch]|def)$/ && !/^\/[*\/] ?[^ ]/ { say("the first line says what the file is, in a comment") }
    /\t/ { say("tab") }
    /[ \r]$/ { say("space or carriage return at the end of the line") }
    length($0) > 130 { wide = $0; gsub(/[\200-\277]/, "", wide); if (length(wide) > 130) say("longer than 130 columns") }
    $0 ~ todo { say("open end: do it, or write an issue") }
    $0 ~ home { say("a path of one machine") }
    FILENAME ~ /^src\/.*\.[ch]$/ {
        code = $0
        if (code ~ /^ *(\/\*|\*)/) code = ""
        gsub(/"([^"\\]|\\.)*"/, "", code); sub(/\/[*\/].*/, "", code)
        if (FILENAME != "src/base/mem.c" &&
            code ~ word "(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|strndup) *\\(")
            say("memory comes from base/mem.h")
        if (code ~ word "(abort|assert|exit) *\\(") say("no abort, assert or exit in the library: return an error")
        if (code ~ word "(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|rand|srand|system|popen|alloca) *\\(")
            say("unsafe or ambiguous function; see base/str.h, base/rng.h, base/opt.h")
    }
    function say(text) { print FILENAME ":" FNR ": " text }
' >>"$tmp/found"

# ---- public headers compile alone, as C11 and as C++ --------------------------------------------------------------------
for h in include/zt/*.h; do
    echo "#include \"${h#include/}\"" >"$tmp/alone.c"
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude "$tmp/alone.c" 2>"$tmp/log" ||
        { sed 's/^/    /' "$tmp/log"; echo "$h: does not compile alone as C11"; } >>"$tmp/found"
    ${CXX:-c++} -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude "$tmp/alone.c" 2>"$tmp/log" ||
        { sed 's/^/    /' "$tmp/log"; echo "$h: does not compile alone as C++"; } >>"$tmp/found"
done

# ---- links in Markdown point at files -------------------------------------------------------------------------------------
while read -r md; do
    awk '{ while (match($0, /\]\([^)# ]+/)) {
               print FNR, substr($0, RSTART + 2, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }' "$md" |
        while read -r line target; do
            case $target in *://* | mailto:*) continue ;; esac
            [ -e "$(dirname "$md")/$target" ] || echo "$md:$line: link to '$target', which does not exist"
        done
done <"$tmp/md" >>"$tmp/found"

# ---- shell scripts, where shellcheck is installed -------------------------------------------------------------------------
if command -v shellcheck >/dev/null 2>&1; then
    { echo dev; files '*.sh'; } | xargs shellcheck -f gcc >>"$tmp/found" || true
fi

# ---- questions to the author: long files and functions --------------------------------------------------------------------
grep -v '\.def$' "$tmp/c" | xargs awk '
    FNR == 1 { if (file && lines > 800) print "long file: " file " (" lines " lines)"; file = FILENAME; start = 0 }
    { lines = FNR }
    /^[A-Za-z_].*\)( *\{)?$/ { start = FNR; name = $0 }
    /^\}/ {
        if (start && FNR - start > 120) {
            sub(/\(.*/, "", name); print "long function: " file ":" start ": " name " (" FNR - start " lines)"
        }
        start = 0
    }
    END { if (lines > 800) print "long file: " file " (" lines " lines)" }
'

if [ -s "$tmp/found" ]; then
    cat "$tmp/found"
    echo "lint: $(grep -vc '^    ' "$tmp/found") findings"
    exit 1
fi
echo "lint: $(wc -l <"$tmp/c") C files, nothing found"
