//! What the probes of a running trace cost at the rate at which they are hit, and which functions to let go when that is too much.

use std::collections::VecDeque;

use ebpf_templates::Hits;

use crate::{
    cost::call_prices,
    placement::prices::Prices,
    plan::{Plan, TracePlan},
    resolve::settings::Budget,
};

/// Rates are those of this much of the past, nanoseconds.
const WINDOW_NS: u64 = 1_000_000_000;
/// The share of a budget from which on a function makes a difference where it is exceeded anyway.
const MAKES_A_DIFFERENCE: f64 = 0.1;

/// What a function's probes cost in one trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Index of the trace.
    pub trace: u32,
    /// Id of the function.
    pub function: u32,
    /// Calls a second.
    pub calls: f64,
    /// Of one call, nanoseconds.
    pub call_ns: f64,
    /// Of one core: 0.5 is half of it.
    pub share: f64,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loads {
    /// Of one core, in all.
    pub share: f64,
    /// The dearest first.
    pub functions: Vec<Load>,
}

/// Whether a budget is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is, or there is none.
    Kept,
    /// It is not, and would be without these.
    Drop(Vec<Load>),
    /// It is not, and what costs most may not be dropped.
    Exceeded(Load),
}

/// What was hit in all, and what it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Hits at instructions that the kernel emulates, or the probe program carries out.
    pub emulated: u64,
    /// Hits at instructions that it single-steps.
    pub stepped: u64,
    /// Nanoseconds of processor time.
    pub ns: f64,
}

/// Watches the hits of a plan.
#[derive(Debug)]
pub struct Watch {
    prices: Prices,
    /// For each trace, all functions of the plan, as in the map `hits`.
    functions: Vec<Function>,
    in_plan: usize,
    /// When, and the hits until then; the oldest first.
    samples: VecDeque<(u64, Vec<Hits>)>,
    spent: Spent,
}

#[derive(Debug, Clone, Copy)]
struct Function {
    /// Of a call on average.
    hits: f64,
    /// What each hit costs more than outside a graph.
    more_ns: f64,
    keep: Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// What it shows is not worth more than the budget.
    Droppable,
    /// A target whose trace leaves out graphs anyway.
    Last,
    Always,
}

impl Watch {
    /// For a plan whose functions' first hits are still to come.
    #[must_use]
    pub fn new(plan: &Plan, prices: Prices) -> Self {
        let mut watch = Self {
            prices,
            functions: Vec::new(),
            in_plan: plan.functions.len(),
            samples: VecDeque::new(),
            spent: Spent::default(),
        };
        for trace in &plan.traces {
            let functions = watch.of(trace);
            watch.functions.extend(functions);
        }
        watch
    }

    fn of(&self, trace: &TracePlan) -> Vec<Function> {
        let hidden = Function {
            hits: 1.0,
            more_ns: 0.0,
            keep: Keep::Always,
        };
        let mut functions = vec![hidden; self.in_plan];
        for call in call_prices(trace, &self.prices) {
            if let Some(function) = functions.get_mut(call.function as usize)
                && call.hits > 0.0
            {
                let more = call.in_graph_ns.saturating_sub(call.outside_ns);
                *function = Function {
                    hits: call.hits,
                    more_ns: more as f64 / call.hits,
                    keep: match (call.target, trace.filter.sample) {
                        (false, _) => Keep::Droppable,
                        (true, Some(of)) if of > 1 => Keep::Last,
                        (true, _) => Keep::Always,
                    },
                };
            }
        }
        functions
    }

    /// Takes note that a trace is watched by other probes from now on.
    pub fn replaced(&mut self, index: usize, trace: &TracePlan) {
        let functions = self.of(trace);
        let first = index.saturating_mul(self.in_plan);
        for (to, from) in self.functions.iter_mut().skip(first).zip(functions) {
            *to = from;
        }
        // The rates were those of the old ones.
        let last = self.samples.pop_back();
        self.samples.clear();
        self.samples.extend(last);
    }

    /// Takes note of all hits so far: of each trace, for each function of the plan.
    pub fn sample(&mut self, now_ns: u64, hits: Vec<Hits>) {
        match self.samples.back() {
            Some((_, before)) => {
                let before = before.iter().copied();
                for ((function, now), before) in self.functions.iter().zip(&hits).zip(before) {
                    self.spent.add(since(now, before), function, &self.prices);
                }
            }
            None => {
                for (function, now) in self.functions.iter().zip(&hits) {
                    self.spent.add(*now, function, &self.prices);
                }
            }
        }
        self.samples.push_back((now_ns, hits));
        while self.samples.len() > 2
            && let Some((second, _)) = self.samples.get(1)
            && now_ns.saturating_sub(*second) >= WINDOW_NS
        {
            self.samples.pop_front();
        }
    }

