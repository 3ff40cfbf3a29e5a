//! What clauses are given, and literals.

use insta::assert_snapshot;

use crate::mistakes;

#[test]
fn clauses_without_their_values() {
    assert_snapshot!(mistakes("trace main.f < depth; min; pid; comm; sample; limit; limit 1 per; for >"), @r#"
    E0118 15..20 `depth`: `depth` needs a number
      expected a number after this
      help: for example `depth 3`
    E0118 22..25 `min`: `min` needs a duration
      expected a duration after this
      help: for example `min 100ms`
    E0118 27..30 `pid`: `pid` needs a number
      expected a number after this
      help: for example `pid 1234`
    E0118 32..36 `comm`: `comm` needs a string
      expected a string after this
      help: for example `comm "server"`
    E0118 38..44 `sample`: `sample` needs a ratio such as 1/100
      expected a ratio such as 1/100 after this
      help: for example `sample 1/100`
    E0118 46..51 `limit`: `limit` needs a number
      expected a number after this
      help: for example `limit 100 per 1s`
    E0118 61..64 `per`: `per` needs a duration
      expected a duration after this
      help: for example `limit 100 per 1s`
    E0118 66..69 `for`: `for` needs a duration
      expected a duration after this
      help: for example `for 30s`
    "#);
    assert_snapshot!(mistakes("trace main.f < pid 1,, 2, >"), @r#"
    E0118 21..22 `,`: expected a number, found `,`
      a number is missing before this
    E0118 24..25 `,`: expected a number after this `,`
      nothing follows
    "#);
    assert_snapshot!(mistakes("trace main.f < depth three; min main.f; comm nginx; stack x >"), @r#"
    E0118 21..26 `three`: expected a number, found `three`
      not a number
    E0118 32..38 `main.f`: expected a duration, found `main.f`
      not a duration
    E0118 45..50 `nginx`: expected a string, found `nginx`
      not a string
      help: strings are quoted: "nginx"
    E0118 58..59 `x`: expected a number, found `x`
      not a number
    "#);
    assert_snapshot!(mistakes("trace main.f < sample 1:100 >"), @r#"
    E0118 22..27 `1:100`: expected a ratio such as 1/100, found `1:100`
      not a ratio such as 1/100
      help: for example `sample 1/100`
    "#);
    assert_snapshot!(mistakes("trace main.f < limit 10/1s >"), @r#"
    E0114 21..26 `10/1s`: an interval is written with `per`
      expected `per` instead of `/`
      help: write `limit 10 per 1s`
    "#);
}

#[test]
fn clauses_with_too_many_values() {
    assert_snapshot!(mistakes("trace main.f < depth 3, 4 >"), @r#"
    E0119 22..23 `,`: `depth` takes a number and no more
      one too many
      help: clauses are separated by `;`
    "#);
    assert_snapshot!(mistakes("trace main.f < depth 3 4; stack 1 2; limit 1 2; limit 1 per 1s 2s >"), @r#"
    E0119 23..24 `4`: `depth` takes a number and no more
      one too many
      help: clauses are separated by `;`
    E0119 34..35 `2`: `stack` takes a number and no more
      one too many
      help: clauses are separated by `;`
    E0119 45..46 `2`: `limit` takes a number and no more
      one too many
      help: clauses are separated by `;`
    E0119 63..65 `2s`: `per` takes a duration and no more
      one too many
      help: clauses are separated by `;`
    "#);
    assert_snapshot!(mistakes("trace main.f < pid 1 2 >"), @r#"
    E0106 21..22 `2`: expected `,` before `2`
      expected `,` before this
    "#);
}

#[test]
fn literals_that_are_none() {
    assert_snapshot!(mistakes("trace main.f < min 10sec; max 100 ms; prune 5x >"), @r#"
    E0115 19..24 `10sec`: `10sec` is not a number, a duration or a size
      `sec` is not a unit
      help: did you mean `10s`?
    E0115 30..36 `100 ms`: a unit follows its number without a space
      a space within a value
      help: write `100ms`
    E0115 44..46 `5x`: `5x` is not a number, a duration or a size
      `x` is not a unit
      help: units of time are ns us ms s m h, units of size B kB MB GB KiB MiB GiB
    "#);
    assert_snapshot!(mistakes("trace main.f < depth 1.5; depth -1; depth 0x; depth 0xzz; depth 12ab34 >"), @"
    E0115 21..24 `1.5`: `1.5` is not a whole number
      a fraction needs a unit
      help: write a unit after it, as in `1.5s` or `1.5%`
    E0115 32..33 `-`: there are no negative values
      unexpected sign
    E0115 42..44 `0x`: `0x` is not a hexadecimal number
      not a number
    E0115 52..56 `0xzz`: `0xzz` is not a hexadecimal number
      not a number
    E0115 64..70 `12ab34`: `12ab34` is not a number, a duration or a size
      `ab` is not a unit
      help: units of time are ns us ms s m h, units of size B kB MB GB KiB MiB GiB
    ");
    assert_snapshot!(mistakes("trace main.f < max 1d; max 10KB; max 3k >"), @r#"
    E0115 19..21 `1d`: `1d` is not a number, a duration or a size
      `d` is not a unit
      help: units of time are ns us ms s m h, units of size B kB MB GB KiB MiB GiB
    E0115 27..31 `10KB`: `10KB` is not a number, a duration or a size
      `KB` is not a unit
      help: did you mean `10KiB` or `10kB`?
    E0115 37..39 `3k`: `3k` is not a number, a duration or a size
      `k` is not a unit
      help: did you mean `3KiB` or `3kB`?
    "#);
}

#[test]
fn literals_out_of_range() {
    assert_snapshot!(mistakes("trace main.f < depth 18446744073709551616; pid 0x1_0000_0000_0000_0000, 7 >"), @r#"
    E0116 21..41 `18446744073709551616`: `18446744073709551616` is too large
      the greatest is 2^64 - 1
    E0116 47..70 `0x1_0000_0000_0000_0000`: `0x1_0000_0000_0000_0000` is too large
      the greatest is 2^64 - 1
    "#);
    assert_snapshot!(mistakes("trace main.f < min 6000000h; max 1.5ns; prune 0.1B; prune 99999999TiB >"), @r#"
    E0116 19..27 `6000000h`: `6000000h` is too large
      the greatest is about 584 years
    E0116 33..38 `1.5ns`: `1.5ns` is not a whole number of nanoseconds
      finer than a nanosecond
    E0116 46..50 `0.1B`: `0.1B` is not a whole number of bytes
      a fraction of a byte
    E0116 58..69 `99999999TiB`: `99999999TiB` is too large
      the greatest is 2^64 - 1 bytes
    "#);
}

#[test]
fn strings() {
    assert_snapshot!(mistakes("trace main.f < comm \"foo; min 1ms >"), @r#"
    E0108 20..35 `"foo; min 1ms >`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    "#);
    assert_snapshot!(mistakes("trace \"main.f\ntrace main.g"), @r#"
    E0108 6..13 `"main.f`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    "#);
    assert_snapshot!(mistakes("trace main.f < comm \"a\\qb\", \"\\u12\", \"\\xff\", \"\\ud800\" >"), @r#"
    E0109 22..24 `\q`: `\q` is not an escape that strings have
      unknown or incomplete escape
      help: strings have the escapes \" \\ \n \r \t \a \b \f \v \x7f \u00e9 and \U0001f600; a backslash itself is written \\
    E0109 29..31 `\u`: `\u` is not an escape that strings have
      unknown or incomplete escape
      help: strings have the escapes \" \\ \n \r \t \a \b \f \v \x7f \u00e9 and \U0001f600; a backslash itself is written \\
    E0109 37..41 `\xff`: `\xff` is no character by itself
      only strings in expressions hold bytes
      help: the character of this number is written \u00ff
    E0109 45..47 `\u`: `\u` is not an escape that strings have
      unknown or incomplete escape
      help: strings have the escapes \" \\ \n \r \t \a \b \f \v \x7f \u00e9 and \U0001f600; a backslash itself is written \\
    "#);
    assert_snapshot!(mistakes("trace main.f < comm 'nginx' >"), @r#"
    E0114 20..21 `'`: unexpected `'`
      not a quote of this language
      help: strings and names are quoted with "
    "#);
    assert_snapshot!(mistakes("trace main.f < print \"x; depth y\n;min 3 >"), @r#"
    E0108 21..32 `"x; depth y`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    "#);
    assert_snapshot!(mistakes("target \"./x"), @r#"
    E0108 7..11 `"./x`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    "#);
}
