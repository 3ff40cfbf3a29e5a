//! `begin`, `end`, `every`, and the names of aggregations that their actions speak of.

use std::time::Duration;

use grammar::ast::{self, ActionKind, ExpressionKind, Span, Spanned, Template, TemplatePart};

use serde::Serialize;

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, did_you_mean::nearest_word},
    resolve::{aggregation::Aggregated, values::Values},
};

/// What is done at a moment of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// When.
    pub moment: HookMoment,
    /// In this order.
    pub actions: Vec<HookAction>,
}

/// When a hook's actions are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookMoment {
    /// Once the probes are attached.
    Begin,
    /// After the last graph.
    End,
    /// Each time so much time has passed.
    Every(Duration),
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookAction {
    /// Writes a line.
    Print(Vec<HookPiece>),
    /// Writes what these have come to.
    Show(Vec<AggregationId>),
    /// Lets these begin anew.
    Clear(Vec<AggregationId>),
}

/// A piece of a hook's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookPiece {
    /// The same each time.
    Text(String),
    /// The time of day.
    Time,
    /// How long the run has taken so far.
    Elapsed,
}

/// Where an aggregation is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AggregationId {
    /// Index of the trace.
    pub trace: u32,
    /// Index in [`crate::plan::TracePlan::aggregations`].
    pub aggregation: u32,
}

/// Names of aggregations, all of a program.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// With the place of the name, where there is one.
    all: Vec<(Option<Spanned<String>>, AggregationId)>,
}

impl Names {
    /// Takes note of a trace's aggregations.
    pub(crate) fn declare(
        &mut self,
        trace: u32,
        aggregations: &[Aggregated],
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for (aggregation, one) in (0..).zip(aggregations) {
            let name = one.clause.name.clone();
            let known = self.all.iter().filter_map(|(name, _)| name.as_ref());
            if let Some(name) = &name
                && let Some(first) = known.into_iter().find(|known| known.node == name.node)
            {
                diagnostics.push(
                    Diagnostic::new(
                        codes::DECLARED_TWICE,
                        format!("two aggregations are called `{}`", name.node),
                    )
                    .at(&name.span, "used again here")
                    .also_at(&first.span, "first used here")
                    .help("a name can belong to only one aggregation in the whole program"),
                );
            }
            self.all.push((name, AggregationId { trace, aggregation }));
        }
    }

    /// The aggregations of these names, each once; all where there is none.
    fn find(
        &self,
        names: &[Spanned<String>],
        keyword: &Spanned<String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<AggregationId> {
        if names.is_empty() {
            if self.all.is_empty() {
                let message = format!("there is nothing to {}", keyword.node);
                diagnostics.push(
                    Diagnostic::new(codes::UNKNOWN_AGGREGATION, message)
                        .at(&keyword.span, "the program has no aggregations")
                        .help("add one to a trace: trace main.f < latency: hist(dur) >"),
                );
            }
            return self.all.iter().map(|(_, id)| *id).collect();
        }
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let mut known = self.all.iter();
            match known.find(|(known, _)| known.as_ref().is_some_and(|k| k.node == name.node)) {
                Some((_, id)) if found.contains(id) => {}
                Some((_, id)) => found.push(*id),
                None => diagnostics.push(self.unknown(name)),
            }
        }
        found
    }

    fn unknown(&self, name: &Spanned<String>) -> Diagnostic {
        let known = self.all.iter().filter_map(|(name, _)| name.as_ref());
        let known: Vec<&str> = known.map(|name| name.node.as_str()).collect();
        let diagnostic = Diagnostic::new(
            codes::UNKNOWN_AGGREGATION,
            format!("no aggregation is called `{}`", name.node),
        )
        .at(&name.span, "unknown name");
        match nearest_word(&name.node, known.iter().copied()) {
            Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
            None if known.is_empty() => diagnostic.help(format!(
                "aggregations are named in their trace: trace main.f < {}: hist(dur) >",
                name.node
            )),
            None => diagnostic.note(format!("there are {}", known.join(", "))),
        }
    }
}

/// Resolves the hooks of a program.
pub(crate) fn resolve<'h>(
    hooks: impl Iterator<Item = &'h ast::Hook>,
    names: &Names,
    incomplete: bool,
    values: &mut Values,
) -> Vec<Hook> {
    let mut resolved = Vec::new();
    for hook in hooks {
        let moment = match &hook.moment {
            ast::HookMoment::Begin => Some(HookMoment::Begin),
            ast::HookMoment::End => Some(HookMoment::End),
            ast::HookMoment::Every(interval) => values
                .duration("every", interval, 1)
                .map(|ns| HookMoment::Every(Duration::from_nanos(ns))),
        };
        let mut diagnostics = Vec::new();
        let actions = hook.actions.iter();
        let actions = actions
            .map(|action| match &action.kind {
                ActionKind::Print(template) => {
                    HookAction::Print(pieces(template, &mut diagnostics))
                }
                ActionKind::Show(list) => {
                    HookAction::Show(names.find(list, &action.keyword, &mut diagnostics))
                }
                ActionKind::Clear(list) => {
                    HookAction::Clear(names.find(list, &action.keyword, &mut diagnostics))
                }
            })
            .collect();
        // The trace with a name may be one that could not be read.
        diagnostics.retain(|d| !incomplete || d.code != codes::UNKNOWN_AGGREGATION.id());
        values.diagnostics.extend(diagnostics);
        if let Some(moment) = moment {
            resolved.push(Hook { moment, actions });
        }
    }
    resolved
}

fn pieces(template: &Template, diagnostics: &mut Vec<Diagnostic>) -> Vec<HookPiece> {
    let mut pieces = Vec::with_capacity(template.parts.len());
    for part in &template.parts {
        pieces.push(match part {
            TemplatePart::Text(text) => HookPiece::Text(text.clone()),
            TemplatePart::Expression(expression) => match &expression.kind {
                ExpressionKind::Name(name) if name == "time" => HookPiece::Time,
                ExpressionKind::Name(name) if name == "elapsed" => HookPiece::Elapsed,
                _ => {
                    diagnostics.push(not_of_the_run(&expression.span));
                    continue;
                }
            },
        });
    }
    pieces
}

fn not_of_the_run(span: &Span) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        "a hook has no call whose values it could print",
    )
    .at(span, "unknown in a hook")
    .help("hooks know {time} and {elapsed}; aggregations are shown with `show`")
}
