//! Lists of patterns and of clauses, and the brackets of both.

use insta::assert_snapshot;

use crate::mistakes;

#[test]
fn mistakes_in_lists_of_patterns() {
    assert_snapshot!(mistakes("trace main.f main.g"), @r#"
    E0106 13..19 `main.g`: expected `,` before `main.g`
      expected `,` before this
    "#);
    assert_snapshot!(mistakes("trace main.f\nmain.g"), @r#"
    E0106 13..19 `main.g`: expected `,` before `main.g`
      expected `,` before this
      help: a trace of its own begins with its keyword: `trace main.g`
    "#);
    assert_snapshot!(mistakes("trace main.f,, main.g,"), @r#"
    E0105 13..14 `,`: expected a pattern, found `,`
      a pattern is missing before this
    E0105 21..22 `,`: expected a pattern after this `,`
      nothing follows
    "#);
    assert_snapshot!(mistakes("trace main.f < include; exclude , a.b >"), @r#"
    E0105 15..22 `include`: `include` needs a pattern
      expected a pattern after this
      help: for example `include net/http*`
    E0105 32..33 `,`: expected a pattern, found `,`
      a pattern is missing before this
    "#);
    assert_snapshot!(mistakes("trace min.f, min"), @r#"
    E0104 13..16 `min`: the clause `min` is outside a clause list
      expected `<` before this
      help: write the clauses between `<` and `>`: trace main.handleBar < min 100ms >
    "#);
    assert_snapshot!(mistakes("trace $x"), @r#"
    E0105 6..8 `$x`: expected a pattern, found the param `$x`
      a param stands for a value
      help: a named group of functions is a set: `set @name = main.*`, used as `@name`
    "#);
    assert_snapshot!(mistakes("trace main.f, :, @, @x.y"), @r#"
    E0114 14..15 `:`: unexpected `:`
      no file name follows
      help: `:server.go` stands for the functions of a file
    E0114 17..18 `@`: unexpected `@`
      no name follows
      help: `@name` stands for a set of functions
    E0114 20..21 `@`: unexpected `@`
      no name follows
      help: `@name` stands for a set of functions
    "#);
    assert_snapshot!(mistakes("trace main.Map[int, string], main.g"), @r#"
    E0117 6..27 `main.Map[int, string]`: a name that holds a space or a character of the language has to be quoted
      has to be quoted
      help: Go writes this name without spaces: main.Map[int,string]
    "#);
    assert_snapshot!(mistakes("trace main.F[go.shape.struct { X int }] < min 1ms >"), @r#"
    E0117 6..39 `main.F[go.shape.struct { X int }]`: a name that holds a space or a character of the language has to be quoted
      has to be quoted
      help: write "main.F[go.shape.struct { X int }]"
    "#);
    assert_snapshot!(mistakes("trace “main.f”"), @r#"
    E0114 6..9 `“`: unexpected `“`
      not a quote of this language
      help: strings and names are quoted with "
    "#);
    assert_snapshot!(mistakes("trace main.f = 3, main.g"), @r#"
    E0114 13..14 `=`: unexpected `=`
      is not allowed here
    "#);
    assert_snapshot!(mistakes("trace -p 12"), @r#"
    E0114 6..7 `-`: unexpected `-`
      is not allowed here
    "#);
}

#[test]
fn brackets_of_names() {
    assert_snapshot!(mistakes("trace main.(*T.Close"), @r#"
    E0110 11..12 `(`: this `(` is never closed
      no `)` belongs to it
    "#);
    assert_snapshot!(mistakes("trace main.f < include main.Map[...; min 1ms >"), @r#"
    E0110 31..32 `[`: this `[` is never closed
      no `]` belongs to it
    "#);
    assert_snapshot!(mistakes("trace main.f)"), @r#"
    E0112 12..13 `)`: this `)` closes nothing
      no `(` is open here
    "#);
}

#[test]
fn a_clause_list_that_is_not_closed() {
    assert_snapshot!(mistakes("trace main.f < min 1ms"), @r#"
    E0110 22..22 ``: this clause list is not closed by `>`
      expected `>` here
      13..14 `<`: `<` opens the list here
    "#);
    assert_snapshot!(mistakes("trace main.f { min 1ms; # why\ntrace main.g < depth 3 >"), @r#"
    E0110 23..23 ``: this clause list is not closed by `}`
      expected `}` here
      13..14 `{`: `{` opens the list here
    "#);
    assert_snapshot!(mistakes("trace main.f < include net/http*, trace main.g"), @r#"
    E0105 32..33 `,`: expected a pattern after this `,`
      nothing follows
    E0110 33..33 ``: this clause list is not closed by `>`
      expected `>` here
      13..14 `<`: `<` opens the list here
    "#);
    assert_snapshot!(mistakes("trace main.f < where a > b"), @r#"
    E0110 26..26 ``: this clause list is not closed by `>`
      expected `>` here
      13..14 `<`: `<` opens the list here
    "#);
    assert_snapshot!(mistakes("trace main.f <"), @r#"
    E0110 14..14 ``: this clause list is not closed by `>`
      expected `>` here
      13..14 `<`: `<` opens the list here
    "#);
}

#[test]
fn a_clause_list_closed_by_another_bracket() {
    assert_snapshot!(mistakes("trace main.f < min 1ms }"), @r#"
    E0111 23..24 `}`: `<` is closed by `}`
      expected `>`
      13..14 `<`: `<` opens the list here
    "#);
    assert_snapshot!(mistakes("trace main.f { min 1ms >"), @r#"
    E0111 23..24 `>`: `{` is closed by `>`
      expected `}`
      13..14 `{`: `{` opens the list here
    "#);
}

#[test]
fn brackets_that_close_nothing() {
    assert_snapshot!(mistakes("trace main.f >"), @r#"
    E0112 13..14 `>`: this `>` closes nothing
      no `<` is open here
    "#);
    assert_snapshot!(mistakes("trace main.f < min 1ms > }"), @r#"
    E0112 25..26 `}`: this `}` closes nothing
      no `{` is open here
    "#);
}

#[test]
fn empty_clauses() {
    assert_snapshot!(mistakes("trace main.f < >"), @r#"
    E0113 13..16 `< >`: this clause list is empty
      no clauses
      help: leave it out to trace every call, or write a clause such as `min 100ms`
    "#);
    assert_snapshot!(mistakes("trace main.f {;}"), @r#"
    E0113 13..16 `{;}`: this clause list is empty
      no clauses
      help: leave it out to trace every call, or write a clause such as `min 100ms`
    "#);
    assert_snapshot!(mistakes("trace main.f < min 1ms;; depth 3 >"), @r#"
    E0113 23..24 `;`: there is no clause before this `;`
      one `;` too many
    "#);
}

#[test]
fn clauses_and_their_separators() {
    assert_snapshot!(mistakes("trace main.f < min 1ms max 3s >"), @r#"
    E0107 22..22 ``: expected `;` before the clause `max`
      expected `;` here
      23..26 `max`: this begins another clause
    "#);
    assert_snapshot!(mistakes("trace main.f {\n  include net/http*\n  depth 3\n  where x > 3\n  min 1ms\n}"), @r#"
    E0107 34..34 ``: expected `;` before the clause `depth`
      expected `;` here
      37..42 `depth`: this begins another clause
    E0107 44..44 ``: expected `;` before the clause `where`
      expected `;` here
      47..52 `where`: this begins another clause
    E0107 58..58 ``: expected `;` before the clause `min`
      expected `;` here
      61..64 `min`: this begins another clause
    "#);
    assert_snapshot!(mistakes("trace main.f < min 1ms, max 3s >"), @r#"
    E0107 22..23 `,`: clauses are separated by `;`, not by `,`
      expected `;`
    "#);
    assert_snapshot!(mistakes("trace main.f < include a.b, min 3s >"), @r#"
    E0107 26..27 `,`: clauses are separated by `;`, not by `,`
      expected `;`
    "#);
    assert_snapshot!(mistakes("trace main.f < include a.b; c.d, e.f >"), @r#"
    E0122 28..31 `c.d`: expected a clause, found `c.d`
      not a clause
      help: patterns are separated by `,`: write `, c.d`
    "#);
    assert_snapshot!(mistakes("trace main.f < pid 1; 2 >"), @r#"
    E0122 22..23 `2`: expected a clause, found `2`
      not a clause
      help: values of one clause are separated by `,`
    "#);
    assert_snapshot!(mistakes("trace main.f < a.b >"), @r#"
    E0122 15..18 `a.b`: expected a clause, found `a.b`
      not a clause
      help: to show these functions, write `include a.b`
    "#);
    assert_snapshot!(mistakes("trace main.f < include a.b < min 1ms >"), @r#"
    E0114 27..28 `<`: unexpected `<`
      is not allowed here
    "#);
    assert_snapshot!(mistakes("trace main.f < include a.b { min 1ms } >"), @r#"
    E0114 27..38 `{ min 1ms }`: a clause list cannot stand within a clause
      unexpected list
    "#);
}

#[test]
fn brackets_in_clauses_of_the_compiler() {
    assert_snapshot!(mistakes("trace main.f < where (a > b; min 1ms >"), @r#"
    E0110 21..22 `(`: this `(` is never closed
      no `)` belongs to it
    "#);
    assert_snapshot!(mistakes("trace main.f < where a] == [b; args {; min x >"), @"
    E0112 22..23 `]`: this `]` closes nothing
      no `[` is open here
    E0110 36..37 `{`: this `{` is never closed
      no `}` belongs to it
    E0118 43..44 `x`: expected a duration, found `x`
      not a duration
    ");
}
