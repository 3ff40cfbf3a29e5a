//! In which order values get room: level by level, and within a level those first that need least, so that no large value takes the room
//! of all that come after it.

use std::collections::HashMap;

use gobinary::{Kind, TypeId, Types};
use grammar::ast::Span;

use super::{
    Captured,
    draft::{Draft, Drafts, NodeId, PartId},
    group::Group,
    reach,
    room::{LENGTH, Room},
    runs::{At, Bound, Part, RUN, Source, allocate, guarded},
};
use crate::{
    expression::{Location, Ty, Typed, Unreachable},
    ir::{Condition, Extension, Text, Width, Word, WordKind},
    resolve::settings::Limits,
    shape::{Absent, Missing, Shape, ShownValue, Slot},
};

/// Levels that are planned at most.
const MAX_LEVEL: usize = 6;
/// Values behind addresses that are planned at most: the room ends before, unless types are strange.
const MAX_TASKS: usize = 512;
/// Maps within maps that are looked into.
const MAX_MAPS: u8 = 3;
/// Bytes of a string that are planned for like everything else. What more is asked for is taken from what is left in the end, so that
/// asking for more never shows less.
const TEXT: usize = 64;
/// Of a string whose room others need too, so many bytes are shown at least, or none.
const LEAST_TEXT: usize = 32;
/// Bytes captured of what an interface holds.
const POINTEE: u16 = 64;
/// The same where it is itself behind an address: a number, or a string's address and length.
const NESTED_POINTEE: u16 = 16;

/// A value to be shown, or what is shown for it whatever the call.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) label: String,
    pub(super) span: Span,
    pub(super) value: Result<Typed, Shape>,
    /// It was asked for by an expression, of which not all need be there.
    pub(super) is_expression: bool,
}

/// Something to plan.
pub(super) struct Task {
    pub(super) node: NodeId,
    /// Which of the values wanted it belongs to.
    argument: usize,
    pub(super) job: Job,
    /// Pointers that may still be followed.
    pub(super) depth: u8,
    /// Maps around it.
    maps: u8,
}

pub(super) enum Job {
    /// A value.
    Value(Typed),
    /// Elements of a slice.
    Elements {
        slice: Typed,
        element: Ty,
        nodes: Vec<NodeId>,
    },
    /// What an interface holds, or what is behind a pointer to something unknown.
    Inside {
        data: Word,
        guard: Option<Condition>,
        nested: bool,
        is_error: bool,
    },
    /// Entries of a map, from this one on.
    Entries {
        map: Typed,
        group: Box<Group>,
        from: u64,
    },
}

pub(super) struct Planner<'t, 'e> {
    pub(super) types: Option<&'t Types<'e>>,
    pub(super) limits: Limits,
    pub(super) drafts: Drafts,
    room: Room,
    /// What is read at the end of the current task.
    pending: Vec<Part>,
    next: Vec<Task>,
    /// Entries of maps beyond what is planned by default, with their level. They get what is left, so that asking for more never takes
    /// the room of what is within the first ones.
    beyond: Vec<(usize, Task)>,
    is_beyond: bool,
    /// What would be left for each, were the rest given away equally.
    share: usize,
    pub(super) span: Span,
    argument: usize,
    pub(super) level: usize,
    /// Maps around what is planned now.
    maps: u8,
    /// Bytes that each string gets beyond [`TEXT`].
    stretch: usize,
    /// Strings that would take such.
    stretched: usize,
    known: HashMap<TypeId, Option<Ty>>,
}

impl<'t, 'e> Planner<'t, 'e> {
    pub(super) fn new(types: Option<&'t Types<'e>>, limits: Limits) -> Self {
        Self {
            types,
            limits,
            drafts: Drafts::default(),
            room: Room::new(),
            pending: Vec::new(),
            next: Vec::new(),
            beyond: Vec::new(),
            is_beyond: false,
            share: 0,
            span: 0..0,
            argument: 0,
            level: 0,
            maps: 0,
            stretch: 0,
            stretched: 0,
            known: HashMap::new(),
        }
    }