    /// What the last second cost; `None` before there was one.
    #[must_use]
    pub fn loads(&self) -> Option<Loads> {
        let ((from_ns, from), (to_ns, to)) = (self.samples.front()?, self.samples.back()?);
        let ns = to_ns.saturating_sub(*from_ns);
        if ns < WINDOW_NS {
            return None;
        }
        let seconds = ns as f64 / 1e9;
        let mut loads = Loads::default();
        let all = self.functions.iter().zip(to).zip(from).enumerate();
        for (index, ((function, to), from)) in all {
            let mut spent = Spent::default();
            spent.add(since(to, *from), function, &self.prices);
            let hits = spent.emulated + spent.stepped;
            if hits == 0 {
                continue;
            }
            let calls = hits as f64 / function.hits;
            let share = spent.ns / ns as f64;
            loads.share += share;
            loads.functions.push(Load {
                trace: u32::try_from(index / self.in_plan.max(1)).unwrap_or(u32::MAX),
                function: u32::try_from(index % self.in_plan.max(1)).unwrap_or(u32::MAX),
                calls: calls / seconds,
                call_ns: spent.ns / calls,
                share,
            });
        }
        loads
            .functions
            .sort_by(|one, other| other.share.total_cmp(&one.share));
        Some(loads)
    }

    /// Whether the last second kept to the budget, and what would have.
    #[must_use]
    pub fn verdict(&self, budget: Budget) -> Verdict {
        let (Budget::Share(thousandths), Some(loads)) = (budget, self.loads()) else {
            return Verdict::Kept;
        };
        let budget = f64::from(thousandths) / 1e3;
        let mut share = loads.share;
        let mut dropped = Vec::new();
        for keep in [Keep::Droppable, Keep::Last] {
            let candidates = loads
                .functions
                .iter()
                .filter(|load| self.keep(load) == keep);
            let most: f64 = candidates.clone().map(|load| load.share).sum();
            // Where these do not suffice, only what makes a difference goes.
            let least = if share - most > budget {
                budget * MAKES_A_DIFFERENCE
            } else {
                0.0
            };
            for load in candidates {
                if share > budget && load.share > least {
                    share -= load.share;
                    dropped.push(*load);
                }
            }
        }
        match loads.functions.first() {
            Some(dearest) if dropped.is_empty() && share > budget => Verdict::Exceeded(*dearest),
            _ if dropped.is_empty() => Verdict::Kept,
            _ => Verdict::Drop(dropped),
        }
    }

    /// Whether the function begins graphs.
    #[must_use]
    pub fn is_target(&self, load: &Load) -> bool {
        self.keep(load) != Keep::Droppable
    }

    fn keep(&self, load: &Load) -> Keep {
        let index = load.trace as usize * self.in_plan + load.function as usize;
        self.functions
            .get(index)
            .map_or(Keep::Always, |function| function.keep)
    }

    /// What all hits so far have cost.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }
}

impl Spent {
    fn add(&mut self, hits: Hits, function: &Function, prices: &Prices) {
        let (emulated, stepped) = (hits.emulated as f64, hits.stepped as f64);
        self.emulated += hits.emulated;
        self.stepped += hits.stepped;
        self.ns += emulated * prices.emulated_ns as f64
            + stepped * prices.stepped_ns as f64
            + (emulated + stepped) * function.more_ns;
    }
}

fn since(now: &Hits, before: Hits) -> Hits {
    Hits {
        emulated: now.emulated.saturating_sub(before.emulated),
        stepped: now.stepped.saturating_sub(before.stepped),
    }
}

#[cfg(test)]
mod tests {
    use ebpf_templates::{Cookie, SiteKind, When};

    use super::*;
    use crate::{
        placement::site::{PlannedFunction, Site},
        resolve::filter::Filter,
    };

    const PRICES: Prices = Prices {
        measured: true,
        emulated_ns: 1_000,
        stepped_ns: 10_000,
        carried_out_ns: 10_000,
        recorded_ns: 200,
        graph_ns: 2_000,
        inside_ns: 0,
        inside_stepped_ns: 0,
    };
    const SECOND: u64 = 1_000_000_000;

    fn site(function: u32, kind: SiteKind) -> Site {
        let cookie = Cookie {
            function,
            stepped: false,
            offset: 0,
            kind,
            target: false,
            g_from_tls: false,
            when: When::Always,
            released: 0,
        };
        Site {
            address: 0,
            file_offset: 0,
            cookie: cookie.pack(),
            bytes: [0; 16],
            len: 1,
            emulated: true,
            passed: 1_000,
        }
    }

    /// Function 0 is the target, 1 and 2 are included, 3 is one of the runtime's.
    fn plan(sample: Option<u64>) -> Plan {
        let function = PlannedFunction {
            name: String::new(),
            address: 0,
            entry_site: 0,
            entry_step: None,
            entry_moved: false,
            inlined_at: 0,
        };
        let trace = TracePlan {
            targets: vec![0],
            included: vec![0, 1, 2],
            filter: Filter {
                sample,
                ..Filter::default()
            },
            sites: (0..3)
                .flat_map(|id| [site(id, SiteKind::Enter), site(id, SiteKind::Return)])
                .collect(),
            ..TracePlan::default()
        };
        Plan {
            functions: vec![function; 4],
            traces: vec![trace],
            ..Plan::default()
        }
    }

