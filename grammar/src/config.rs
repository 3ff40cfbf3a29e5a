//! `config` and its settings, and what is said where they are not written as they should be.

use pest::iterators::Pair;

use crate::{
    ast::{Config, Item, Setting, Span},
    clauses::{after_value, lacks},
    entries::ListWords,
    error::{SyntaxError, code},
    fragments::{Fragment, fragments, misplaced},
    keywords,
    parser::{Reader, Rule, matches, span, spanned},
    pattern_list::Owner,
    values::{value, value_of_fragment},
};

/// How a `config` is written.
pub(crate) const EXAMPLE: &str = "config { budget = 5% }";

const LIST: ListWords = ListWords {
    one: "setting",
    list: "`config`",
    empty: "leave it out, or write a setting such as `budget = 5%`",
};

impl<'i> Reader<'i> {
    pub(crate) fn config(&mut self, config: Pair<'i, Rule>) -> Option<Item> {
        let whole = span(&config);
        let mut settings = Vec::new();
        for pair in config.into_inner() {
            if pair.as_rule() == Rule::settings {
                self.list(pair, &LIST, |reader, pair| {
                    if pair.as_rule() == Rule::setting {
                        settings.extend(reader.setting(pair));
                    } else {
                        reader.broken_setting(pair);
                    }
                });
            }
        }
        let some = !settings.is_empty();
        some.then_some(Item::Config(Config {
            span: whole,
            settings,
        }))
    }

    /// Brackets are missing, or something stands before them.
    pub(crate) fn broken_config(&mut self, config: Pair<'i, Rule>) -> Option<Item> {
        let start = span(&config).start;
        let keyword = start..start + "config".len();
        let mut inner = config.clone().into_inner();
        let pieces = inner.next().map(fragments).unwrap_or_default();
        let has_settings = inner.next().is_some();
        self.report(match (pieces.first(), pieces.last()) {
            (Some(first), _) if has_settings => SyntaxError::new(
                code::UNEXPECTED,
                first.span.clone(),
                "a `config` has no name",
            )
            .label("nothing can be between `config` and its settings")
            .help(format!("for example `{EXAMPLE}`")),
            (Some(first), Some(last)) => {
                let at = first.span.start..last.span.end;
                let text = self.source.get(at.clone()).unwrap_or_default();
                let wrapped = format!("config {{ {text} }}");
                let help = if crate::parse(&wrapped).errors.is_empty() {
                    format!("write `{wrapped}`")
                } else {
                    format!("for example `{EXAMPLE}`")
                };
                SyntaxError::new(
                    code::MALFORMED_ITEM,
                    at,
                    "write settings between `{` and `}`",
                )
                .label("expected `{` before this")
                .help(help)
            }
            _ => SyntaxError::new(code::MALFORMED_ITEM, keyword, "`config` needs settings")
                .label("expected `{` and settings after this")
                .help(format!("for example `{EXAMPLE}`")),
        });
        self.config(config)
    }

    /// A setting that the grammar found in order.
    fn setting(&mut self, setting: Pair<'i, Rule>) -> Option<Setting> {
        let mut inner = setting.into_inner();
        let name = spanned(&inner.next()?);
        let value = self.accept(value(&inner.next()?))?;
        Some(Setting {
            span: name.span.start..value.span.end,
            name,
            value,
        })
    }

    fn broken_setting(&mut self, setting: Pair<'i, Rule>) {
        let pieces = fragments(setting);
        let Some((name, rest)) = pieces.split_first() else {
            return;
        };
        if let Err(error) = read(name, rest) {
            self.report(error);
        }
    }
}

/// Finds what is wrong with a setting.
fn read(name: &Fragment<'_>, rest: &[Fragment<'_>]) -> Result<(), SyntaxError> {
    if name.rule() != Rule::name || !matches(Rule::only_ident, name.text) {
        return Err(not_a_setting(name, rest));
    }
    if rest.first().is_none_or(|next| next.text != "=") && keywords::CLAUSES.contains(&name.text) {
        return Err(SyntaxError::new(
            code::CLAUSE_OUTSIDE,
            name.span.clone(),
            format!("the clause `{}` is outside a clause list", name.text),
        )
        .label("not a setting")
        .help(format!(
            "it belongs to a trace: trace main.handleBar < {} … >",
            name.text
        )));
    }
    let known = keywords::setting(name.text);
    let takes = known.map_or("a value", |setting| setting.takes);
    let example = known.map_or("budget = 5%", |setting| setting.example);
    let owner = |span: Span| Owner {
        name: name.text,
        span,
        kind: "setting",
        example,
        heading: false,
    };
    let Some((equals, rest)) = rest.split_first() else {
        return Err(lacks(&owner(name.span.clone()), takes));
    };
    if equals.text != "=" {
        return Err(SyntaxError::new(
            code::MALFORMED_ITEM,
            equals.span.clone(),
            "expected `=` after the name of a setting",
        )
        .label("expected `=` before this")
        .help(format!("for example `{example}`")));
    }
    let Some((value, rest)) = rest.split_first() else {
        return Err(lacks(&owner(equals.span.clone()), takes));
    };
    value_of_fragment(value, rest, takes)?;
    match rest.split_first() {
        Some((second, rest)) => Err(after_value(
            &owner(name.span.clone()),
            takes,
            value,
            second,
            rest,
        )),
        None => Ok(()),
    }
}

fn not_a_setting(first: &Fragment<'_>, rest: &[Fragment<'_>]) -> SyntaxError {
    match first.rule() {
        Rule::name | Rule::file | Rule::set_ref | Rule::string | Rule::variable => {
            SyntaxError::new(
                code::EXPECTED_CLAUSE,
                first.span.clone(),
                format!("expected a setting, found `{}`", first.text),
            )
            .label("not the name of a setting")
            .help(format!("for example `{EXAMPLE}`"))
        }
        _ => misplaced(first, rest),
    }
}
