//! Hooks and their actions: `every 5s { show; clear }`, `begin { print "…" }`, `end { … }`.

use pest::iterators::Pair;

use crate::{
    ast::{Action, ActionKind, Hook, HookMoment, Item, Spanned},
    clauses::{after_value, lacks},
    entries::ListWords,
    error::{SyntaxError, code},
    fragments::{Fragment, fragments, misplaced},
    keywords::{self, ACTIONS},
    parser::{Reader, Rule, matches, span, spanned},
    pattern_list::Owner,
    values::{value, value_of_fragment},
};

const EXAMPLE: &str = "every 5s { show; clear }";

const LIST: ListWords = ListWords {
    one: "action",
    list: "hook",
    empty: "leave it out, or write an action such as `show`",
};

impl<'i> Reader<'i> {
    pub(crate) fn hook(&mut self, hook: Pair<'i, Rule>) -> Option<Item> {
        let whole = span(&hook);
        let mut keyword: Option<Spanned<String>> = None;
        let mut interval = None;
        let mut actions = Vec::new();
        for pair in hook.into_inner() {
            match pair.as_rule() {
                Rule::every_word | Rule::hook_word => keyword = Some(spanned(&pair)),
                Rule::actions => actions = self.actions(pair),
                _ => interval = Some(self.accept(value(&pair))),
            }
        }
        let keyword = keyword?;
        let moment = match (keyword.node.as_str(), interval) {
            ("begin", _) => HookMoment::Begin,
            ("end", _) => HookMoment::End,
            (_, interval) => HookMoment::Every(interval??),
        };
        (!actions.is_empty()).then_some(Item::Hook(Hook {
            span: whole,
            keyword,
            moment,
            actions,
        }))
    }

    /// What stands before the actions is wrong, or they are missing.
    pub(crate) fn broken_hook(&mut self, hook: Pair<'i, Rule>) {
        let mut keyword: Option<Spanned<String>> = None;
        let mut pieces = Vec::new();
        let mut actions = None;
        for pair in hook.into_inner() {
            match pair.as_rule() {
                Rule::every_word | Rule::hook_word => keyword = Some(spanned(&pair)),
                Rule::actions => actions = Some(pair),
                _ => pieces = fragments(pair),
            }
        }
        let Some(keyword) = keyword else { return };
        if let Err(error) = heading(&keyword, &pieces, actions.is_some()) {
            self.report(error);
        }
        if let Some(actions) = actions {
            self.actions(actions);
        }
    }

    fn actions(&mut self, list: Pair<'i, Rule>) -> Vec<Action> {
        let mut actions = Vec::new();
        self.list(list, &LIST, |reader, pair| {
            if pair.as_rule() == Rule::action {
                actions.extend(reader.action(pair));
            } else {
                reader.broken_action(pair);
            }
        });
        actions
    }

    /// An action that the grammar found in order.
    fn action(&mut self, action: Pair<'i, Rule>) -> Option<Action> {
        let whole = span(&action);
        let mut inner = action.into_inner();
        let word = inner.next()?;
        let keyword = spanned(&word);
        let kind = match word.as_rule() {
            Rule::print_word => ActionKind::Print(self.template(&inner.next()?)?),
            Rule::show => ActionKind::Show(inner.map(|name| spanned(&name)).collect()),
            _ => ActionKind::Clear(inner.map(|name| spanned(&name)).collect()),
        };
        Some(Action {
            span: whole,
            keyword,
            kind,
        })
    }

    fn broken_action(&mut self, action: Pair<'i, Rule>) {
        let pieces = fragments(action);
        let Some((word, rest)) = pieces.split_first() else {
            return;
        };
        let owner = Owner {
            name: word.text,
            span: word.span.clone(),
            example: match word.text {
                "print" => "print \"after {elapsed}\"",
                "clear" => "clear latency",
                _ => "show latency",
            },
            kind: "action",
            heading: false,
        };
        match word.text {
            "print" => {
                if let [string, _, ..] = rest
                    && string.rule() == Rule::string
                    && self.template(&string.pair).is_none()
                {
                    return;
                }
                self.broken_value(rest, &owner, "a string");
            }
            "show" | "clear" => {
                if let Err(error) = names(rest) {
                    self.report(error);
                }
            }
            _ => self.report(no_action(word, rest)),
        }
    }
}

/// What is wrong between a hook's keyword and its actions.
fn heading(
    keyword: &Spanned<String>,
    pieces: &[Fragment<'_>],
    has_actions: bool,
) -> Result<(), SyntaxError> {
    let word = keyword.node.as_str();
    let for_example = format!("for example `{EXAMPLE}`");
    if word != "every" {
        let at = match (pieces.first(), pieces.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => keyword.span.clone(),
        };
        return Err(SyntaxError::new(
            code::UNEXPECTED,
            at,
            format!("nothing can be between `{word}` and its actions"),
        )
        .label("is not allowed here")
        .help(format!("write `{word} {{ … }}`; at intervals: `{EXAMPLE}`")));
    }
    let owner = Owner {
        name: word,
        span: keyword.span.clone(),
        example: EXAMPLE,
        kind: "item",
        heading: false,
    };
    let Some((first, rest)) = pieces.split_first() else {
        return Err(lacks(&owner, "a duration"));
    };
    value_of_fragment(first, rest, "a duration")?;
    match rest.split_first() {
        Some((second, rest)) => Err(after_value(&owner, "a duration", first, second, rest)),
        None if has_actions => Ok(()),
        None => Err(SyntaxError::new(
            code::MALFORMED_ITEM,
            keyword.span.start..first.span.end,
            "`every` needs actions",
        )
        .label("expected `{` and actions after this")
        .help(for_example)),
    }
}

/// What is wrong with a list of names of aggregations.
fn names(pieces: &[Fragment<'_>]) -> Result<(), SyntaxError> {
    let mut after_name = false;
    for (at, piece) in pieces.iter().enumerate() {
        let is_name = piece.rule() == Rule::name && matches(Rule::only_ident, piece.text);
        if !(is_name || piece.is_comma() && after_name) {
            return Err(match piece.rule() {
                Rule::string | Rule::name | Rule::comma => SyntaxError::new(
                    code::EXPECTED_VALUE,
                    piece.span.clone(),
                    format!(
                        "expected the name of an aggregation, found `{}`",
                        piece.text
                    ),
                )
                .label("not a name")
                .help("aggregations are named in their trace: `latency: hist(dur)`"),
                _ => misplaced(piece, pieces.get(at + 1..).unwrap_or_default()),
            });
        }
        if is_name && after_name {
            return Err(SyntaxError::new(
                code::MISSING_COMMA,
                piece.span.clone(),
                format!("expected `,` before `{}`", piece.text),
            )
            .label("expected `,` before this"));
        }
        after_name = is_name;
    }
    match pieces.last() {
        Some(comma) => Err(SyntaxError::new(
            code::EXPECTED_VALUE,
            comma.span.clone(),
            "expected a name after this `,`",
        )
        .label("nothing follows")),
        None => Ok(()),
    }
}

fn no_action(word: &Fragment<'_>, rest: &[Fragment<'_>]) -> SyntaxError {
    if word.rule() != Rule::name {
        return misplaced(word, rest);
    }
    let error = SyntaxError::new(
        code::EXPECTED_CLAUSE,
        word.span.clone(),
        format!("expected an action, found `{}`", word.text),
    )
    .label("not an action");
    match keywords::nearest(word.text, ACTIONS) {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None => error.help(format!("actions are {}", ACTIONS.join(", "))),
    }
}
