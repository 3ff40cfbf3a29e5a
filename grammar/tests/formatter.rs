//! What the formatter makes of a text.

use grammar::{code, format, parse, print};
use insta::assert_snapshot;

fn formatted(source: &str) -> String {
    format(source).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn a_short_list_on_one_line_stands_in_angle_brackets() {
    assert_snapshot!(
        formatted("trace   main.f ,main.g{include net/http*,@main;min 100ms;}"),
        @"trace main.f, main.g < include net/http*, @main; min 100ms >"
    );
}

#[test]
fn a_list_that_spans_lines_stands_in_braces() {
    assert_snapshot!(formatted("trace slow :main.f < include net/http*; min 100ms\n>"), @"
    trace slow: main.f {
        include net/http*;
        min 100ms;
    }
    ");
}

#[test]
fn a_config_is_laid_out_like_a_trace() {
    assert_snapshot!(
        formatted("config{budget=2.50%;compensate =  $c;}trace main.f"),
        @"
    config < budget = 2.50%; compensate = $c >
    trace main.f
    "
    );
    assert_snapshot!(
        formatted("# a\nconfig # b\n{ # c\nbudget = off # d\n; # e\n\n# f\ncompensate = # g\n true\n# h\n} # i\n\ntrace main.f"),
        @"
    # a
    config { # b
        # c
        budget = off; # d
        # e

        # f
        compensate = # g
            true;
        # h
    } # i

    trace main.f
    "
    );
    assert_snapshot!(
        print(&parse("config { a = true; b = off; c = 150%; d = 0.5% }").program),
        @"config < a = on; b = off; c = 150%; d = 0.5% >"
    );
}

#[test]
fn a_long_list_is_broken() {
    let source = "trace main.handleBar < include net/http.(*conn).serve, database/sql/..., main.(*DB).query; min 100ms; depth 3 >";
    assert_snapshot!(formatted(source), @"
    trace main.handleBar {
        include net/http.(*conn).serve, database/sql/..., main.(*DB).query;
        min 100ms;
        depth 3;
    }
    ");
    let patterns = ["main.(*Handler).ServeHTTP"; 8].join(",");
    assert_snapshot!(formatted(&format!("set @x={patterns}")), @"
    set @x = main.(*Handler).ServeHTTP, main.(*Handler).ServeHTTP, main.(*Handler).ServeHTTP,
        main.(*Handler).ServeHTTP, main.(*Handler).ServeHTTP, main.(*Handler).ServeHTTP,
        main.(*Handler).ServeHTTP, main.(*Handler).ServeHTTP
    ");
}

#[test]
fn literals_and_unknown_clauses_stay_as_they_are_written() {
    assert_snapshot!(
        formatted("param n=0x2A;trace \"main.f\" < min 1m30s;limit 1_000   per 1.0s; sample 1 / 100; output a>1  &&  b ; where a>1  &&  b ; stack >"),
        @r#"
    param n = 0x2A
    trace "main.f" {
        min 1m30s;
        limit 1_000 per 1.0s;
        sample 1/100;
        output a>1  &&  b;
        where a > 1 && b;
        stack;
    }
    "#
    );
}

#[test]
fn aggregations_and_hooks() {
    assert_snapshot!(
        formatted("trace main.f<latency :hist( dur )by caller,ret.ok  as ok;count;lhist(n,0,  0x10,2) ;until dur>1s;print  \"{ fn }  {dur}\">every  5s{show latency ,b;clear ;}begin{print \"{time}\"}end {\n show # all\n}"),
        @r#"
    trace main.f {
        latency: hist(dur) by caller, ret.ok as ok;
        count;
        lhist(n, 0, 0x10, 2);
        until dur > 1s;
        print "{ fn }  {dur}";
    }
    every 5s { show latency, b; clear }
    begin { print "{time}" }
    end {
        show; # all
    }
    "#
    );
    let source = "trace main.f < # 1\n a # 2\n : # 3\n sum # 4\n ( # 5\n x # 6\n ) # 7\n by # 8\n y # 9\n as # 10\n z # 11\n; sum(x # 12\n) # 13\n>";
    assert_snapshot!(formatted(source), @"
    trace main.f { # 1
        a: # 2
            # 3
            sum( # 4
            # 5
            x) by # 6
            # 7
            # 8
            y as # 9
            # 10
            z; # 11
        sum(x # 12
            ); # 13
    }
    ");
}

#[test]
fn comments_and_single_blank_lines_stay() {
    let source = "# first\n\n\n\n# second\ntarget ./server;# the demo\n\nset @a = main.*, # all\n# but\n  main.g\ntrace main.f # one\n< # two\n\n# three\ninclude main.h # four\n, # five\n main.i # six\n; # seven\n\n\nmin 1ms # eight\n # nine\n> # ten\n\n# last";
    assert_snapshot!(formatted(source), @"
    # first

    # second
    target ./server # the demo

    set @a = main.*, # all
        # but
        main.g
    trace main.f { # one
        # two

        # three
        include main.h, # four
            # five
            main.i; # six
        # seven

        min 1ms; # eight
        # nine
    } # ten

    # last
    ");
}

#[test]
fn marks_in_strings_do_not_matter() {
    assert_snapshot!(
        formatted("trace \"a<#{\" < comm \"# }\", \"x;\" >"),
        @r##"trace "a<#{" < comm "# }", "x;" >"##
    );
}

#[test]
fn nothing_stays_nothing() {
    assert_eq!(formatted(""), "");
    assert_eq!(formatted("\u{FEFF} \r\n;"), "");
    assert_eq!(formatted("# only this\r\n"), "# only this\n");
}

#[test]
fn a_program_with_mistakes_is_not_touched() {
    let errors = format("trace main.f < min 1ms; depth").unwrap_err();
    let codes: Vec<&str> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [code::EXPECTED_VALUE, code::MISSING_CLOSER]);
}