    /// After a second of so many calls of each function.
    fn watched(plan: &Plan, calls: [u64; 4]) -> Watch {
        let mut watch = Watch::new(plan, PRICES);
        let hits = |calls: u64| Hits {
            emulated: 2 * calls,
            stepped: 0,
        };
        watch.sample(5, vec![hits(0); 4]);
        watch.sample(SECOND / 2, vec![hits(0); 4]);
        assert_eq!(watch.loads(), None);
        watch.sample(SECOND + 5, calls.map(hits).to_vec());
        watch
    }

    fn functions(loads: &[Load]) -> Vec<u32> {
        loads.iter().map(|load| load.function).collect()
    }

    #[test]
    fn loads_are_calls_times_prices() {
        let watch = watched(&plan(None), [1_000, 100_000, 0, 0]);
        let loads = watch.loads().expect("a second");
        assert_eq!(functions(&loads.functions), [1, 0]);
        let [included, target] = loads.functions.as_slice() else {
            panic!("{loads:?}");
        };
        let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-9;
        assert!(near(included.calls, 1e5) && near(included.call_ns, 2_200.0));
        assert!(near(included.share, 0.22) && near(target.share, 0.0042));
        assert!(near(loads.share, 0.2242) && near(watch.spent().ns, 0.2242e9));
        assert_eq!(watch.spent().emulated, 202_000);
        assert!(watch.is_target(target) && !watch.is_target(included));
    }

    #[test]
    fn the_dearest_included_functions_go_first() {
        let plan = plan(None);
        let watch = watched(&plan, [1_000, 100_000, 50_000, 0]);
        let dropped = |thousandths| match watch.verdict(Budget::Share(thousandths)) {
            Verdict::Drop(loads) => functions(&loads),
            Verdict::Kept => vec![],
            Verdict::Exceeded(load) => vec![99, load.function],
        };
        assert_eq!(dropped(400), [0; 0]);
        assert_eq!(dropped(300), [1]);
        assert_eq!(dropped(120), [1]);
        assert_eq!(dropped(100), [1, 2]);
        assert_eq!(watch.verdict(Budget::Off), Verdict::Kept);
    }

    #[test]
    fn cheap_functions_go_only_where_that_keeps_the_budget() {
        let drops = |calls, thousandths| {
            let watch = watched(&plan(None), calls);
            matches!(watch.verdict(Budget::Share(thousandths)), Verdict::Drop(_))
        };
        // 1 costs a hundredth of the budget; the target 99 of them, or alone more than that.
        assert!(drops([47_500, 1_000, 0, 0], 200));
        assert!(!drops([48_500, 1_000, 0, 0], 200));
    }

    #[test]
    fn targets_stay_unless_they_are_sampled() {
        let calls = [100_000, 10_000, 0, 100_000];
        let drop = |sample, calls| match watched(&plan(sample), calls).verdict(Budget::Share(50)) {
            Verdict::Drop(loads) => Some(functions(&loads)),
            Verdict::Exceeded(load) => {
                assert_eq!(load.function, 0);
                None
            }
            Verdict::Kept => Some(vec![]),
        };
        assert_eq!(drop(None, calls), Some(vec![1]));
        assert_eq!(drop(None, [100_000, 1, 0, 0]), None);
        assert_eq!(drop(Some(1), [100_000, 1, 0, 0]), None);
        assert_eq!(drop(Some(10), [100_000, 1, 0, 0]), Some(vec![0]));
        assert_eq!(drop(None, [0, 0, 0, 1]), Some(vec![]));
    }

    #[test]
    fn what_was_replaced_is_watched_anew() {
        let mut plan = plan(None);
        let mut watch = watched(&plan, [0, 100_000, 0, 0]);
        plan.traces[0].included = vec![0, 2];
        plan.traces[0]
            .sites
            .retain(|site| Cookie::unpack(site.cookie).is_some_and(|cookie| cookie.function != 1));
        watch.replaced(0, &plan.traces[0]);
        assert_eq!(watch.loads(), None);
        let hits = |emulated| Hits {
            emulated,
            stepped: 0,
        };
        watch.sample(
            2 * SECOND + 5,
            vec![hits(0), hits(200_000), hits(10), hits(0)],
        );
        let loads = watch.loads().expect("another second");
        assert_eq!(functions(&loads.functions), [2]);
        assert_eq!(watch.spent().emulated, 200_010);
    }

    #[test]
    fn hits_before_the_first_look_count() {
        let mut watch = Watch::new(&plan(None), PRICES);
        let hits = Hits {
            emulated: 4,
            stepped: 1,
        };
        watch.sample(7, vec![hits; 4]);
        assert_eq!((watch.spent().emulated, watch.spent().stepped), (16, 4));
        assert_eq!(watch.verdict(Budget::Share(0)), Verdict::Kept);
    }
}
