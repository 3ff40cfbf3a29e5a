//! Aggregations, texts with expressions in them, and hooks.

use insta::assert_snapshot;

use crate::mistakes;

#[test]
fn arguments_of_aggregations() {
    assert_snapshot!(mistakes("trace main.f < sum; avg dur; hist(); lhist(dur, 0, 9); stats(a, b); count(x); count dur >"), @"
    E0118 15..18 `sum`: `sum` needs a value in parentheses
      expected `(` after this
      help: for example `sum(dur)`
    E0118 20..23 `avg`: `avg` needs a value in parentheses
      expected `(` after this
      help: for example `avg(dur)`
    E0118 34..35 `)`: `hist` lacks a value
      expected a value before this
      help: for example `hist(dur)`
    E0118 52..53 `)`: `lhist` lacks the step
      expected the step before this
      help: for example `lhist(dur, 0ms, 100ms, 10ms)`
    E0119 64..65 `b`: `stats` takes one argument and no more
      one too many
      help: `stats(…) by …` splits it by another value
    E0119 73..76 `(x)`: `count` takes nothing in parentheses
      nothing to be given
      help: for example `count by caller`
    E0114 84..87 `dur`: unexpected `dur`
      is not allowed here
      help: clauses are separated by `;`
    ");
    assert_snapshot!(mistakes("trace main.f < sum(a; lhist(a, , 3) >"), @"
    E0110 18..19 `(`: this `(` is never closed
      no `)` belongs to it
    E0123 31..31 ``: expected an expression
      expected a name or a value here
    ");
    assert_snapshot!(mistakes("trace main.f < sum(a, b) by c >"), @"
    E0119 22..23 `b`: `sum` takes one argument and no more
      one too many
      help: `sum(…) by …` splits it by another value
    ");
}

#[test]
fn keys_of_aggregations() {
    assert_snapshot!(mistakes("trace main.f < count by >"), @"
    E0123 24..24 ``: expected an expression
      expected a name or a value here
    ");
    assert_snapshot!(mistakes("trace main.f < count by a, ; sum(x) by a as ; count by a b >"), @"
    E0123 25..26 `,`: expected an expression after this `,`
      nothing follows
    E0123 41..43 `as`: expected a name after this `as`
      no name follows
      help: for example `args r.Method as method`
    E0124 57..58 `b`: expected an operator before `b`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    ");
    assert_snapshot!(mistakes("trace main.f < count by a, b) >"), @"
    E0112 28..29 `)`: this `)` closes nothing
      no `(` is open here
    ");
}

#[test]
fn texts() {
    assert_snapshot!(mistakes("trace main.f < print; print x; print \"a\" \"b\" >"), @r#"
    E0118 15..20 `print`: `print` needs a string
      expected a string after this
      help: for example `print "{fn} took {dur}"`
    E0118 28..29 `x`: expected a string, found `x`
      not a string
      help: strings are quoted: "x"
    E0119 41..44 `"b"`: `print` takes a string and no more
      one too many
      help: clauses are separated by `;`
    "#);
    assert_snapshot!(mistakes(r#"trace main.f < print "{a" >"#), @r#"
    E0110 22..23 `{`: this `{` is never closed
      no `}` belongs to it
      help: a brace itself is written {{, a quote between braces \"
    "#);
    assert_snapshot!(mistakes(r#"trace main.f < print "a} {b}" >"#), @"
    E0112 23..24 `}`: this `}` closes nothing
      no `{` is open here
      help: a brace itself is written }}
    ");
    assert_snapshot!(mistakes(r#"trace main.f < print "{} { } {{}" >"#), @r#"
    E0123 23..23 ``: these braces hold no expression
      expected an expression here
      help: for example `print "{dur}"`; a brace itself is written {{
    E0123 26..27 ` `: these braces hold no expression
      expected an expression here
      help: for example `print "{dur}"`; a brace itself is written {{
    E0112 31..32 `}`: this `}` closes nothing
      no `{` is open here
      help: a brace itself is written }}
    "#);
    assert_snapshot!(mistakes(r#"trace main.f < print "{a + } {b c} é{a = 1}" >"#), @"
    E0123 27..27 ``: expected an expression
      expected a name or a value here
    E0124 32..33 `c`: expected an operator before `c`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    E0124 40..41 `=`: there is no operator `=`
      unknown operator
      help: write `==`
    ");
    assert_snapshot!(mistakes(r#"trace main.f < print "{a has \"\\x\"} \q" >"#), @r#"
    E0109 31..32 `\`: strings between braces have no escapes
      unexpected `\`
      help: the quotes of a string between braces are written \"
    E0109 38..40 `\q`: `\q` is not an escape that strings have
      unknown or incomplete escape
      help: strings have the escapes \" \\ \n \r \t \a \b \f \v \x7f \u00e9 and \U0001f600; a backslash itself is written \\
    "#);
    assert_snapshot!(mistakes(r#"trace main.f < print "{a has "x"}" >"#), @r#"
    E0110 22..23 `{`: this `{` is never closed
      no `}` belongs to it
      help: a brace itself is written {{, a quote between braces \"
    "#);
    assert_snapshot!(mistakes(r#"trace main.f < print "{(a} {a[1}" >"#), @"
    E0110 23..24 `(`: this `(` is never closed
      no `)` belongs to it
    E0110 29..30 `[`: this `[` is never closed
      no `]` belongs to it
    ");
}

#[test]
fn stopping() {
    assert_snapshot!(mistakes("trace main.f < until; until dur > >"), @"
    E0123 15..20 `until`: `until` needs a condition
      expected a condition after this
      help: for example `until ret.err != nil`
    E0112 34..35 `>`: this `>` closes nothing
      no `<` is open here
      help: where the `>` before it compares, a value is missing: `limit > 100 >`
    ");
}

#[test]
fn headings_of_hooks() {
    assert_snapshot!(mistakes("every { show }"), @"
    E0118 0..5 `every`: `every` needs a duration
      expected a duration after this
      help: for example `every 5s { show; clear }`
    ");
    assert_snapshot!(mistakes("every 5s"), @"
    E0121 0..8 `every 5s`: `every` needs actions
      expected `{` and actions after this
      help: for example `every 5s { show; clear }`
    ");
    assert_snapshot!(mistakes("every 5 s { show }"), @"
    E0115 6..9 `5 s`: a unit follows its number without a space
      a space within a value
      help: write `5s`
    ");
    assert_snapshot!(mistakes("every 5s, 6s { shw }"), @"
    E0119 8..9 `,`: `every` takes a duration and no more
      one too many
      help: items are separated by `;`
    E0122 15..18 `shw`: expected an action, found `shw`
      not an action
      help: did you mean `show`?
    ");
    assert_snapshot!(mistakes("every soon { show }"), @"
    E0118 6..10 `soon`: expected a duration, found `soon`
      not a duration
    ");
    assert_snapshot!(mistakes("begin 5s { show } end now { show }"), @"
    E0114 6..8 `5s`: nothing can be between `begin` and its actions
      is not allowed here
      help: write `begin { … }`; at intervals: `every 5s { show; clear }`
    E0114 22..25 `now`: nothing can be between `end` and its actions
      is not allowed here
      help: write `end { … }`; at intervals: `every 5s { show; clear }`
    ");
    assert_snapshot!(mistakes("bgin { show } trace main.f"), @"
    E0102 0..4 `bgin`: `bgin` is not a keyword
      unknown keyword
      help: did you mean `begin`?
    ");
    assert_snapshot!(mistakes("evry 5s { show }"), @"
    E0102 0..4 `evry`: `evry` is not a keyword
      unknown keyword
      help: did you mean `every`?
    ");
    assert_snapshot!(mistakes("every 5s < show >"), @"
    E0121 0..8 `every 5s`: `every` needs actions
      expected `{` and actions after this
      help: for example `every 5s { show; clear }`
    E0101 9..17 `< show >`: this clause list belongs to no trace
      expected `trace` and patterns before this
      help: for example `trace main.handleBar < min 100ms >`
    ");
}

#[test]
fn actions() {
    assert_snapshot!(mistakes("every 5s { }"), @"
    E0113 9..12 `{ }`: this hook is empty
      no actions
      help: leave it out, or write an action such as `show`
    ");
    assert_snapshot!(mistakes("every 5s { show clear }"), @"
    E0107 15..15 ``: expected `;` before the action `clear`
      expected `;` here
      16..21 `clear`: this begins another action
    ");
    assert_snapshot!(mistakes("every 5s { show latency count; clear a,; show \"x\"; clear , }"), @r#"
    E0107 23..23 ``: expected `;` before the action `count`
      expected `;` here
      24..29 `count`: this begins another action
    E0122 24..29 `count`: expected an action, found `count`
      not an action
      help: actions are print, show, clear
    E0118 38..39 `,`: expected a name after this `,`
      nothing follows
    E0118 46..49 `"x"`: expected the name of an aggregation, found `"x"`
      not a name
      help: aggregations are named in their trace: `latency: hist(dur)`
    E0118 57..58 `,`: expected the name of an aggregation, found `,`
      not a name
      help: aggregations are named in their trace: `latency: hist(dur)`
    "#);
    assert_snapshot!(mistakes("every 5s { min 3ms; shw; latency, show; = }"), @"
    E0122 11..14 `min`: expected an action, found `min`
      not an action
      help: actions are print, show, clear
    E0122 20..23 `shw`: expected an action, found `shw`
      not an action
      help: did you mean `show`?
    E0122 25..32 `latency`: expected an action, found `latency`
      not an action
      help: actions are print, show, clear
    E0114 40..41 `=`: unexpected `=`
      is not allowed here
    ");
    assert_snapshot!(mistakes("every 5s { print time; print; print \"{\"; show > trace main.f"), @r#"
    E0118 17..21 `time`: expected a string, found `time`
      not a string
      help: strings are quoted: "time"
    E0118 23..28 `print`: `print` needs a string
      expected a string after this
      help: for example `print "after {elapsed}"`
    E0110 37..38 `{`: this `{` is never closed
      no `}` belongs to it
      help: a brace itself is written {{, a quote between braces \"
    E0111 46..47 `>`: `{` is closed by `>`
      expected `}`
      9..10 `{`: `{` opens the list here
    "#);
}

#[test]
fn several_aggregations_and_their_names() {
    assert_snapshot!(mistakes("trace main.f < count, hist(dur) >"), @"
    E0107 20..21 `,`: clauses are separated by `;`, not by `,`
      expected `;`
    ");
    assert_snapshot!(mistakes("trace main.f < stats(dur), count >"), @"
    E0107 25..26 `,`: clauses are separated by `;`, not by `,`
      expected `;`
    ");
    assert_snapshot!(mistakes("trace main.f < count by caller, hist(dur) >"), @"
    E0107 30..31 `,`: clauses are separated by `;`, not by `,`
      expected `;`
    ");
    assert_snapshot!(mistakes("trace main.f < sum(dur) as total >"), @"
    E0114 24..26 `as`: the name of an aggregation stands before it
      names keys only
      help: write `total: sum(dur)`
    ");
    assert_snapshot!(mistakes("trace main.f < max(dur); min (dur) by caller >"), @"
    E0118 18..23 `(dur)`: `max` takes a duration: it keeps graphs by how long they took
      not a duration
      help: `stats(dur)` shows the greatest
    E0118 29..34 `(dur)`: `min` takes a duration: it keeps graphs by how long they took
      not a duration
      help: `stats(dur)` shows the least
    ");
    assert_snapshot!(mistakes("trace main.f < count by count, counts >"), @"");
}

#[test]
fn results_as_clauses() {
    assert_snapshot!(mistakes("trace main.f < ret[0] as x >"), @"
    E0122 15..26 `ret[0] as x`: the clause `ret` shows results, and `ret` with a part is one of them
      a result, and no clause
      help: write `ret ret[0] as x`
    ");
    assert_snapshot!(mistakes("trace main.f < ret.err as x; args >"), @"
    E0122 15..27 `ret.err as x`: the clause `ret` shows results, and `ret` with a part is one of them
      a result, and no clause
      help: write `ret ret.err as x`
    ");
}

#[test]
fn hooks_within_a_list() {
    assert_snapshot!(mistakes("trace main.f < every 1s { show } >"), @"
    E0110 15..20 `every`: hooks stand after the trace, outside its clause list
      expected `>` before this
      help: for example `trace main.handleBar < count > every 10s { show }`
    ");
    assert_snapshot!(mistakes("trace main.f { count; end { show } } trace main.g > "), @"
    E0110 22..25 `end`: hooks stand after the trace, outside its clause list
      expected `}` before this
      help: for example `trace main.handleBar < count > every 10s { show }`
    E0112 50..51 `>`: this `>` closes nothing
      no `<` is open here
    ");
}

#[test]
fn conditions_outside_a_list() {
    assert_snapshot!(mistakes("trace main.f where d > 1ms"), @"
    E0104 13..18 `where`: the clause `where` is outside a clause list
      expected `<` before this
      help: write the clauses between `<` and `>`: trace main.handleBar < min 100ms >
    ");
    assert_snapshot!(mistakes("trace main.f where d < 1ms && x > 2; trace main.g >"), @"
    E0104 13..18 `where`: the clause `where` is outside a clause list
      expected `<` before this
      help: write the clauses between `<` and `>`: trace main.handleBar < min 100ms >
    E0112 50..51 `>`: this `>` closes nothing
      no `<` is open here
    ");
    assert_snapshot!(mistakes("trace main.f where d == 1ms trace main.g >"), @"
    E0104 13..18 `where`: the clause `where` is outside a clause list
      expected `<` before this
      help: write the clauses between `<` and `>`: trace main.handleBar < min 100ms >
    E0112 41..42 `>`: this `>` closes nothing
      no `<` is open here
    ");
}
