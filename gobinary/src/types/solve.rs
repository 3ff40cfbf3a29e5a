//! Which register or slot each parameter and result has, from the calling convention, checked by whatever else the executable says.
//!
//! The convention alone is right as long as all parameters are known, since each one that is not moves those after it. DWARF leaves some
//! out: those without a name before Go 1.22, dictionaries of generic functions before 1.27, receivers of generated wrappers. So a list of
//! parameters counts only if it contradicts neither DWARF's own locations at the first instruction nor the table for
//! tracebacks; where several lists would do, only what they agree on is known.
//!
//! DWARF says "on the stack" of parameters that come in registers but will be saved there, or of which the compiler has no
//! location; at a function's entry that is not yet so, and the convention has precedence.

use super::abi::Convention;
use super::abi::{Assigned, Assigner, Class, Layout, Leaf};
use super::arginfo::{ArgInfo, Argument};
use super::location::Said;
use super::place::{Piece, Place, Where};

/// More parameters without a name than this are not searched for.
const MAX_HIDDEN: usize = 3;
/// Nor among more parameters than this.
const MAX_AMONG: usize = 16;

/// A parameter, as far as DWARF lists it.
#[derive(Debug, Clone)]
pub(super) struct Known<'a> {
    pub layout: &'a Layout,
    /// Where it is at the function's first instruction, if DWARF says.
    pub evidence: Option<&'a Said>,
}

/// What there is to solve.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub convention: Convention,
    pub parameters: Vec<Known<'a>>,
    /// With the slot on the stack that DWARF gives them, if any.
    pub results: Vec<(&'a Layout, Option<i64>)>,
    /// Before which parameter a dictionary goes that DWARF does not list.
    pub dictionary: Option<usize>,
    pub arguments: Option<&'a ArgInfo>,
    /// Does the table for tracebacks leave out the first one, as it does wherever a name has a bracket?
    pub skips_first: bool,
    /// May parameters be missing anywhere?
    pub unlisted: bool,
    /// May a receiver be missing?
    pub wrapper: bool,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub parameters: Vec<Place>,
    /// Where parameters are on the stack, or would be saved: as in [`Where::Stack`].
    pub homes: Vec<Option<i64>>,
    pub results: Vec<Place>,
    pub dictionary: Option<Place>,
    /// The table for tracebacks confirms the size of all arguments and results on the stack: an argument that comes in a register
    /// would be saved behind them.
    stack_known: bool,
}

/// One slot of the argument list.
#[derive(Debug, Clone)]
enum Slot<'a> {
    Listed(usize),
    Dictionary,
    Hidden(std::borrow::Cow<'a, Layout>),
}

pub(super) fn solve(question: &Question<'_>) -> Answer {
    let as_listed = question.as_listed();
    let mut answers = Vec::new();
    if let Some(answer) = question.attempt(&as_listed) {
        let sure = if question.wrapper {
            question.has_register_evidence()
        } else {
            !question.unlisted || question.arguments.is_none_or(|info| !info.more)
        };
        if sure {
            return answer;
        }
        answers.push(answer);
    }
    if question.wrapper {
        let mut with_receiver = as_listed.clone();
        let receiver = Layout::word(Class::General, 8);
        with_receiver.insert(0, Slot::Hidden(std::borrow::Cow::Owned(receiver)));
        if question.has_register_evidence() {
            answers.extend(question.attempt(&with_receiver));
        }
    } else if question.unlisted {
        answers.extend(question.with_hidden(&as_listed));
    }
    question.agreed(&answers)
}

