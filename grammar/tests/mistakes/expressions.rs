//! Expressions that are none.

use insta::assert_snapshot;

use crate::mistakes;

/// The mistakes of several `where` clauses, each alone.
fn conditions(list: &[&str]) -> String {
    let one = |condition: &&str| {
        let source = format!("trace main.f < where {condition} >");
        let said = mistakes(&source);
        assert!(!said.is_empty(), "{source}");
        format!("{condition}\n{said}")
    };
    list.iter().map(one).collect()
}

#[test]
fn something_is_missing() {
    assert_snapshot!(conditions(&["", "a &&", "&& a", "a == && b", "a > > b", "(a || ) && b", "len()x", "!", "-", "a in", "a.", "a[]", "f(a,)", "()"]), @r#"

    E0123 15..20 `where`: `where` needs a condition
      expected a condition after this
      help: for example `where limit > 100 && sql =~ "SELECT*"`
    a &&
    E0123 26..26 ``: expected an expression
      expected a name or a value here
    && a
    E0123 21..21 ``: expected an expression
      expected a name or a value here
    a == && b
    E0123 26..26 ``: expected an expression
      expected a name or a value here
    a > > b
    E0123 25..25 ``: expected an expression
      expected a name or a value here
    (a || ) && b
    E0123 27..27 ``: expected an expression
      expected a name or a value here
    len()x
    E0124 26..27 `x`: expected an operator before `x`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    !
    E0123 23..23 ``: expected an expression
      expected a name or a value here
    -
    E0123 23..23 ``: expected an expression
      expected a name or a value here
    a in
    E0123 26..26 ``: expected an expression
      expected a name or a value here
    a.
    E0123 22..23 `.`: expected the name of a field after this `.`
      no name follows
    a[]
    E0123 23..23 ``: expected an expression
      expected a name or a value here
    f(a,)
    E0123 25..25 ``: expected an expression
      expected a name or a value here
    ()
    E0123 22..22 ``: expected an expression
      expected a name or a value here
    "#);
}

#[test]
fn brackets() {
    assert_snapshot!(conditions(&["(a && b", "a) && b", "a[0", "a]", "len(a", "a.(*T", "a in [1, 2", "f(a[1)", "a in (1, 2)", "{ a }", "a { b }"]), @"
    (a && b
    E0110 21..22 `(`: this `(` is never closed
      no `)` belongs to it
    a) && b
    E0112 22..23 `)`: this `)` closes nothing
      no `(` is open here
    a[0
    E0110 22..23 `[`: this `[` is never closed
      no `]` belongs to it
    a]
    E0112 22..23 `]`: this `]` closes nothing
      no `[` is open here
    len(a
    E0110 24..25 `(`: this `(` is never closed
      no `)` belongs to it
    a.(*T
    E0110 23..24 `(`: this `(` is never closed
      no `)` belongs to it
    a in [1, 2
    E0110 26..27 `[`: this `[` is never closed
      no `]` belongs to it
    f(a[1)
    E0110 24..25 `[`: this `[` is never closed
      no `]` belongs to it
    a in (1, 2)
    E0114 30..30 ``: parentheses hold one expression
      a second one
      help: write a list in brackets: `x in [1, 2]`
    { a }
    E0114 21..26 `{ a }`: braces cannot be used in an expression
      unexpected
    a { b }
    E0114 23..28 `{ b }`: braces cannot be used in an expression
      unexpected
    ");
}

#[test]
fn operators_of_other_languages() {
    assert_snapshot!(conditions(&[
        "a = 1", "a === 1", "a <> 1", "a !== 1", "a => 1", "a and b", "a OR b", "not a", "a is nil", "a contains \"x\"",
        "a like \"x*\"", "a ~= \"x*\"", "a !~ \"x*\"", "a not in [1]", "a | b", "a ^ b", "a << 2", "a >> 2", "a &^ b", "&a == b", "+a",
        "a->b == 1", "a ? b : c", "a := 1",
    ]), @r#"
    a = 1
    E0124 23..24 `=`: there is no operator `=`
      unknown operator
      help: write `==`
    a === 1
    E0124 23..26 `===`: there is no operator `===`
      unknown operator
      help: write `==`
    a <> 1
    E0124 23..25 `<>`: there is no operator `<>`
      unknown operator
      help: write `!=`
    a !== 1
    E0124 23..26 `!==`: there is no operator `!==`
      unknown operator
      help: write `!=`
    a => 1
    E0124 23..25 `=>`: there is no operator `=>`
      unknown operator
      help: write `>=`
    a and b
    E0124 23..26 `and`: there is no operator `and`
      unknown operator
      help: write `&&`
    a OR b
    E0124 23..25 `OR`: there is no operator `OR`
      unknown operator
      help: write `||`
    not a
    E0114 21..24 `not`: there is no operator `not`
      unknown operator
      help: write `!`
    a is nil
    E0124 23..25 `is`: there is no operator `is`
      unknown operator
      help: write `==`
    a contains "x"
    E0124 23..31 `contains`: there is no operator `contains`
      unknown operator
      help: write `has`
    a like "x*"
    E0124 23..27 `like`: there is no operator `like`
      unknown operator
      help: write `=~`
    a ~= "x*"
    E0124 23..25 `~=`: there is no operator `~=`
      unknown operator
      help: write `=~`
    a !~ "x*"
    E0124 23..25 `!~`: there is no operator `!~`
      unknown operator
      help: write `!(a =~ "b")`
    a not in [1]
    E0124 23..29 `not in`: there is no operator `not in`
      unknown operator
      help: write `!(a in [b])`
    a | b
    E0124 23..24 `|`: there is no operator `|`
      unknown operator
      help: write `||`
    a ^ b
    E0124 23..24 `^`: there is no operator `^`
      unknown operator
      help: operators are || && ! == != < <= > >= + - * / % & =~ has in
    a << 2
    E0124 23..25 `<<`: there is no operator `<<`
      unknown operator
      help: operators are || && ! == != < <= > >= + - * / % & =~ has in
    a >> 2
    E0124 23..25 `>>`: there is no operator `>>`
      unknown operator
      help: operators are || && ! == != < <= > >= + - * / % & =~ has in
    a &^ b
    E0124 23..25 `&^`: there is no operator `&^`
      unknown operator
      help: operators are || && ! == != < <= > >= + - * / % & =~ has in
    &a == b
    E0114 21..22 `&`: there is no operator `&`
      unknown operator
      help: addresses are not taken: a pointer is compared as it is
    +a
    E0114 21..22 `+`: there is no operator `+`
      unknown operator
      help: leave it out
    a->b == 1
    E0114 22..24 `->`: fields are selected with `.`
      expected `.`
    a ? b : c
    E0114 23..24 `?`: unexpected `?`
      is not allowed here
      help: there is no `?:`; write `a && b || !a && c`
    E0114 27..28 `:`: unexpected `:`
      is not allowed here
      help: there are no parts of slices; `x[0]` is an element, `x =~ "a*"` tests a string's beginning
    a := 1
    E0124 23..25 `:=`: there is no operator `:=`
      unknown operator
      help: write `==`
    "#);
}

#[test]
fn values_that_are_none() {
    assert_snapshot!(conditions(&[
        "a > 10sec", "a > 5 ms", "a == 'x", "a == 'xyz'", "a == `x`", "a == \"x", "a == \"\\q\"", "a > 0x", "a > 99999999999999999999",
        "a > 1e999", "a == '\\u12'", "a == 1.2.3", "a == $", "a == @main", "a == 5%", "x[1:2] == 1",
    ]), @r#"
    a > 10sec
    E0115 25..30 `10sec`: `10sec` is not a number, a duration or a size
      `sec` is not a unit
      help: did you mean `10s`?
    a > 5 ms
    E0115 25..29 `5 ms`: a unit follows its number without a space
      a space within a value
      help: write `5ms`
    a == 'x
    E0114 26..27 `'`: unexpected `'`
      not a quote of this language
      help: strings and names are quoted with "
    a == 'xyz'
    E0115 26..31 `'xyz'`: only one character can be between `'`
      more than one character
      help: strings are quoted with ": "xyz"
    a == `x`
    E0114 26..27 ```: unexpected ```
      not a quote of this language
      help: strings and names are quoted with "
    E0114 28..29 ```: unexpected ```
      not a quote of this language
      help: strings and names are quoted with "
    a == "x
    E0108 26..30 `"x >`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    a == "\q"
    E0109 27..29 `\q`: `\q` is not an escape that strings have
      unknown or incomplete escape
      help: strings have the escapes \" \\ \n \r \t \a \b \f \v \x7f \u00e9 and \U0001f600; a backslash itself is written \\
    a > 0x
    E0115 25..27 `0x`: `0x` is not a hexadecimal number
      not a number
    a > 99999999999999999999
    E0116 25..45 `99999999999999999999`: `99999999999999999999` is too large
      the greatest is 2^64 - 1
    a > 1e999
    E0116 25..30 `1e999`: `1e999` is too large
      the greatest is about 1.8e308
    a == '\u12'
    E0109 27..29 `\u`: `\u` is not an escape that strings have
      unknown or incomplete escape
      help: strings have the escapes \" \\ \n \r \t \a \b \f \v \x7f \u00e9 and \U0001f600; a backslash itself is written \\
    a == 1.2.3
    E0115 26..31 `1.2.3`: `1.2.3` is not a number
      more than one point
    a == $
    E0114 26..27 `$`: unexpected `$`
      no name follows
      help: `$name` stands for a param
    a == @main
    E0114 26..27 `@`: unexpected `@`
      no name follows
      help: `@name` stands for a set of functions
    a == 5%
    E0123 29..29 ``: expected an expression
      expected a name or a value here
    x[1:2] == 1
    E0114 24..25 `:`: unexpected `:`
      is not allowed here
      help: there are no parts of slices; `x[0]` is an element, `x =~ "a*"` tests a string's beginning
    "#);
}

#[test]
fn what_follows_has_no_operator() {
    assert_snapshot!(conditions(&["a b", "a 1", "a \"x\"", "a == 1 b == 2", "a, b", "a as b", "a by b", "a (b)"]), @r#"
    a b
    E0124 23..24 `b`: expected an operator before `b`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    a 1
    E0124 23..24 `1`: expected an operator before `1`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    a "x"
    E0124 23..26 `"x"`: expected an operator before `"x"`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    a == 1 b == 2
    E0124 28..34 `b == 2`: expected an operator before `b == 2`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    a, b
    E0114 22..23 `,`: conditions are joined by `&&`
      expected `&&` instead of `,`
    a as b
    E0114 23..25 `as`: unexpected `as`
      is not allowed here
      help: clauses are separated by `;`
    a by b
    E0114 23..25 `by`: unexpected `by`
      is not allowed here
      help: clauses are separated by `;`
    a (b)
    E0124 23..26 `(b)`: expected an operator before `(b)`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    "#);
}

#[test]
fn the_end_of_a_condition() {
    assert_snapshot!(mistakes("trace main.f < where a > 1 args b >"), @"
    E0107 26..26 ``: expected `;` before the clause `args`
      expected `;` here
      27..31 `args`: this begins another clause
    ");
    assert_snapshot!(mistakes("trace main.f {\n  where a > 1\n  args b\n  ret\n  min 1ms\n}"), @"
    E0107 28..28 ``: expected `;` before the clause `args`
      expected `;` here
      31..35 `args`: this begins another clause
    E0107 37..37 ``: expected `;` before the clause `ret`
      expected `;` here
      40..43 `ret`: this begins another clause
    E0107 43..43 ``: expected `;` before the clause `min`
      expected `;` here
      46..49 `min`: this begins another clause
    ");
    assert_snapshot!(mistakes("trace main.f < where a > 1, min 1ms >"), @"
    E0107 26..27 `,`: clauses are separated by `;`, not by `,`
      expected `;`
    ");
    assert_snapshot!(mistakes("trace main.f < where args b >"), @r#"
    E0123 15..20 `where`: `where` needs a condition
      expected a condition after this
      help: for example `where limit > 100 && sql =~ "SELECT*"`
    "#);
    assert_snapshot!(mistakes("trace main.f < where a > trace main.g < where >"), @r#"
    E0123 40..45 `where`: `where` needs a condition
      expected a condition after this
      help: for example `where limit > 100 && sql =~ "SELECT*"`
    "#);
    assert_snapshot!(mistakes("trace main.f < where a == 1\ntrace main.g < min 1ms >"), @"
    E0110 27..27 ``: this clause list is not closed by `>`
      expected `>` here
      13..14 `<`: `<` opens the list here
    ");
    assert_snapshot!(mistakes("trace main.f < ret.err != nil >"), @"
    E0122 15..29 `ret.err != nil`: the clause `ret` shows results, and `ret` with a part is one of them
      a result, and no clause
      help: write `where ret.err != nil`
    ");
}

#[test]
fn lists_of_what_is_shown() {
    assert_snapshot!(mistakes("trace main.f < args a, >"), @"
    E0123 21..22 `,`: expected an expression after this `,`
      nothing follows
    ");
    assert_snapshot!(mistakes("trace main.f < args a,, b >"), @"
    E0123 22..22 ``: expected an expression
      expected a name or a value here
    ");
    assert_snapshot!(mistakes("trace main.f < args a b; ret err nil >"), @"
    E0124 22..23 `b`: expected an operator before `b`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    E0124 33..36 `nil`: expected an operator before `nil`
      follows an operand
      help: conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`
    ");
    assert_snapshot!(mistakes("trace main.f < args a as; ret a as 5 >"), @"
    E0123 22..24 `as`: expected a name after this `as`
      no name follows
      help: for example `args r.Method as method`
    E0123 32..34 `as`: expected a name after this `as`
      no name follows
      help: for example `args r.Method as method`
    ");
    assert_snapshot!(mistakes("trace main.f < args a as b as c; args (a as b) >"), @"
    E0123 27..29 `as`: expected a name after this `as`
      no name follows
      help: for example `args r.Method as method`
    E0110 38..39 `(`: this `(` is never closed
      no `)` belongs to it
    ");
    assert_snapshot!(mistakes("trace main.f < args , a; ret ) >"), @"
    E0123 20..20 ``: expected an expression
      expected a name or a value here
    E0112 29..30 `)`: this `)` closes nothing
      no `(` is open here
    ");
}

#[test]
fn too_many_parts() {
    let source = format!("trace main.f < where a{} >", " + a".repeat(1_000));
    assert_snapshot!(mistakes(&source), @"
    E0120 819..820 `+`: an expression has at most 400 parts
      too many from here on
    ");
    let source = format!("trace main.f < where {}a >", "!".repeat(100_000));
    assert_snapshot!(mistakes(&source), @"
    E0120 420..421 `!`: an expression has at most 400 parts
      too many from here on
    ");
}
