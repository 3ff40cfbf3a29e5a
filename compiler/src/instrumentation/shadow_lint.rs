//! Warns of built-in names that mean a parameter in some target of a trace: the same word is then another thing from function to function.

use grammar::ast::{Expression, ExpressionKind, Shown, Span, TemplatePart, UnaryOperator};

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, escape::symbol},
    expression::{Use, is_built_in},
    instrumentation::Context,
    resolve::ResolvedTrace,
    select::times,
};

/// A built-in name by itself.
struct Place<'t> {
    name: &'t str,
    span: &'t Span,
    usage: Use,
    /// The first of the functions that take it, and how many do.
    taken: Option<(&'t str, usize)>,
}

/// Warns once of each place where a name of `trace` is taken by a parameter, or in `ret` by a result, of one of its targets.
pub(crate) fn report(
    trace: &ResolvedTrace,
    targets: &[u32],
    context: &Context<'_, '_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut places = places(trace);
    let Ok(types) = context.types else {
        return;
    };
    if places.is_empty() {
        return;
    }
    for function in targets
        .iter()
        .filter_map(|index| context.catalog.get(*index))
    {
        let Ok(signature) = types.signature(function) else {
            continue;
        };
        for place in &mut places {
            let taken = match place.usage {
                Use::Ret => signature.result(place.name),
                Use::Where | Use::Args => signature.parameter(place.name),
            };
            if taken.is_some() {
                place.taken.get_or_insert((function.name, 0)).1 += 1;
            }
        }
    }
    let found = places
        .iter()
        .filter_map(|place| warning(place, targets.len()));
    diagnostics.extend(found);
}

fn warning(place: &Place<'_>, targets: usize) -> Option<Diagnostic> {
    let (function, taken) = place.taken?;
    let name = place.name;
    let built_in = meaning(name);
    let (what, qualified) = match place.usage {
        Use::Ret => ("result", "ret"),
        Use::Where | Use::Args => ("parameter", "arg"),
    };
    let more = match taken.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and of {}", times(more, "more target")),
    };
    let message = format!("`{name}` is a {what} of {}{more}", symbol(function));
    let diagnostic = Diagnostic::new(codes::BUILT_IN_TAKEN, message).at(
        place.span,
        format!("means the {what} there, not {built_in}"),
    );
    let diagnostic = match targets.saturating_sub(taken) {
        0 => diagnostic,
        others => diagnostic.note(format!(
            "in {} it is {built_in}",
            times(others, "other target")
        )),
    };
    Some(diagnostic.help(format!(
        "write `{qualified}.{name}` for the {what}, `call.{name}` for {built_in}"
    )))
}

fn meaning(name: &str) -> &'static str {
    match name {
        "dur" => "how long the call took",
        "self" => "the call's own time",
        "caller" => "the caller",
        "fn" => "the traced function",
        "depth" => "the level of the call",
        "pid" => "the process",
        "tid" => "the thread",
        _ => "the goroutine",
    }
}

fn places(trace: &ResolvedTrace) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    let conditions = trace.condition.iter().chain(&trace.until);
    conditions.for_each(|condition| collect(condition, Use::Where, &mut places));
    for (listed, usage) in [(&trace.arguments, Use::Args), (&trace.results, Use::Ret)] {
        let shown = listed.iter().flat_map(|listed| &listed.shown);
        collect_shown(shown, usage, &mut places);
    }
    for aggregated in &trace.aggregations {
        for argument in &aggregated.clause.arguments {
            collect(argument, Use::Where, &mut places);
        }
        collect_shown(&aggregated.clause.keys, Use::Where, &mut places);
    }
    for part in trace.print.iter().flat_map(|template| &template.parts) {
        if let TemplatePart::Expression(expression) = part {
            collect(expression, Use::Where, &mut places);
        }
    }
    places
}

fn collect_shown<'t>(
    shown: impl IntoIterator<Item = &'t Shown>,
    usage: Use,
    places: &mut Vec<Place<'t>>,
) {
    for one in shown {
        collect(&one.expression, usage, places);
    }
}

fn collect<'t>(expression: &'t Expression, usage: Use, places: &mut Vec<Place<'t>>) {
    if let ExpressionKind::Name(name) = &expression.kind
        // How long a call took is not known at entry: it cannot be meant.
        && !(usage == Use::Args && matches!(name.as_str(), "dur" | "self"))
        && is_built_in(name)
    {
        places.push(Place {
            name,
            span: &expression.span,
            usage,
            taken: None,
        });
    }
    for part in expression.parts() {
        if !is_opened(expression, part) {
            collect(part, usage, places);
        }
    }
}

/// Whether `part` is a name of which a part is taken: nothing that is built in has any.
fn is_opened(whole: &Expression, part: &Expression) -> bool {
    let of = match &whole.kind {
        ExpressionKind::Field { of, .. }
        | ExpressionKind::Assertion { of, .. }
        | ExpressionKind::Index { of, .. } => of,
        ExpressionKind::Unary { operator, operand }
            if operator.node == UnaryOperator::Dereference =>
        {
            operand
        }
        _ => return false,
    };
    std::ptr::eq(&**of, part) && matches!(part.kind, ExpressionKind::Name(_))
}