impl Question<'_> {
    fn as_listed(&self) -> Vec<Slot<'static>> {
        let mut slots: Vec<_> = (0..self.parameters.len()).map(Slot::Listed).collect();
        if let Some(place) = self.dictionary {
            slots.insert(place.min(slots.len()), Slot::Dictionary);
        }
        slots
    }

    fn has_register_evidence(&self) -> bool {
        self.parameters.iter().any(|known| {
            known.evidence.is_some_and(|said| {
                let mut places = said.places();
                places.any(|at| matches!(at, Where::Register(_) | Where::Vector(_)))
            })
        })
    }

    /// Assigns registers and slots, and answers `None` on a contradiction.
    fn attempt(&self, slots: &[Slot<'_>]) -> Option<Answer> {
        let word = Layout::word(Class::General, 8);
        let layout = |slot: &Slot<'_>| -> Option<Layout> {
            Some(match slot {
                Slot::Listed(number) => self.parameters.get(*number)?.layout.clone(),
                Slot::Dictionary => word.clone(),
                Slot::Hidden(layout) => layout.clone().into_owned(),
            })
        };
        let layouts: Vec<Layout> = slots.iter().map(layout).collect::<Option<_>>()?;
        let mut assigner = Assigner::new(self.convention);
        let assigned: Vec<Assigned> = layouts.iter().map(|l| assigner.assign(l)).collect();
        assigner.results();
        let results = self.results.iter().map(|(l, _)| assigner.assign(l).place);
        let results: Vec<Place> = results.collect();
        let mut answer = Answer {
            parameters: vec![Place::default(); self.parameters.len()],
            homes: vec![None; self.parameters.len()],
            results,
            dictionary: None,
            stack_known: false,
        };
        for (slot, assigned) in slots.iter().zip(&assigned) {
            match slot {
                Slot::Listed(number) => {
                    let known = self.parameters.get(*number)?;
                    if known
                        .evidence
                        .is_some_and(|e| contradicts(e, &assigned.place))
                    {
                        return None;
                    }
                    *answer.parameters.get_mut(*number)? = assigned.place.clone();
                    *answer.homes.get_mut(*number)? = assigned
                        .start(assigner.spill_start())
                        .and_then(|start| i64::try_from(start).ok()?.checked_add(8));
                }
                Slot::Dictionary => answer.dictionary = Some(assigned.place.clone()),
                Slot::Hidden(_) => {}
            }
        }
        if let Some(info) = self.arguments.filter(|_| !self.wrapper) {
            let skipped = usize::from(self.skips_first);
            let expected: Vec<_> = layouts.iter().zip(&assigned).skip(skipped).collect();
            let start = assigner.spill_start();
            let complete = expected.len() == info.arguments.len()
                || info.more && expected.len() >= info.arguments.len();
            let mut pairs = expected.iter().zip(&info.arguments);
            if !complete || !pairs.all(|((layout, at), said)| fits(layout, at, start, said)) {
                return None;
            }
            let mut pairs = expected.iter().zip(&info.arguments);
            answer.stack_known =
                pairs.any(|((_, at), said)| at.spill.is_some() && !said.parts.is_empty());
        }
        Some(answer)
    }

    /// Lists with some of the table's arguments taken for parameters that DWARF leaves out.
    fn with_hidden(&self, as_listed: &[Slot<'static>]) -> Vec<Answer> {
        let Some(info) = self.arguments else {
            return Vec::new();
        };
        let skipped = usize::from(self.skips_first);
        let total = info.arguments.len() + skipped;
        let missing = total.saturating_sub(as_listed.len());
        let mut answers = Vec::new();
        if missing == 0 || missing > MAX_HIDDEN || total > MAX_AMONG {
            return answers;
        }
        for mask in 0_u32..1 << total {
            if mask.count_ones() as usize != missing || mask & ((1 << skipped) - 1) != 0 {
                continue;
            }
            let mut listed = as_listed.iter();
            let mut lists: Vec<Vec<Slot<'static>>> = vec![Vec::new()];
            for number in 0..total {
                let said = number
                    .checked_sub(skipped)
                    .and_then(|number| info.arguments.get(number));
                if mask & (1 << number) == 0 {
                    let Some(slot) = listed.next() else {
                        break;
                    };
                    lists.iter_mut().for_each(|list| list.push(slot.clone()));
                } else if let Some(said) = said {
                    let layouts = possible(said);
                    lists = lists
                        .into_iter()
                        .flat_map(|list| {
                            layouts.iter().map(move |layout| {
                                let mut list = list.clone();
                                list.push(Slot::Hidden(std::borrow::Cow::Owned(layout.clone())));
                                list
                            })
                        })
                        .collect();
                }
            }
            answers.extend(lists.iter().filter_map(|list| self.attempt(list)));
        }
        answers
    }

    /// What all possible answers agree on; else what DWARF says by itself.
    fn agreed(&self, answers: &[Answer]) -> Answer {
        let same = |place: &dyn Fn(&Answer) -> Option<Place>| -> Option<Place> {
            let first = place(answers.first()?)?;
            let mut others = answers.iter().skip(1);
            others
                .all(|other| place(other).as_ref() == Some(&first))
                .then_some(first)
        };
        let verified = self.arguments.filter(|info| info.more).map(|info| {
            (info.arguments.len() + usize::from(self.skips_first))
                .saturating_sub(usize::from(self.dictionary.is_some()))
        });
        let stack_known = answers.iter().all(|answer| answer.stack_known);
        let parameter = |(number, known): (usize, &Known<'_>)| {
            let beyond = verified.is_some_and(|verified| number >= verified);
            let agreed = same(&|answer| answer.parameters.get(number).cloned());
            match agreed {
                Some(place) if !beyond || self.secured(number, answers) => place,
                _ => from_evidence(known),
            }
        };
        let home = |number: usize| -> Option<i64> {
            let (first, others) = answers.split_first()?;
            let of = |answer: &Answer| answer.homes.get(number).copied().flatten();
            of(first).filter(|_| others.iter().all(|other| of(other) == of(first)))
        };
        let result = |(number, (layout, slot)): (usize, &(&Layout, Option<i64>))| {
            let confirmed = |place: &Place| {
                let at = place.pieces.first().map(|piece| piece.at);
                slot.is_some_and(|slot| at == Some(Where::Stack(slot)))
            };
            same(&|answer| answer.results.get(number).cloned())
                .filter(|place| verified.is_none() || stack_known || confirmed(place))
                .or_else(|| self.result_in_registers(number))
                .unwrap_or_else(|| absent(layout))
        };
        Answer {
            parameters: self.parameters.iter().enumerate().map(parameter).collect(),
            homes: (0..self.parameters.len()).map(home).collect(),
            results: self.results.iter().enumerate().map(result).collect(),
            dictionary: same(&|answer| answer.dictionary.clone()),
            stack_known,
        }
    }

    /// A parameter that nobody knows of moves all behind it in the sequence of registers or slots that it takes. So where DWARF confirms one
    /// of those, all before it are right too.
    fn secured(&self, number: usize, answers: &[Answer]) -> bool {
        let computed = |number: usize| answers.first()?.parameters.get(number);
        let stack_known = answers.iter().all(|answer| answer.stack_known);
        let confirmed = |wanted: u8| {
            if wanted == STACK && stack_known {
                return true;
            }
            let later = self.parameters.iter().enumerate().skip(number);
            later.into_iter().any(|(number, known)| {
                let (Some(said), Some(computed)) = (known.evidence, computed(number)) else {
                    return false;
                };
                let mut parts = said.place.pieces.iter();
                let part = parts.any(|part| {
                    sequence(part.at) == Some(wanted)
                        && computed
                            .piece_at(part.offset)
                            .is_some_and(|piece| sequence(piece.at) == Some(wanted))
                });
                // Slots are only moved up, so the first one is that of the first part.
                let first = computed.pieces.first().map(|piece| piece.at);
                let slot = matches!(first, Some(Where::Stack(_))) && said.somewhere == first;
                let mut pieces = computed.pieces.iter();
                part || slot && wanted == STACK
                    || pieces
                        .all(|p| sequence(p.at) == Some(wanted) && said.misfits.contains(&p.at))
            })
        };
        computed(number).is_some_and(|place| {
            let mut pieces = place.pieces.iter();
            pieces.all(|piece| sequence(piece.at).is_some_and(confirmed))
        })
    }

    /// Registers of results do not depend on the parameters.
    fn result_in_registers(&self, number: usize) -> Option<Place> {
        let mut assigner = Assigner::new(self.convention);
        let places = self
            .results
            .iter()
            .map(|(layout, _)| assigner.assign(layout));
        let assigned = places.take(number + 1).last()?;
        assigned.spill.is_some().then_some(assigned.place)
    }
}

