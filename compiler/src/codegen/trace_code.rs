//! From lowered expressions to generated code, for functions with numbers.

use std::collections::{BTreeMap, HashMap};

use super::refused;
use serde::Serialize;

use crate::{
    capture::Captured,
    codegen::{
        Arm, CaptureArm, Code, Limits, STEPS_OF_CAPTURE, TooLarge, generate, generate_capture,
        generate_captures,
    },
    diagnostics::{codes, diagnostic::Diagnostic},
    instrumentation::Instrumentation,
    ir::{Condition, Input, Item, Moment},
    select::times,
    shape::ShownCall,
};

/// Generated code of a trace. Each takes the place of a stub in the probe program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TraceCode {
    /// Decides at the entry of a target whether its graph begins.
    pub where_entry: Option<Code>,
    /// Keeps words and bytes from the entry of a target to its return.
    pub keep: Option<Code>,
    /// Decides at the return of a target whether its graph is kept.
    pub where_return: Option<Code>,
    /// Captures at the entry of calls.
    pub arguments: Option<Code>,
    /// Captures at the return of calls.
    pub results: Option<Code>,
    /// Captures what the aggregates of a target's call need, at its return.
    pub aggregate: Option<Code>,
    /// Decides at the return of a target whether the trace ends with its graph.
    pub until: Option<Code>,
    /// Which of those that run at a target's return look at its results, so that they cannot run where it did not return.
    pub needs_results: NeedsResults,
    /// Any of them looks at the return address of the call.
    pub needs_caller: bool,
    /// Any of them looks at where the executable was loaded.
    pub needs_bias: bool,
}

/// Which generated functions look at results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NeedsResults {
    /// [`TraceCode::where_return`]
    pub where_return: bool,
    /// [`TraceCode::aggregate`]
    pub aggregate: bool,
    /// [`TraceCode::until`]
    pub until: bool,
}

/// What a function of the probe program has room for. Jumps reach 32,767 instructions far. Searches are those of all functions together, but
/// for those that capture.
const ROOM: Limits = Limits {
    instructions: 32_000,
    stack: ebpf_templates::STACK_ROOM,
    searches: 60,
};

/// Steps that the verifier may take for searches and captures, of the 1,000,000 that there are in all (`BPF_COMPLEXITY_LIMIT_INSNS` in
/// include/linux/bpf.h).
const STEPS: usize = 860_000;

