//! `config` and its settings.

use insta::assert_snapshot;

use crate::mistakes;

#[test]
fn a_config_without_brackets() {
    assert_snapshot!(mistakes("config"), @"
    E0121 0..6 `config`: `config` needs settings
      expected `{` and settings after this
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config budget = 5%"), @"
    E0121 7..18 `budget = 5%`: write settings between `{` and `}`
      expected `{` before this
      help: write `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config budget"), @"
    E0121 7..13 `budget`: write settings between `{` and `}`
      expected `{` before this
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config budget = 5%; compensate = on"), @"
    E0121 7..18 `budget = 5%`: write settings between `{` and `}`
      expected `{` before this
      help: write `config { budget = 5% }`
    E0101 20..35 `compensate = on`: expected an item: trace, target, set, param, config, every, begin or end
      no item begins like this
      help: write settings in a `config`: `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config = { budget = 5% }"), @"
    E0114 7..8 `=`: a `config` has no name
      nothing can be between `config` and its settings
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config main { budget = 5; }"), @"
    E0114 7..11 `main`: a `config` has no name
      nothing can be between `config` and its settings
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("trace main.f\nconfig"), @"
    E0121 13..19 `config`: `config` needs settings
      expected `{` and settings after this
      help: for example `config { budget = 5% }`
    ");
}

#[test]
fn a_misspelt_config() {
    assert_snapshot!(mistakes("confg { budget = 5% }"), @"
    E0102 0..5 `confg`: `confg` is not a keyword
      unknown keyword
      help: did you mean `config`?
    ");
    assert_snapshot!(mistakes("Config { budget = 5% }"), @"
    E0102 0..6 `Config`: `Config` is not a keyword
      unknown keyword
      help: did you mean `config`?
    ");
    assert_snapshot!(mistakes("confg budget = 5%"), @"
    E0102 0..5 `confg`: `confg` is not a keyword
      unknown keyword
      help: did you mean `config`?
    ");
    assert_snapshot!(mistakes("budget = 5%"), @"
    E0101 0..11 `budget = 5%`: expected an item: trace, target, set, param, config, every, begin or end
      no item begins like this
      help: write settings in a `config`: `config { budget = 5% }`
    ");
}

#[test]
fn brackets_of_a_config() {
    assert_snapshot!(mistakes("config { }"), @"
    E0113 7..10 `{ }`: this `config` is empty
      no settings
      help: leave it out, or write a setting such as `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { budget = 5%"), @"
    E0110 20..20 ``: this `config` is not closed by `}`
      expected `}` here
      7..8 `{`: `{` opens the list here
    ");
    assert_snapshot!(mistakes("config { budget = 5% >"), @"
    E0111 21..22 `>`: `{` is closed by `>`
      expected `}`
      7..8 `{`: `{` opens the list here
    ");
    assert_snapshot!(mistakes("config < budget = 5% }\ntrace main.f"), @"
    E0111 21..22 `}`: `<` is closed by `}`
      expected `>`
      7..8 `<`: `<` opens the list here
    ");
    assert_snapshot!(mistakes("config { budget = 5%\ntrace main.f < min 1 s >"), @"
    E0110 20..20 ``: this `config` is not closed by `}`
      expected `}` here
      7..8 `{`: `{` opens the list here
    E0115 40..43 `1 s`: a unit follows its number without a space
      a space within a value
      help: write `1s`
    ");
    assert_snapshot!(mistakes("config { budget = 5%\nconfig { compensate = on }"), @"
    E0110 20..20 ``: this `config` is not closed by `}`
      expected `}` here
      7..8 `{`: `{` opens the list here
    ");
}

#[test]
fn separators_of_settings() {
    assert_snapshot!(mistakes("config { budget = 5% compensate = on }"), @"
    E0107 20..20 ``: expected `;` before the setting `compensate`
      expected `;` here
      21..31 `compensate`: this begins another setting
    ");
    assert_snapshot!(mistakes("config { budget = 5%\n compensate=on }"), @"
    E0107 20..20 ``: expected `;` before the setting `compensate`
      expected `;` here
      22..32 `compensate`: this begins another setting
    ");
    assert_snapshot!(mistakes("config { budget = 5%, compensate = on }"), @"
    E0107 20..21 `,`: settings are separated by `;`, not by `,`
      expected `;`
    ");
    assert_snapshot!(mistakes("config { budget = 5%;; compensate = on }"), @"
    E0113 21..22 `;`: there is no setting before this `;`
      one `;` too many
    ");
}

#[test]
fn what_is_no_setting() {
    assert_snapshot!(mistakes("config { budget }"), @"
    E0118 9..15 `budget`: `budget` needs a percentage of one core or `off`
      expected a percentage of one core or `off` after this
      help: for example `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { budget = }"), @"
    E0118 16..17 `=`: `budget` needs a percentage of one core or `off`
      expected a percentage of one core or `off` after this
      help: for example `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { budget = ; compensate }"), @"
    E0118 16..17 `=`: `budget` needs a percentage of one core or `off`
      expected a percentage of one core or `off` after this
      help: for example `budget = 5%`
    E0118 20..30 `compensate`: `compensate` needs `on` or `off`
      expected `on` or `off` after this
      help: for example `compensate = on`
    ");
    assert_snapshot!(mistakes("config { frobnicate = }"), @"
    E0118 20..21 `=`: `frobnicate` needs a value
      expected a value after this
      help: for example `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { budget 5% }"), @"
    E0121 16..18 `5%`: expected `=` after the name of a setting
      expected `=` before this
      help: for example `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { budget: 5% }"), @"
    E0121 15..16 `:`: expected `=` after the name of a setting
      expected `=` before this
      help: for example `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { budget == 5% }"), @"
    E0114 17..18 `=`: unexpected `=`
      is not allowed here
    ");
    assert_snapshot!(mistakes("config { = 5% }"), @"
    E0114 9..10 `=`: unexpected `=`
      is not allowed here
    ");
    assert_snapshot!(mistakes("config { 5% }"), @"
    E0122 9..11 `5%`: expected a setting, found `5%`
      not the name of a setting
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config { \"budget\" = 5% }"), @r#"
    E0122 9..17 `"budget"`: expected a setting, found `"budget"`
      not the name of a setting
      help: for example `config { budget = 5% }`
    "#);
    assert_snapshot!(mistakes("config { main.f }"), @"
    E0122 9..15 `main.f`: expected a setting, found `main.f`
      not the name of a setting
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config { min 100ms }"), @"
    E0104 9..12 `min`: the clause `min` is outside a clause list
      not a setting
      help: it belongs to a trace: trace main.handleBar < min … >
    ");
    assert_snapshot!(mistakes("config { @main = 3; $x = 4 }"), @"
    E0122 9..14 `@main`: expected a setting, found `@main`
      not the name of a setting
      help: for example `config { budget = 5% }`
    E0122 20..22 `$x`: expected a setting, found `$x`
      not the name of a setting
      help: for example `config { budget = 5% }`
    ");
    assert_snapshot!(mistakes("config { budget is = 5% }"), @"
    E0118 9..15 `budget`: `budget` needs a percentage of one core or `off`
      expected a percentage of one core or `off` after this
      help: for example `budget = 5%`
    ");
    assert_snapshot!(mistakes("config { frob }"), @"
    E0118 9..13 `frob`: `frob` needs a value
      expected a value after this
      help: for example `budget = 5%`
    ");
}

#[test]
fn values_of_settings() {
    assert_snapshot!(mistakes("config { budget = five }"), @"
    E0118 18..22 `five`: expected a percentage of one core or `off`, found `five`
      not a percentage of one core or `off`
    ");
    assert_snapshot!(mistakes("config { budget = 5 % }"), @"
    E0115 18..21 `5 %`: a unit follows its number without a space
      a space within a value
      help: write `5%`
    ");
    assert_snapshot!(mistakes("config { budget = 5 percent }"), @"
    E0119 20..27 `percent`: `budget` takes a percentage of one core or `off` and no more
      one too many
      help: settings are separated by `;`
    ");
    assert_snapshot!(mistakes("config { budget = 5percent }"), @"
    E0115 18..26 `5percent`: `5percent` is not a number, a duration or a size
      `percent` is not a unit
      help: did you mean `5%`?
    ");
    assert_snapshot!(mistakes("config { budget = -5% }"), @"
    E0115 18..19 `-`: there are no negative values
      unexpected sign
    ");
    assert_snapshot!(mistakes("config { budget = 5% 6% }"), @"
    E0119 21..23 `6%`: `budget` takes a percentage of one core or `off` and no more
      one too many
      help: settings are separated by `;`
    ");
    assert_snapshot!(mistakes("config { budget = 2.5 }"), @"
    E0115 18..21 `2.5`: `2.5` is not a whole number
      a fraction needs a unit
      help: write a unit after it, as in `2.5s` or `2.5%`
    ");
    assert_snapshot!(mistakes("config { budget = 0.05% }"), @"
    E0116 18..23 `0.05%`: `0.05%` is not a whole number of tenths of a percent
      finer than 0.1%
    ");
    assert_snapshot!(mistakes("config { budget = 999999999999% }"), @"
    E0116 18..31 `999999999999%`: `999999999999%` is too large
      the greatest is 429496729.5%
    ");
    assert_snapshot!(mistakes("config { budget = 5%% }"), @"
    E0115 18..21 `5%%`: `5%%` is not a number, a duration or a size
      not a literal
      help: units of time are ns us ms s m h, units of size B kB MB GB KiB MiB GiB
    ");
    assert_snapshot!(mistakes("config { budget = { 5% } }"), @"
    E0114 18..24 `{ 5% }`: a clause list cannot stand within a clause
      unexpected list
    ");
    assert_snapshot!(mistakes("config { budget = \"5% }"), @r#"
    E0108 18..23 `"5% }`: this string does not end on its line
      a `"` opens it, and no other closes it
      help: write \" for a quote within a string
    "#);
    assert_snapshot!(mistakes("config { compensate = yes }"), @"
    E0118 22..25 `yes`: expected `on` or `off`, found `yes`
      not `on` or `off`
    ");
    assert_snapshot!(mistakes("config { frobnicate = yes }"), @"
    E0118 22..25 `yes`: expected a value, found `yes`
      not a value
    ");
    assert_snapshot!(mistakes("config { budget = (5%) }"), @"
    E0118 18..22 `(5%)`: expected a percentage of one core or `off`, found `(5%)`
      not a percentage of one core or `off`
    ");
    assert_snapshot!(mistakes("config { budget = 5%, 6% }"), @"
    E0107 20..21 `,`: settings are separated by `;`, not by `,`
      expected `;`
    E0122 22..24 `6%`: expected a setting, found `6%`
      not the name of a setting
      help: for example `config { budget = 5% }`
    ");
}
