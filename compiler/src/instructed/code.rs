//! From lowered expressions to generated code, for functions with numbers.

use std::collections::{BTreeMap, HashMap};

use super::Instructed;
use crate::{
    codes,
    diagnostic::Diagnostic,
    expression,
    plan::{NeedsResults, TraceCode},
    predicate::{
        Arm, CaptureArm, Code, Item, Limits, TooLarge, generate, generate_capture,
        generate_captures,
        ir::{Condition, Input, Moment},
    },
    select::times,
    shape::ShownCall,
    shown::Captured,
};

/// What the probe program has room for. Jumps reach 32,767 instructions far.
const ROOM: Limits = Limits {
    instructions: 32_000,
    stack: ebpf_templates::STACK_ROOM,
    searches: 60,
};

/// Instructions that capture at one moment of calls, at most. The verifier goes through each less than twice and may go through 1,000,000
/// (`BPF_COMPLEXITY_LIMIT_INSNS` in include/linux/bpf.h), but from Linux 6.18 on the time it takes grows with the square of a function's
/// length (kernel/bpf/liveness.c): one second for so many.
const CAPTURES: usize = 64_000;

impl Instructed {
    /// Makes the code. `ids` are the numbers of planned functions.
    pub(crate) fn code(
        &self,
        ids: &HashMap<u32, u32>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (TraceCode, BTreeMap<u32, ShownCall>) {
        let conditions = |list: &[(u32, Condition)]| {
            let numbered = list.iter();
            Arm::grouped(
                numbered
                    .filter_map(|(index, condition)| Some((*ids.get(index)?, condition.clone()))),
            )
        };
        let (entry, exit) = (conditions(&self.entry), conditions(&self.exit));
        let until = conditions(&self.until);
        let aggregated = aggregated(&self.aggregated, ids);
        let kept = arms(
            self.kept
                .iter()
                .map(|(index, items)| (*index, items.as_slice())),
            ids,
        );
        let items = |list: &[(u32, Captured)]| {
            let items = list.iter();
            arms(
                items.map(|(index, captured)| (*index, captured.items.as_slice())),
                ids,
            )
        };
        let (arguments, results) = (items(&self.shown_arguments), items(&self.shown_results));
        let looks_for = |input: Input| {
            let mut conditions = entry.iter().chain(&exit).chain(&until);
            let captures = [&kept, &arguments, &results, &aggregated];
            let mut items = captures
                .into_iter()
                .flatten()
                .flat_map(|arm: &CaptureArm| &arm.items);
            conditions.any(|arm| arm.condition.uses(input)) || items.any(|item| item.uses(input))
        };
        let looks_at_return =
            |arms: &[Arm]| (arms.iter()).any(|arm| arm.condition.looks_at(Moment::Return));
        let mut code = TraceCode {
            needs_caller: looks_for(Input::Caller),
            needs_bias: looks_for(Input::Bias),
            needs_results: NeedsResults {
                where_return: looks_at_return(&exit),
                until: looks_at_return(&until),
                aggregate: (aggregated.iter().flat_map(|arm| &arm.items))
                    .any(|item| item.looks_at(Moment::Return)),
            },
            ..TraceCode::default()
        };
        let mut made = |any: bool, make: &dyn Fn() -> Result<Code, TooLarge>| {
            let made = any.then(make)?;
            made.map_err(|error| diagnostics.push(expression::too_large(&error)))
                .ok()
        };
        code.where_entry = made(!entry.is_empty(), &|| generate(&entry, ROOM));
        code.where_return = made(!exit.is_empty(), &|| generate(&exit, ROOM));
        code.keep = made(!kept.is_empty(), &|| {
            generate_capture(&kept, ROOM, ebpf_templates::KEEP_MAX)
        });
        code.until = made(!until.is_empty(), &|| generate(&until, ROOM));
        code.aggregate = made(!aggregated.is_empty(), &|| {
            generate_capture(&aggregated, ROOM, ebpf_templates::AGGREGATE_KEY)
        });
        code.arguments = captures(arguments, diagnostics);
        code.results = captures(results, diagnostics);
        (code, self.shown_calls(ids))
    }

    fn shown_calls(&self, ids: &HashMap<u32, u32>) -> BTreeMap<u32, ShownCall> {
        let mut shown: BTreeMap<u32, ShownCall> = BTreeMap::new();
        for (index, captured) in &self.shown_arguments {
            if let Some(id) = ids.get(index) {
                let shown = shown.entry(*id).or_default();
                shown.arguments = captured.values.clone();
                shown.dictionary = captured.dictionary;
            }
        }
        for (index, captured) in &self.shown_results {
            if let Some(id) = ids.get(index) {
                shown.entry(*id).or_default().results = captured.values.clone();
            }
        }
        shown
    }
}

/// One arm for all functions of which the same is captured.
fn arms<'i>(
    list: impl Iterator<Item = (u32, &'i [Item])>,
    ids: &HashMap<u32, u32>,
) -> Vec<CaptureArm> {
    let mut known: HashMap<&[Item], Vec<u32>> = HashMap::new();
    for (index, items) in list {
        if let Some(id) = ids.get(&index) {
            known.entry(items).or_default().push(*id);
        }
    }
    let mut arms: Vec<CaptureArm> = known
        .into_iter()
        .map(|(items, functions)| CaptureArm {
            functions,
            items: items.to_vec(),
        })
        .collect();
    arms.sort_by(|one, other| one.functions.cmp(&other.functions));
    arms
}

/// One arm for all functions and aggregations of which the same is captured. The kernel adds the aggregation's index to the function.
fn aggregated(list: &[(u32, u32, Vec<Item>)], ids: &HashMap<u32, u32>) -> Vec<CaptureArm> {
    let mut known: BTreeMap<u32, &[Item]> = BTreeMap::new();
    for (index, aggregation, items) in list {
        if let Some(id) = ids.get(index) {
            let id = id + aggregation * ebpf_templates::Cookie::FUNCTIONS;
            known.insert(id, items);
        }
    }
    let itself: HashMap<u32, u32> = known.keys().map(|id| (*id, *id)).collect();
    arms(known.into_iter(), &itself)
}

/// The code that captures; where not everything fits, for those functions of which many have the same arguments.
fn captures(mut arms: Vec<CaptureArm>, diagnostics: &mut Vec<Diagnostic>) -> Option<Code> {
    arms.sort_by_key(|arm| std::cmp::Reverse(arm.functions.len()));
    let room = ebpf_templates::CAPTURE_MAX;
    let (code, count) = match generate_captures(&arms, ROOM, CAPTURES, room) {
        Ok(made) => made,
        Err(error) => {
            diagnostics.push(expression::too_large(&error));
            return None;
        }
    };
    let functions = |arms: &[CaptureArm]| arms.iter().map(|arm| arm.functions.len()).sum::<usize>();
    let (kept, left_out) = arms.split_at_checked(count).unwrap_or((&arms, &[]));
    if let Some(first) = left_out.iter().flat_map(|arm| &arm.items).next() {
        diagnostics.push(
            Diagnostic::new(
                codes::VALUES_LEFT_OUT,
                format!(
                    "values of {} are not shown: the kernel has no room for the code",
                    times(functions(left_out), "function")
                ),
            )
            .at(first.span(), "asks for them")
            .note(format!(
                "those of {} are",
                times(functions(kept), "function")
            ))
            .help("include fewer functions"),
        );
    }
    (count > 0).then_some(code)
}