impl Instrumentation {
    /// Makes the code. `ids` are the numbers of planned functions, `too_large` see [`crate::Options`].
    pub(crate) fn code(
        &self,
        ids: &HashMap<u32, u32>,
        too_large: u32,
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
        let (mut left, mut steps) = (ROOM, STEPS);
        let mut made = |any: bool, make: &dyn Fn(Limits) -> Result<Code, TooLarge>| {
            let code = match any.then(|| make(left))? {
                Ok(code) => code,
                Err(error) => {
                    diagnostics.push(refused::too_large(&error));
                    return None;
                }
            };
            left.searches = left.searches.saturating_sub(code.searches);
            steps = steps.saturating_sub(code.steps());
            Some(code)
        };
        code.where_entry = made(!entry.is_empty(), &|room| generate(&entry, room));
        code.where_return = made(!exit.is_empty(), &|room| generate(&exit, room));
        code.keep = made(!kept.is_empty(), &|room| {
            generate_capture(&kept, room, ebpf_templates::KEEP_MAX)
        });
        code.until = made(!until.is_empty(), &|room| generate(&until, room));
        code.aggregate = made(!aggregated.is_empty(), &|room| {
            generate_capture(&aggregated, room, ebpf_templates::AGGREGATE_KEY)
        });
        let most = (0..too_large).fold(steps / STEPS_OF_CAPTURE, |most, _| most / 4 * 3);
        (code.arguments, code.results) = captures(arguments, results, most, diagnostics);
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

/// The code that captures arguments, and that for results: together of as many steps as `most` instructions take. Where not everything fits, each gets half of
/// them, and what the other leaves.
fn captures(
    arguments: Vec<CaptureArm>,
    results: Vec<CaptureArm>,
    most: usize,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Option<Code>, Option<Code>) {
    let size = |moment: &Option<Captures>| moment.as_ref().map_or(0, Captures::size);
    let (mut arguments, mut results) = (
        Captures::new(arguments, most, diagnostics),
        Captures::new(results, most, diagnostics),
    );
    if size(&arguments) + size(&results) > most {
        let left = |other| most - size(other).min(most / 2);
        let rooms = [left(&results), left(&arguments)];
        for (moment, room) in [&mut arguments, &mut results].into_iter().zip(rooms) {
            *moment = moment
                .take()
                .and_then(|m| Captures::new(m.arms, room, diagnostics));
        }
    }
    (
        arguments.and_then(|captures| captures.finish(diagnostics)),
        results.and_then(|captures| captures.finish(diagnostics)),
    )
}

/// Code that captures at one moment of calls.
struct Captures {
    code: Code,
    /// Those of which many functions have the same come first.
    arms: Vec<CaptureArm>,
    /// As many of them are in it.
    count: usize,
}

/// Most functions of an arm: choosing it takes two instructions for each, and all of an arm are left out together.
const ARM_FUNCTIONS: usize = 4_000;

impl Captures {
    fn new(arms: Vec<CaptureArm>, most: usize, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let parts = |arm: CaptureArm| {
            let parts = arm.functions.chunks(ARM_FUNCTIONS);
            let part = |functions: &[u32]| CaptureArm {
                functions: functions.to_vec(),
                items: arm.items.clone(),
            };
            parts.map(part).collect::<Vec<_>>()
        };
        let mut arms: Vec<CaptureArm> = arms.into_iter().flat_map(parts).collect();
        arms.sort_by_key(|arm| std::cmp::Reverse(arm.functions.len()));
        match generate_captures(&arms, ROOM, most, ebpf_templates::CAPTURE_MAX) {
            Ok((code, count)) => Some(Self { code, arms, count }),
            Err(error) => {
                diagnostics.push(refused::too_large(&error));
                None
            }
        }
    }

    /// As many instructions take as many steps.
    fn size(&self) -> usize {
        self.code.steps().div_ceil(STEPS_OF_CAPTURE)
    }

    /// The code. Says what is not in it.
    fn finish(self, diagnostics: &mut Vec<Diagnostic>) -> Option<Code> {
        let (kept, left_out) = self.arms.split_at_checked(self.count)?;
        let functions =
            |arms: &[CaptureArm]| arms.iter().map(|arm| arm.functions.len()).sum::<usize>();
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
        (self.count > 0).then_some(self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Register, Word, WordKind};

    fn arms(count: u32) -> Vec<CaptureArm> {
        let word = WordKind::Register(Register::Rcx, Moment::Entry);
        let items = vec![Item::Word(Word::new(word, 0..1)); 30];
        let arm = |function| CaptureArm {
            functions: vec![function],
            items: items.clone(),
        };
        (1..=count).map(arm).collect()
    }

    #[test]
    fn one_arm_of_very_many_functions_is_cut_and_not_refused() {
        let mut arm = arms(1).remove(0);
        arm.functions = (0..20_000).map(|function| 2 * function).collect();
        let mut diagnostics = Vec::new();
        let (code, _) = captures(vec![arm], Vec::new(), 430_000, &mut diagnostics);
        let code = code.expect("code");
        let functions: usize = code.arms.iter().map(|arm| arm.functions.len()).sum();
        assert!((8_000..20_000).contains(&functions), "{functions}");
        let told: Vec<&str> = diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(told, ["W0405"]);
    }

    #[test]
    fn arguments_and_results_share_what_there_is() {
        let one = generate_capture(&arms(1), ROOM, 1024).expect("it fits");
        let most = 20 * one.instructions.len();
        let made = |arguments, results| {
            let mut diagnostics = Vec::new();
            let made = captures(arms(arguments), arms(results), most, &mut diagnostics);
            let functions = |code: &Option<Code>| code.as_ref().map_or(0, |code| code.arms.len());
            let length =
                |code: &Option<Code>| code.as_ref().map_or(0, |code| code.instructions.len());
            assert!(length(&made.0) + length(&made.1) <= most);
            let told: Vec<&str> = diagnostics.iter().map(|d| d.code).collect();
            (functions(&made.0), functions(&made.1), told)
        };
        assert_eq!(made(10, 10), (10, 10, vec![]));
        assert_eq!(made(20, 0), (20, 0, vec![]));
        // Half for each.
        assert_eq!(made(20, 20), (10, 10, vec!["W0405", "W0405"]));
        // What the one does not need the other gets.
        let (arguments, results, told) = made(30, 4);
        assert!((14..20).contains(&arguments), "{arguments}");
        assert_eq!((results, told), (4, vec!["W0405"]));
    }
}
