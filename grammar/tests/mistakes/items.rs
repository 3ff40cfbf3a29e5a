//! Items.

use insta::assert_snapshot;

use crate::mistakes;

#[test]
fn a_misspelt_item_is_read_as_the_one_that_was_meant() {
    assert_snapshot!(mistakes("trce main.f < min 1 >"), @r#"
    E0102 0..4 `trce`: `trce` is not a keyword
      unknown keyword
      help: did you mean `trace`?
    "#);
    assert_snapshot!(mistakes("Trace slow: main.f < depth x >"), @r#"
    E0102 0..5 `Trace`: `Trace` is not a keyword
      unknown keyword
      help: did you mean `trace`?
    E0118 27..28 `x`: expected a number, found `x`
      not a number
    "#);
    assert_snapshot!(mistakes("trace main.f\ntarce main.g"), @r#"
    E0102 13..18 `tarce`: `tarce` is not a keyword
      unknown keyword
      help: did you mean `trace`?
    "#);
    assert_snapshot!(mistakes("tagret ./server"), @r#"
    E0102 0..6 `tagret`: `tagret` is not a keyword
      unknown keyword
      help: did you mean `target`?
    "#);
    assert_snapshot!(mistakes("foo bar"), @"
    E0101 0..7 `foo bar`: expected an item: trace, target, set, param, config, every, begin or end
      no item begins like this
      help: a trace is written `trace main.handleBar < min 100ms >`
    ");
}

#[test]
fn a_pattern_without_its_trace() {
    assert_snapshot!(mistakes("main.foo"), @"
    E0101 0..8 `main.foo`: expected an item: trace, target, set, param, config, every, begin or end
      expected `trace` before this
      help: write `trace main.foo`
    ");
    assert_snapshot!(mistakes("main.foo < include net/http*; min 1ms >"), @"
    E0101 0..8 `main.foo`: expected an item: trace, target, set, param, config, every, begin or end
      expected `trace` before this
      help: write `trace main.foo < include net/http*; min 1ms >`
    ");
    assert_snapshot!(mistakes("main.foo\nmain.bar"), @r"
    E0101 0..17 `main.foo\nmain.bar`: expected an item: trace, target, set, param, config, every, begin or end
      no item begins like this
      help: a trace begins with its keyword: `trace main.foo`
    ");
}

#[test]
fn clauses_without_a_list() {
    assert_snapshot!(mistakes("min 1ms"), @r#"
    E0104 0..3 `min`: the clause `min` is outside a clause list
      not within `<` and `>`
      help: write clauses between `<` and `>` after the patterns of a trace: trace main.handleBar < min 100ms >
    "#);
    assert_snapshot!(mistakes("trace main.f min 1ms"), @r#"
    E0104 13..16 `min`: the clause `min` is outside a clause list
      expected `<` before this
      help: write the clauses between `<` and `>`: trace main.handleBar < min 100ms >
    "#);
    assert_snapshot!(mistakes("trace main.f; depth 3"), @r#"
    E0104 14..19 `depth`: the clause `depth` is outside a clause list
      not within `<` and `>`
      help: write clauses between `<` and `>` after the patterns of a trace: trace main.handleBar < min 100ms >
    "#);
    assert_snapshot!(mistakes("trace main.f < depth 3 > min 1ms"), @r#"
    E0104 25..28 `min`: the clause `min` is outside a clause list
      not within `<` and `>`
      help: write clauses between `<` and `>` after the patterns of a trace: trace main.handleBar < min 100ms >
    "#);
    assert_snapshot!(mistakes("trace main.f (min 1ms)"), @r#"
    E0114 13..14 `(`: unexpected `(`
      no bracket can stand here
      help: write clauses between `<` and `>`, or between `{` and `}`
    "#);
    assert_snapshot!(mistakes("< min 1ms >"), @r#"
    E0101 0..11 `< min 1ms >`: this clause list belongs to no trace
      expected `trace` and patterns before this
      help: for example `trace main.handleBar < min 100ms >`
    "#);
}

#[test]
fn items_of_later_versions() {
    assert_snapshot!(mistakes("import \"x.gfg\""), @"
    E0103 0..6 `import`: `import` is not in this version: programs cannot import others yet
      not in this version
      help: this version has trace, target, set, param, config, every, begin, end
    ");
    assert_snapshot!(mistakes("macro m(a) { min a; max 3s } trace main.f"), @"
    E0103 0..5 `macro`: `macro` is not in this version: there are no macros yet
      not in this version
      help: this version has trace, target, set, param, config, every, begin, end
    ");
    assert_snapshot!(mistakes("every 5s { print } begin { x; y } end { z }"), @r#"
    E0118 11..16 `print`: `print` needs a string
      expected a string after this
      help: for example `print "after {elapsed}"`
    E0122 27..28 `x`: expected an action, found `x`
      not an action
      help: actions are print, show, clear
    E0122 30..31 `y`: expected an action, found `y`
      not an action
      help: actions are print, show, clear
    E0122 40..41 `z`: expected an action, found `z`
      not an action
      help: actions are print, show, clear
    "#);
}

#[test]
fn a_trace_without_patterns() {
    assert_snapshot!(mistakes("trace"), @r#"
    E0105 0..5 `trace`: `trace` needs a pattern
      expected a pattern after this
      help: for example `trace main.handleBar < min 100ms >`
    "#);
    assert_snapshot!(mistakes("trace slow:"), @r#"
    E0105 0..5 `trace`: `trace` needs a pattern
      expected a pattern after this
      help: for example `trace main.handleBar < min 100ms >`
    "#);
    assert_snapshot!(mistakes("trace < min 1 s >"), @r#"
    E0105 0..5 `trace`: `trace` needs a pattern
      expected a pattern after this
      help: for example `trace main.handleBar < min 100ms >`
    E0115 12..15 `1 s`: a unit follows its number without a space
      a space within a value
      help: write `1s`
    "#);
    assert_snapshot!(mistakes("trace main.f\ntrace\ntrace main.g"), @r#"
    E0105 13..18 `trace`: `trace` needs a pattern
      expected a pattern after this
      help: for example `trace main.handleBar < min 100ms >`
    "#);
}

#[test]
fn declarations() {
    assert_snapshot!(mistakes("target"), @r#"
    E0121 0..6 `target`: `target` needs a path
      expected a path after this
      help: for example `target ./server`
    "#);
    assert_snapshot!(mistakes("target ./my server"), @r#"
    E0117 7..18 `./my server`: a path that holds a space has to be quoted
      more than one word
      help: write "./my server"
    "#);
    assert_snapshot!(mistakes("target ./x, ./y"), @r#"
    E0121 10..11 `,`: a program has one executable as its target
      unexpected `,`
      help: a path that holds a `,` has to be quoted
    "#);
    assert_snapshot!(mistakes("target ./x < min 1ms >"), @r#"
    E0114 11..22 `< min 1ms >`: a target has no clauses
      clauses belong to a trace
    "#);
    assert_snapshot!(mistakes("set"), @r#"
    E0121 0..3 `set`: `set` needs a name and patterns
      expected a name and patterns after this
      help: for example `set @storage = database/sql/..., main.(*DB).*`
    "#);
    assert_snapshot!(mistakes("set storage = main.*"), @r#"
    E0121 4..11 `storage`: the name of a set begins with `@`
      write `@storage`
      help: for example `set @storage = database/sql/..., main.(*DB).*`
    "#);
    assert_snapshot!(mistakes("set @storage"), @r#"
    E0121 4..12 `@storage`: this set has no members
      expected `=` after this
      help: for example `set @storage = database/sql/..., main.(*DB).*`
    "#);
    assert_snapshot!(mistakes("set @storage main.*"), @r#"
    E0121 13..19 `main.*`: expected `=` after the name of a set
      expected `=` before this
      help: for example `set @storage = database/sql/..., main.(*DB).*`
    "#);
    assert_snapshot!(mistakes("set @storage ="), @r#"
    E0105 13..14 `=`: `=` needs a pattern
      expected a pattern after this
      help: for example `set @storage = database/sql/..., main.(*DB).*`
    "#);
    assert_snapshot!(mistakes("set @storage = main.*, min"), @r#"
    E0105 23..26 `min`: expected a pattern, found the keyword `min`
      a word of the language
      help: a function of this name has to be quoted: "min"
    "#);
    assert_snapshot!(mistakes("set @storage = main.* { min 1ms }"), @r#"
    E0114 22..33 `{ min 1ms }`: a set has no clauses
      clauses belong to a trace
    "#);
    assert_snapshot!(mistakes("param"), @r#"
    E0121 0..5 `param`: `param` needs a name
      expected a name after this
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param $slow = 1ms"), @r#"
    E0121 6..11 `$slow`: a param is declared without `$`
      write `slow`
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param 3 = 1ms"), @r#"
    E0121 6..7 `3`: `3` cannot be the name of a param
      a name has letters, digits and `_` only
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param slow:"), @r#"
    E0121 10..11 `:`: expected a type after this `:`
      types are int, duration, size, string and bool
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param slow: duration 1ms"), @r#"
    E0121 21..24 `1ms`: expected `:` or `=`, found `1ms`
      is not allowed here
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param slow ="), @r#"
    E0118 11..12 `=`: expected a literal after this `=`
      nothing follows
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param slow = fast"), @r#"
    E0118 13..17 `fast`: expected a literal, found `fast`
      not a literal
    "#);
    assert_snapshot!(mistakes("param slow = 1 2"), @r#"
    E0114 15..16 `2`: a param has one value
      unexpected
    "#);
    assert_snapshot!(mistakes("param slow = $other"), @r#"
    E0118 13..19 `$other`: a param cannot have another param as its value
      expected a literal
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param a.b: int = 3"), @r#"
    E0121 6..9 `a.b`: `a.b` cannot be the name of a param
      a name has letters, digits and `_` only
      help: for example `param slow: duration = 100ms`
    "#);
    assert_snapshot!(mistakes("param slow = 1sec"), @r#"
    E0115 13..17 `1sec`: `1sec` is not a number, a duration or a size
      `sec` is not a unit
      help: did you mean `1s`?
    "#);
}

#[test]
fn odd_characters() {
    assert_snapshot!(mistakes("é ☃"), @"
    E0101 0..6 `é ☃`: expected an item: trace, target, set, param, config, every, begin or end
      no item begins like this
      help: a trace is written `trace main.handleBar < min 100ms >`
    ");
    assert_snapshot!(mistakes("trace main.f < min 1ms ☃ >"), @r#"
    E0114 23..26 `☃`: unexpected `☃`
      is not allowed here
    "#);
    assert_snapshot!(mistakes("trace\u{a0}main.f"), @r#"
    E0114 5..7 `\u{a0}`: unexpected unusual space U+00A0
      invisible here
    "#);
    assert_snapshot!(mistakes("trace main.f < depth\u{1}3 , % >"), @r#"
    E0114 20..21 `\u{1}`: unexpected control character U+0001
      invisible here
    "#);
    assert_snapshot!(mistakes("\\"), @r"
    E0101 0..1 `\`: expected an item: trace, target, set, param, config, every, begin or end
      no item begins like this
    ");
}