    /// Plans all of these, and the address of the dictionary that they may need.
    pub(super) fn plan(self, wanted: Vec<Wanted>, dictionary: Option<Word>) -> Captured {
        let (types, limits) = (self.types, self.limits);
        if usize::from(limits.string) <= TEXT {
            return self.planned(wanted, dictionary).0;
        }
        let (found, stretch) = self.planned(wanted.clone(), dictionary.clone());
        if stretch == 0 {
            return found;
        }
        let mut again = Self::new(types, limits);
        again.stretch = stretch;
        again.planned(wanted, dictionary).0
    }

    /// With how much more each string may take, in whole words.
    fn planned(mut self, wanted: Vec<Wanted>, dictionary: Option<Word>) -> (Captured, usize) {
        let dictionary = dictionary.and_then(|word| self.room.word(word));
        let mut spans = Vec::with_capacity(wanted.len());
        let mut shown = Vec::with_capacity(wanted.len());
        for (argument, wanted) in wanted.into_iter().enumerate() {
            self.argument = argument;
            let node = self.drafts.node();
            let (ty, derived) = match &wanted.value {
                Ok(value) => (
                    Some(value.ty.shown(self.types)),
                    value.ty.derived.as_deref().cloned(),
                ),
                Err(_) => (None, None),
            };
            let steps = match &wanted.value {
                Ok(value) if wanted.is_expression => reach::steps(value),
                _ => Vec::new(),
            };
            match wanted.value {
                Ok(value) => self.later(node, Job::Value(value), self.limits.depth),
                Err(shape) => self.drafts.set(node, Draft::Done(shape)),
            }
            spans.push(wanted.span);
            shown.push((wanted.label, ty, derived, node, steps));
        }
        self.run_all(&spans);
        let mut values = Vec::with_capacity(shown.len());
        for (label, ty, derived, node, steps) in shown {
            let shape = match self.drafts.shape(node) {
                known @ (Shape::Missing(_) | Shape::Constant(_)) => known,
                shape => self.reached(shape, steps),
            };
            values.push(ShownValue {
                label,
                ty,
                shape,
                derived,
            });
        }
        let stretch = self.room.left_in_bytes() / self.stretched.max(1) / 8 * 8;
        let captured = Captured {
            values,
            items: self.room.items,
            dictionary,
        };
        (captured, stretch)
    }

    /// Level by level, first what is planned by default, then what is asked for beyond.
    fn run_all(&mut self, spans: &[Span]) {
        let mut tasks = 0;
        for is_beyond in [false, true] {
            self.is_beyond = is_beyond;
            for level in 0..=MAX_LEVEL {
                self.level = level;
                let mut current = std::mem::take(&mut self.next);
                if is_beyond {
                    let due = self.beyond.extract_if(.., |(at, _)| *at == level);
                    current.extend(due.map(|(_, task)| task));
                }
                self.order(&mut current);
                let mut remaining = current.len();
                for task in current {
                    tasks += 1;
                    if tasks > MAX_TASKS {
                        return;
                    }
                    self.share = self.room.left() / remaining.max(1);
                    remaining = remaining.saturating_sub(1);
                    self.argument = task.argument;
                    self.span = spans.get(task.argument).cloned().unwrap_or_default();
                    self.run(task);
                }
            }
            // Too deep.
            self.next.clear();
        }
    }

    /// A shape with what tells why there is no such value.
    fn reached(&mut self, shape: Shape, steps: Vec<(Word, Absent)>) -> Shape {
        let steps = steps.into_iter();
        let steps: Vec<(Slot, Absent)> = steps
            .filter_map(|(word, why)| Some((self.room.word(word)?, why)))
            .collect();
        if steps.is_empty() {
            return shape;
        }
        Shape::Reached {
            shape: shape.into(),
            steps,
        }
    }

    /// Those first that need least; of equals, the first of each value, then the second of each.
    fn order(&self, tasks: &mut [Task]) {
        let mut seen: HashMap<usize, usize> = HashMap::new();
        let ordinals = tasks.iter().map(|task| {
            let count = seen.entry(task.argument).or_default();
            *count += 1;
            *count
        });
        let mut keys: HashMap<usize, (usize, usize)> = HashMap::new();
        for (task, ordinal) in tasks.iter().zip(ordinals) {
            keys.insert(task.node.0, (self.demand(&task.job), ordinal));
        }
        tasks.sort_by_key(|task| keys.get(&task.node.0).copied());
    }