fn absent(layout: &Layout) -> Place {
    Place::whole(Where::Absent, layout.size)
}

/// Without the convention's confirmation only registers count, since a slot on the stack may not have been written yet.
fn from_evidence(known: &Known<'_>) -> Place {
    let Some(evidence) = known.evidence else {
        return absent(known.layout);
    };
    let mut place = evidence.place.clone();
    for piece in &mut place.pieces {
        if let Where::Stack(_) = piece.at {
            piece.at = Where::Absent;
        }
    }
    place
}

/// Do DWARF and the convention exclude each other?
fn contradicts(said: &Said, computed: &Place) -> bool {
    let apart = |slot: i64, piece: &Piece| match piece.at {
        Where::Stack(at) => {
            let size = i64::try_from(piece.size).unwrap_or(i64::MAX);
            !(at..at.saturating_add(size)).contains(&slot)
        }
        _ => false,
    };
    let somewhere = said.somewhere.is_some_and(|at| match at {
        Where::Register(_) | Where::Vector(_) => computed.pieces.iter().all(|p| p.at != at),
        Where::Stack(slot) => computed.pieces.iter().any(|piece| apart(slot, piece)),
        Where::Absent | Where::Closure(_) => false,
    });
    somewhere
        || said.place.pieces.iter().any(|part| match part.at {
            Where::Absent | Where::Closure(_) => false,
            Where::Register(_) | Where::Vector(_) => computed
                .piece_at(part.offset)
                .is_none_or(|piece| piece.at != part.at || piece.offset != part.offset),
            Where::Stack(slot) => computed.piece_at(part.offset).is_some_and(|piece| {
                let within = i64::try_from(part.offset - piece.offset).unwrap_or(i64::MAX);
                matches!(piece.at, Where::Stack(at) if at.saturating_add(within) != slot)
            }),
        })
}

