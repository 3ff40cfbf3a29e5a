//! The source of a large Go program: much of the standard library, and as many generated functions as it takes.
//!
//! The functions are of a usual kind and size: methods and functions that loop, look things up in maps, format, fail with errors. All are
//! reachable, so that the linker keeps them.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};

/// Generated packages, and types with four methods and a function each in every package.
const PACKAGES: usize = 160;
const TYPES: usize = 85;

/// Linked in for their code; most bring others along.
const LIBRARY: [&str; 32] = [
    "archive/tar",
    "archive/zip",
    "compress/bzip2",
    "compress/lzw",
    "crypto/x509",
    "database/sql",
    "debug/dwarf",
    "debug/elf",
    "debug/macho",
    "debug/pe",
    "encoding/csv",
    "encoding/gob",
    "encoding/json",
    "encoding/xml",
    "expvar",
    "go/format",
    "go/types",
    "html/template",
    "image/gif",
    "image/jpeg",
    "image/png",
    "index/suffixarray",
    "log/slog",
    "math/big",
    "net/http/cookiejar",
    "net/http/httputil",
    "net/http/pprof",
    "net/rpc/jsonrpc",
    "net/smtp",
    "text/tabwriter",
    "text/template",
    "testing/quick",
];

/// Writes the module into `folder`. `main.handle` is a handler of net/http's.
pub fn write(folder: &Path) -> Result<()> {
    put(&folder.join("go.mod"), "module large\n\ngo 1.21\n")?;
    put(&folder.join("main.go"), &main())?;
    for package in 0..PACKAGES {
        let name = format!("gen/p{package:03}");
        put(&folder.join(&name).join("gen.go"), &generated(package))?;
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn main() -> String {
    let mut text =
        String::from("package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"net/http\"\n\t\"os\"\n\n");
    for package in LIBRARY {
        let _ = writeln!(text, "\t_ \"{package}\"");
    }
    for package in 0..PACKAGES {
        let _ = writeln!(text, "\t\"large/gen/p{package:03}\"");
    }
    text.push_str(")\n\nvar tables = [][]func(int, string) (int, error){\n");
    for package in 0..PACKAGES {
        let _ = writeln!(text, "\tp{package:03}.Functions,");
    }
    text.push_str(
        "}

// handle calls one of the generated functions; which one, only the request knows.
func handle(w http.ResponseWriter, r *http.Request) {
	var table, function int
	fmt.Sscanf(r.URL.Path, \"/%d/%d\", &table, &function)
	n, err := tables[table][function](function, r.URL.RawQuery)
	fmt.Fprintln(w, n, err)
}

func main() {
	http.HandleFunc(\"/\", handle)
	fmt.Println(\"pid\", os.Getpid())
	io.Copy(io.Discard, os.Stdin)
}
",
    );
    text
}

fn generated(package: usize) -> String {
    let mut text = format!(
        "package p{package:03}\n\nimport (\n\t\"errors\"\n\t\"fmt\"\n\t\"sort\"\n\t\"strings\"\n)\n\nvar errEmpty = errors.New(\"p{package:03}: empty\")\n"
    );
    let mut table = String::from(
        "\n// Functions keeps everything reachable.\nvar Functions = []func(int, string) (int, error){\n",
    );
    for n in 0..TYPES {
        let odd = 2 * (package * TYPES + n) + 1;
        let _ = write!(
            text,
            "
type node{n} struct {{
	id    int
	name  string
	index map[string]int
	parts []string
	next  *node{n}
}}

func (t *node{n}) add(x int, s string) (int, error) {{
	if s == \"\" {{
		return 0, errEmpty
	}}
	if t.index == nil {{
		t.index = make(map[string]int)
	}}
	t.index[s] += x * {odd}
	t.parts = append(t.parts, strings.ToUpper(s))
	return t.index[s], nil
}}

func (t *node{n}) find(x int, s string) (int, error) {{
	for at := t; at != nil; at = at.next {{
		if v, ok := at.index[s]; ok && v > x {{
			return v - x, nil
		}}
		if at.id == x ^ {odd} {{
			return at.id, nil
		}}
	}}
	return 0, fmt.Errorf(\"no %q in %s, %d\", s, t.name, {odd})
}}

func (t *node{n}) join(x int, s string) (int, error) {{
	sort.Strings(t.parts)
	sum := {n}
	for i, part := range t.parts {{
		if strings.HasPrefix(part, s) {{
			sum += i * len(part)
			continue
		}}
		sum ^= x << (i & 7)
	}}
	t.name = strings.Join(t.parts, s)
	return sum, nil
}}

func (t *node{n}) walk(x int, s string) (int, error) {{
	if x <= 0 {{
		return t.find(x, s)
	}}
	n, err := t.add(x, s)
	if err != nil {{
		return n, fmt.Errorf(\"walk %d: %w\", x, err)
	}}
	m, err := t.join(n&15, s)
	if err != nil {{
		return m, err
	}}
	return t.walk(x-1-m&1, s[:len(s)/2])
}}

func make{n}(x int, s string) (int, error) {{
	t := &node{n}{{id: x, name: s}}
	for i := 0; i < x&3; i++ {{
		t = &node{n}{{id: i * {odd}, name: s, next: t}}
		if _, err := t.add(i, s); err != nil {{
			return 0, err
		}}
	}}
	return t.walk(x%5, s)
}}
"
        );
        let _ = writeln!(table, "\tmake{n},");
    }
    text + &table + "}\n"
}