    /// How many bytes it may take, about.
    fn demand(&self, job: &Job) -> usize {
        let text = LENGTH + usize::from(self.limits.string).min(TEXT);
        let memory = |size: u64| LENGTH + usize::try_from(size).unwrap_or(RUN).min(RUN);
        match job {
            Job::Value(value) => match value.ty.kind {
                Kind::String => text,
                Kind::Slice { .. } => memory(value.ty.size).max(text),
                _ => memory(value.ty.size),
            },
            Job::Elements { element, nodes, .. } => match element.kind {
                Kind::String | Kind::Slice { .. } => nodes.len().saturating_mul(text),
                _ => memory(element.size.saturating_mul(nodes.len() as u64)),
            },
            Job::Inside { .. } => usize::from(POINTEE) + 2 * LENGTH + text,
            Job::Entries { .. } => RUN,
        }
    }

    fn run(&mut self, task: Task) {
        let Task {
            node,
            job,
            depth,
            maps,
            ..
        } = task;
        self.maps = maps;
        let mut bound = None;
        match job {
            Job::Value(value) => self.value(node, &value, depth),
            Job::Elements {
                slice,
                element,
                nodes,
            } => bound = self.elements(&slice, &element, &nodes, depth),
            Job::Inside {
                data,
                guard,
                nested,
                is_error,
            } => {
                let texts = if is_error && !nested { 2 } else { 1 };
                self.inside(node, &data, guard.as_ref(), nested, texts);
            }
            Job::Entries { map, group, from } => {
                self.maps += 1;
                self.entries(node, &map, *group, from, depth);
            }
        }
        self.read(bound.as_ref());
    }

    /// Takes room for the parts of the current task.
    fn read(&mut self, bound: Option<&Bound>) {
        let parts = std::mem::take(&mut self.pending);
        let found = allocate(&mut self.room, parts, bound, self.share, &self.span);
        for (part, slot) in found {
            self.drafts.found(part, slot);
        }
    }

    /// Plans something on the next level.
    pub(super) fn later(&mut self, node: NodeId, job: Job, depth: u8) {
        self.next.push(Task {
            node,
            argument: self.argument,
            job,
            depth,
            maps: self.maps,
        });
    }

    /// How many entries of a map are planned now, and up to which more are planned when all else has been.
    pub(super) fn entries_wanted(&self) -> (u64, u64) {
        // Of maps within maps fewer, so that there is room for their keys.
        let halved = self.level.saturating_sub(1).min(8);
        let asked = u64::from(self.limits.elements);
        let some = |limit: u64| (limit >> halved).max(1).min(limit);
        let now = asked.min(Limits::default().elements.into());
        let all = some(asked);
        (if self.is_beyond { all } else { some(now) }, all)
    }

    /// Plans the rest of the entries of a map when all else has been.
    pub(super) fn beyond(&mut self, node: NodeId, job: Job, depth: u8) {
        // The map itself is the current task: it is counted again.
        let task = Task {
            node,
            argument: self.argument,
            job,
            depth,
            maps: self.maps.saturating_sub(1),
        };
        self.beyond.push((self.level, task));
    }

    /// Whether the entries of a map that is planned now are looked at.
    pub(super) fn follows_maps(&self) -> bool {
        self.maps < MAX_MAPS
    }

    /// Divides what the current task may take.
    pub(super) fn divide(&mut self, among: usize) {
        self.share /= among.max(1);
    }

    /// A type of the executable.
    pub(super) fn ty(&mut self, id: TypeId) -> Option<Ty> {
        let types = self.types?;
        let known = self.known.entry(id);
        let ty = known.or_insert_with(|| types.get(id).ok().map(|ty| Ty::new(&ty)));
        ty.clone()
    }

    /// A part of a value.
    pub(super) fn part(&mut self, value: &Typed, offset: u64, width: Width) -> PartId {
        match value.at.part(offset, width, Extension::Zero, &self.span) {
            Ok(word) => {
                let in_pieces = matches!(value.at, Location::Pieces { .. });
                self.word(word, in_pieces, value.guard.clone())
            }
            Err(why) => self.drafts.part(why.into()),
        }
    }