/// The sequence of slots on the stack.
const STACK: u8 = 2;

/// Which of the three sequences a part is taken from.
fn sequence(at: Where) -> Option<u8> {
    match at {
        Where::Register(_) => Some(0),
        Where::Vector(_) => Some(1),
        Where::Stack(_) => Some(STACK),
        Where::Absent | Where::Closure(_) => None,
    }
}

/// Is an argument where the table for tracebacks has it?
fn fits(layout: &Layout, assigned: &Assigned, spill_start: u64, said: &Argument) -> bool {
    let Some(start) = assigned.start(spill_start) else {
        return said.parts.is_empty();
    };
    let Some(leaves) = &layout.leaves else {
        let first = said.parts.first();
        return first.is_none_or(|&(offset, _)| offset == start);
    };
    let mut pairs = leaves.iter().zip(&said.parts);
    let length = if said.cut {
        leaves.len() >= said.parts.len()
    } else {
        leaves.len() == said.parts.len()
    };
    length
        && pairs.all(|(leaf, &(offset, size))| {
            start.saturating_add(leaf.offset) == offset && leaf.size == size
        })
}

/// How a parameter may be passed of which only offsets and sizes are known.
fn possible(said: &Argument) -> Vec<Layout> {
    let (Some(&(start, _)), Some(&(last, last_size))) = (said.parts.first(), said.parts.last())
    else {
        // Without size, as far as the table goes.
        let nothing = Layout {
            size: 0,
            align: 1,
            leaves: Some(Vec::new()),
        };
        return vec![nothing];
    };
    let align = said.parts.iter().map(|&(_, size)| size).max();
    let align = align.unwrap_or(1).clamp(1, 8);
    let size = (last - start.min(last))
        .saturating_add(last_size)
        .next_multiple_of(align);
    let leaves = |class| {
        let parts = said.parts.iter();
        parts
            .map(|&(offset, size)| Leaf {
                offset: offset.saturating_sub(start),
                size,
                class,
            })
            .collect::<Vec<_>>()
    };
    let mut possible = vec![Some(leaves(Class::General)), None];
    if said.parts.iter().all(|&(_, size)| matches!(size, 4 | 8)) {
        possible.push(Some(leaves(Class::Vector)));
    }
    possible
        .into_iter()
        .map(|leaves| Layout {
            size,
            align,
            leaves,
        })
        .collect()
}