    /// A part that is this word. `narrowed` says that what it is extended by does not matter, since nobody looks at the bytes above.
    pub(super) fn word(&mut self, word: Word, narrowed: bool, guard: Option<Condition>) -> PartId {
        let at = match word.kind {
            WordKind::Load {
                pointer,
                offset,
                width,
                ..
            } => At::Memory {
                base: *pointer,
                offset: offset.into(),
                width,
            },
            WordKind::Extend { value, .. } if narrowed => At::Word(*value),
            _ => At::Word(word),
        };
        let part = self.drafts.part(Missing::NoRoom);
        self.pending.push((part.0, Source { guard, at }));
        part
    }

    /// The bytes of a string or slice of bytes.
    pub(super) fn text(&mut self, node: NodeId, value: &Typed) {
        let shape = match guarded_text(value, &self.span) {
            Ok(text) => {
                // Of memory that is named with its length so much is wanted.
                let fixed = match (&value.at, &text.length.kind) {
                    (Location::Text(_), WordKind::Constant(length)) => Some(
                        u16::try_from(*length).map_or(Limits::MOST_STRING, |length| {
                            length.min(Limits::MOST_STRING)
                        }),
                    ),
                    _ => None,
                };
                let limit = usize::from(fixed.unwrap_or(self.limits.string));
                let planned = if fixed.is_some() {
                    limit
                } else {
                    limit.min(TEXT)
                };
                let share = self.share.saturating_sub(LENGTH) / 8 * 8;
                let least = LEAST_TEXT.min(planned);
                let most = planned.min(share.max(least));
                let beyond = if most == TEXT { limit - planned } else { 0 };
                self.stretched += usize::from(beyond > 0);
                let beyond = beyond.min(self.stretch);
                let least = least.min(8);
                let run = self.room.text(text, most, least, beyond, &self.span);
                match run {
                    None => Shape::Missing(Missing::NoRoom),
                    Some(run) if fixed.is_some() => Shape::Characters(run),
                    Some(run) => Shape::String(run),
                }
            }
            Err(why) => Shape::Missing(why.into()),
        };
        self.drafts.set(node, Draft::Done(shape));
    }

    /// What an interface holds: the memory there, and the strings that may begin with its first words, so many of them.
    fn inside(
        &mut self,
        node: NodeId,
        data: &Word,
        guard: Option<&Condition>,
        nested: bool,
        texts: usize,
    ) {
        let most = if nested { NESTED_POINTEE } else { POINTEE };
        let text = Text {
            pointer: guarded(guard.cloned(), data.clone()).into(),
            length: Word::constant(most.into(), self.span.clone()).into(),
        };
        let most = usize::from(most);
        let memory = self.room.bytes(text, most, most, &self.span);
        self.divide(texts);
        let mut found = [0, 8].into_iter().take(texts).map(|offset| {
            let string = Typed {
                ty: Ty::built_in("string", 16, Kind::String),
                at: Location::Memory {
                    pointer: data.clone().into(),
                    offset,
                },
                guard: guard.cloned(),
            };
            let bytes = self.drafts.node();
            self.text(bytes, &string);
            match self.drafts.shape(bytes) {
                Shape::String(run) => Some(run),
                _ => None,
            }
        });
        let (first, second) = (found.next().flatten(), found.next().flatten());
        match self.drafts.get(node) {
            Some(Draft::Interface {
                pointee,
                text,
                second_text,
                ..
            }) => (*pointee, *text, *second_text) = (memory, first, second),
            Some(Draft::Memory { bytes, text }) => (*bytes, *text) = (memory, first),
            _ => {}
        }
    }
}

/// Where a string's bytes are. In memory the guard is around its address, so that the string's address and length are read at once.
fn guarded_text(value: &Typed, span: &Span) -> Result<Text, Unreachable> {
    let guard = value.guard.clone();
    if let Location::Memory { pointer, offset } = &value.at {
        let at = Location::Memory {
            pointer: guarded(guard, (**pointer).clone()).into(),
            offset: *offset,
        };
        return Typed {
            at,
            ..value.clone()
        }
        .text(span);
    }
    let text = value.text(span)?;
    Ok(Text {
        pointer: guarded(guard, *text.pointer).into(),
        length: text.length,
    })
}

impl From<Unreachable> for Missing {
    fn from(why: Unreachable) -> Self {
        match why {
            Unreachable::Vector(number) => Self::Vector(number),
            Unreachable::Absent => Self::OptimisedAway,
        }
    }
}
