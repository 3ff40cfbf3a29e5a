use std::collections::HashMap;

use iced_x86::{ConditionCode, Decoder, DecoderOptions};
use proptest::prelude::*;

use super::WayKind::{Call, Edge};
use super::*;
use crate::code::emulation;

const START: u64 = 0x1000;
const NOP: &[u8] = &[0x90];
const ADD: &[u8] = &[0x48, 0x83, 0xc2, 0x01]; // add rdx,1
const SLOT: &[u8] = &[0x48, 0x8b, 0x44, 0x24, 0x08]; // mov rax,[rsp+8]
const DATA: &[u8] = &[0x48, 0x8b, 0x05, 0, 1, 0, 0]; // mov rax,[rip+100h]
const LOAD: &[u8] = &[0x48, 0x8b, 0x01]; // mov rax,[rcx]
const STORE: &[u8] = &[0x48, 0x89, 0x01]; // mov [rcx],rax
const COPY: &[u8] = &[0x48, 0x89, 0xc1]; // mov rcx,rax
const TEST: &[u8] = &[0x48, 0x85, 0xc9]; // test rcx,rcx
const CALL: &[u8] = &[0xe8, 0, 0, 0x10, 0]; // call far away
const SPILL: &[u8] = &[0x48, 0x89, 0x4c, 0x24, 0x18]; // mov [rsp+18h],rcx
const RELOAD: &[u8] = &[0x48, 0x8b, 0x4c, 0x24, 0x18]; // mov rcx,[rsp+18h]
const TAKE: &[u8] = &[0x48, 0x8d, 0x54, 0x24, 0x10]; // lea rdx,[rsp+10h]
const DEFERS: &[u8] = &[0xe8, 0, 0, 0x20, 0]; // call farther away
const CALL_RDX: &[u8] = &[0xff, 0xd2]; // call rdx
const DIV: &[u8] = &[0x48, 0xf7, 0xf1]; // div rcx
const SYSCALL: &[u8] = &[0x0f, 0x05];

/// How a block ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Ret,
    Jump(usize),
    /// Condition and target; otherwise the next block.
    Branch(u8, usize),
    Next,
    Undefined,
}

type Block = (Vec<&'static [u8]>, End);

/// A function, either with a frame of one word, so that it begins with `push rbp`, or without.
struct Program {
    frame: bool,
    bytes: Vec<u8>,
    instructions: Vec<Decoded>,
    blocks: Vec<u64>,
}

fn assemble(blocks: &[Block]) -> Program {
    assemble_with(true, blocks)
}

fn assemble_with(frame: bool, blocks: &[Block]) -> Program {
    let size = |end| match end {
        End::Ret => 1 + usize::from(frame),
        End::Jump(_) => 5,
        End::Branch(..) => 6,
        End::Next => 0,
        End::Undefined => 2,
    };
    let mut address = START + u64::from(frame);
    let mut starts = Vec::new();
    for (body, end) in blocks {
        starts.push(address);
        address += (body.iter().map(|i| i.len()).sum::<usize>() + size(*end)) as u64;
    }
    let mut bytes = vec![0x55; usize::from(frame)];
    for (body, end) in blocks {
        bytes.extend(body.iter().copied().flatten());
        let after = START + (bytes.len() + size(*end)) as u64;
        let relative = |to: usize| (starts[to].wrapping_sub(after) as u32).to_le_bytes();
        match *end {
            End::Ret if frame => bytes.extend([0x5d, 0xc3]),
            End::Ret => bytes.push(0xc3),
            End::Jump(to) => {
                bytes.push(0xe9);
                bytes.extend(relative(to));
            }
            End::Branch(condition, to) => {
                bytes.extend([0x0f, 0x80 | condition]);
                bytes.extend(relative(to));
            }
            End::Next => {}
            End::Undefined => bytes.extend([0x0f, 0x0b]),
        }
    }
    let decoder = Decoder::with_ip(64, &bytes, START, DecoderOptions::NONE);
    let instructions = decoder.into_iter().collect();
    Program {
        frame,
        bytes: bytes.clone(),
        instructions,
        blocks: starts,
    }
}

impl Program {
    fn depth(&self, address: u64) -> Option<i64> {
        let found = self.instructions.iter().find(|i| i.ip() == address)?;
        Some(match found.flow_control() {
            FlowControl::Return => 0,
            _ if address == START || !self.frame => 0,
            _ => 8,
        })
    }

    fn bytes(&self, instruction: &Decoded) -> &[u8] {
        let at = (instruction.ip() - START) as usize;
        &self.bytes[at..at + instruction.len()]
    }

    fn rets(&self) -> Vec<u64> {
        let rets = self.instructions.iter();
        let rets = rets.filter(|i| i.code() == Code::Retnq).map(Decoded::ip);
        // A function that is only a `ret` is entered and left there anyway.
        rets.filter(|ret| *ret != START).collect()
    }

    /// With a frame the site after a stack check, which these programs do without.
    fn entry(&self) -> EntrySite {
        EntrySite {
            address: START,
            kind: if self.frame {
                EntryKind::AfterCheck
            } else {
                EntryKind::First
            },
            instruction: crate::Instruction {
                bytes: [0; 16],
                len: 1,
                emulated: self.frame,
            },
            g_from_tls: false,
        }
    }

    fn search<R>(&self, look: impl Fn(&Search<'_>) -> R) -> R {
        let graph = Graph::new(&self.instructions, |at| self.depth(at), |_| None, |_| true);
        let graph = graph.expect("a graph");
        look(&Search {
            instructions: &self.instructions,
            graph: &graph,
            entry: &self.entry(),
            is_emulated: &|instruction| {
                emulation::is_emulated(instruction, self.bytes(instruction))
            },
            callee: &|call| match call.near_branch_target().wrapping_sub(call.next_ip()) {
                0x10_0000 => Callee::Function(call.near_branch_target()),
                0x20_0000 => Callee::Defers,
                _ => Callee::Unknown,
            },
            depth: &|at| self.depth(at),
            locals: &|| 0,
            nonnull: OnceCell::new(),
            flow: OnceCell::new(),
        })
    }

    fn ways(&self) -> Vec<Way> {
        self.search(|search| search.ways(&self.rets()))
    }

    /// Each way as the block of its `ret`, that of its site, and what is there.
    fn found(&self) -> Vec<(usize, usize, WayKind)> {
        let block = |address: u64| self.blocks.partition_point(|&start| start <= address);
        let ways = self.ways();
        let found = ways.iter().map(|way| {
            assert_eq!(way.depth, if way.node == 0 { 0 } else { 8 });
            let site = self.instructions[way.node].ip();
            (block(way.ret) - 1, block(site).saturating_sub(1), way.kind)
        });
        found.collect()
    }
}

fn found(blocks: &[Block]) -> Vec<(usize, usize, WayKind)> {
    assemble(blocks).found()
}

/// The same without calls.
fn edges(blocks: &[Block]) -> Vec<(usize, usize, WayKind)> {
    let mut found = found(blocks);
    found.retain(|(_, _, kind)| *kind != Call);
    found
}

fn block(body: &[&'static [u8]], end: End) -> Block {
    (body.to_vec(), end)
}

#[test]
fn a_branch_leaves_in_one_direction() {
    let early = [
        block(&[LOAD], End::Branch(4, 2)),
        block(&[CALL], End::Ret),
        block(&[ADD, SLOT, DATA], End::Ret),
    ];
    assert_eq!(found(&early), [(1, 1, Call), (2, 0, Edge(When::Taken(4)))]);
    let late = [
        block(&[LOAD], End::Branch(13, 2)),
        block(&[ADD], End::Ret),
        block(&[CALL], End::Ret),
    ];
    assert_eq!(
        found(&late),
        [(1, 0, Edge(When::NotTaken(13))), (2, 2, Call)]
    );
}

#[test]
fn a_branch_may_leave_in_both_directions() {
    let apart = [
        block(&[LOAD], End::Branch(2, 2)),
        block(&[ADD], End::Ret),
        block(&[], End::Ret),
    ];
    assert_eq!(
        found(&apart),
        [
            (1, 0, Edge(When::NotTaken(2))),
            (2, 0, Edge(When::Taken(2)))
        ]
    );
    let together = [
        block(&[LOAD], End::Branch(2, 2)),
        block(&[ADD], End::Next),
        block(&[], End::Ret),
    ];
    assert_eq!(found(&together), [(2, 0, Edge(When::Always))]);
}

#[test]
fn jumps_and_nops_leave_always() {
    let shared = [
        block(&[LOAD], End::Branch(5, 3)),
        block(&[CALL], End::Jump(3)),
        block(&[CALL, NOP, ADD], End::Next),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(
        found(&shared),
        [
            (3, 0, Edge(When::Taken(5))),
            (3, 1, Edge(When::Always)),
            (3, 2, Edge(When::Always))
        ]
    );
}

#[test]
fn a_way_that_is_no_site_keeps_the_ret() {
    let none: [&[&[u8]]; 4] = [&[CALL_RDX], &[COPY, LOAD], &[DIV], &[SYSCALL]];
    for body in none {
        let middle = [
            block(&[LOAD], End::Branch(5, 2)),
            block(body, End::Next),
            block(&[ADD], End::Ret),
        ];
        assert_eq!(found(&middle), [], "{body:x?}");
    }
}

#[test]
fn a_call_may_end_with_what_it_calls() {
    let mixed = [
        block(&[LOAD], End::Branch(5, 2)),
        block(&[CALL, SLOT], End::Next),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(found(&mixed), [(2, 0, Edge(When::Taken(5))), (2, 1, Call)]);
    // Of the two calls one is the last.
    assert_eq!(found(&[block(&[CALL, CALL], End::Ret)]), [(0, 0, Call)]);
    assert_eq!(found(&[block(&[CALL, COPY, LOAD], End::Ret)]), []);
    assert_eq!(
        found(&[block(&[CALL, TEST, NOP], End::Ret)]),
        [(0, 0, Edge(When::Always))]
    );
}

#[test]
fn a_call_may_end_where_it_begins() {
    let straight = [block(&[ADD], End::Ret)];
    assert_eq!(found(&straight), [(0, 0, Edge(When::Always))]);
    let program = assemble(&straight);
    assert_eq!(program.ways()[0].node, 0);
}

#[test]
fn a_site_in_a_loop_keeps_the_ret() {
    let turns = [
        block(&[LOAD], End::Next),
        block(&[CALL], End::Branch(4, 1)),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(found(&turns), []);
    let behind = [
        block(&[LOAD], End::Next),
        block(&[CALL], End::Branch(4, 1)),
        block(&[LOAD], End::Branch(4, 4)),
        block(&[CALL], End::Ret),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(edges(&behind), [(4, 2, Edge(When::Taken(4)))]);
}

#[test]
fn code_that_never_runs_is_no_way() {
    let dead = [
        block(&[LOAD], End::Branch(5, 2)),
        block(&[CALL], End::Undefined),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(found(&dead), [(2, 0, Edge(When::Taken(5)))]);
    let unreached = [
        block(&[LOAD], End::Jump(2)),
        block(&[LOAD], End::Next),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(found(&unreached), [(2, 0, Edge(When::Always))]);
    // But the runtime may go on at a call that nothing leads to.
    let recovered = [
        block(&[LOAD], End::Jump(2)),
        block(&[CALL], End::Next),
        block(&[ADD], End::Ret),
    ];
    assert_eq!(
        found(&recovered),
        [(2, 0, Edge(When::Always)), (2, 1, Call)]
    );
}

#[test]
fn pointers_that_are_not_nil_do_not_fault() {
    let body = |first: &'static [&'static [u8]], second: &'static [&'static [u8]]| {
        edges(&[
            block(first, End::Branch(4, 2)),
            block(&[CALL], End::Ret),
            block(second, End::Ret),
        ])
    };
    let edge = [(2, 0, Edge(When::Taken(4)))];
    assert_eq!(body(&[LOAD], &[STORE]), edge);
    assert_eq!(body(&[ADD], &[STORE]), []);
    assert_eq!(body(&[LOAD, COPY], &[STORE]), []);
    assert_eq!(body(&[LOAD, CALL], &[STORE]), []);
    // `je` behind `test rcx,rcx` leads to where the pointer is nil, `jne` to where it is not.
    assert_eq!(body(&[TEST], &[STORE]), []);
    let compared = [
        block(&[TEST], End::Branch(5, 2)),
        block(&[CALL], End::Ret),
        block(&[STORE], End::Ret),
    ];
    assert_eq!(edges(&compared), [(2, 0, Edge(When::Taken(5)))]);
    // Both ways lead there.
    let next = [block(&[TEST], End::Branch(4, 1)), block(&[STORE], End::Ret)];
    assert_eq!(edges(&next), []);
}

#[test]
fn pointers_lie_in_the_frame_meanwhile() {
    let body = |first: &'static [&'static [u8]], second: &'static [&'static [u8]]| {
        edges(&[
            block(first, End::Branch(4, 2)),
            block(&[CALL], End::Ret),
            block(second, End::Ret),
        ])
    };
    let edge = [(2, 0, Edge(When::Taken(4)))];
    assert_eq!(body(&[LOAD, SPILL, CALL], &[RELOAD, STORE]), edge);
    // What is found out of a register holds of the slot with the same value.
    assert_eq!(body(&[SPILL, LOAD, CALL], &[RELOAD, STORE]), edge);
    assert_eq!(body(&[RELOAD, LOAD, CALL], &[RELOAD, STORE]), edge);
    assert_eq!(body(&[SPILL, CALL], &[RELOAD, STORE]), []);
    assert_eq!(body(&[LOAD, SPILL, CALL, SPILL], &[RELOAD, STORE]), []);
    assert_eq!(body(&[SPILL, COPY, LOAD, CALL], &[RELOAD, STORE]), []);
    // Others may write to the slot, or the runtime go on behind a call with what was in it later.
    assert_eq!(body(&[TAKE, LOAD, SPILL, CALL], &[RELOAD, STORE]), []);
    assert_eq!(body(&[LOAD, SPILL, DEFERS], &[RELOAD, STORE]), []);
}

#[test]
fn an_entry_moves_through_straight_code() {
    let moved = |blocks: &[Block]| {
        let program = assemble_with(false, blocks);
        let node = program.search(|search| search.cheaper_entry())?;
        Some(program.instructions[node].ip() - START)
    };
    let branch =
        |body: &[&'static [u8]]| [block(body, End::Branch(4, 1)), block(&[LOAD], End::Ret)];
    assert_eq!(moved(&branch(&[ADD, TEST])), Some(7));
    assert_eq!(moved(&branch(&[SLOT, ADD])), Some(9));
    assert_eq!(moved(&branch(&[ADD, NOP])), Some(4));
    for body in [
        LOAD,
        CALL,
        CALL_RDX,
        DIV,
        SYSCALL,
        &[0x49, 0x89, 0xc6],
        &[0x5d],
        &[0x50],
    ] {
        assert_eq!(moved(&branch(&[body])), None, "{body:x?}");
        // A `push` may be the site, as long as nothing was pushed before.
        let behind = moved(&branch(&[ADD, body]));
        assert_eq!(behind, (body == [0x50]).then_some(4), "{body:x?}");
    }
    assert_eq!(moved(&[block(&[ADD, SLOT], End::Ret)]), Some(9));
    // A loop begins there.
    let turns = [
        block(&[ADD], End::Next),
        block(&[ADD], End::Branch(4, 1)),
        block(&[], End::Ret),
    ];
    assert_eq!(moved(&turns), None);
    let turns = [
        block(&[ADD], End::Next),
        block(&[], End::Branch(4, 1)),
        block(&[], End::Ret),
    ];
    assert_eq!(moved(&turns), None);
}

/// Follows one execution: which ways were passed, and the `ret` reached, if any.
fn run(
    program: &Program,
    ways: &[Way],
    entry: Option<usize>,
    mut choices: impl FnMut() -> bool,
) -> Option<u64> {
    let at: HashMap<u64, usize> = (0..)
        .zip(&program.instructions)
        .map(|(n, i)| (i.ip(), n))
        .collect();
    let has = |bytes: &[u8]| {
        program
            .instructions
            .iter()
            .any(|i| program.bytes(i) == bytes)
    };
    let (taken, defers) = (has(TAKE), has(DEFERS));
    let (mut node, mut passed): (usize, Vec<u64>) = (0, Vec::new());
    let mut entered = 0;
    // Are RAX, RCX and the two words of the frame null, and do the flags still tell?
    let (mut rax_null, mut rcx_null, mut tested) = (choices(), choices(), false);
    let (word_null, mut slot_null) = (choices(), choices());
    for _ in 0..400 {
        let instruction = &program.instructions[node];
        let bytes = program.bytes(instruction);
        entered += usize::from(Some(node) == entry);
        if instruction.code() == Code::Retnq {
            let ret = instruction.ip();
            let served = ways.iter().any(|way| way.ret == ret);
            assert_eq!(passed, if served { vec![ret] } else { vec![] });
            assert!(entry.is_none() || entered == 1, "entered {entered} times");
            return Some(ret);
        }
        let branches = instruction.flow_control() == FlowControl::ConditionalBranch;
        let jumps = branches
            && match (instruction.condition_code(), tested) {
                (ConditionCode::e, true) => rcx_null,
                (ConditionCode::ne, true) => !rcx_null,
                _ => choices(),
            };
        tested = bytes == TEST;
        let mut calls = None;
        for way in ways.iter().filter(|way| way.node == node) {
            let leaves = match way.kind {
                Edge(When::Always) => true,
                Edge(When::Taken(condition) | When::NotTaken(condition)) => {
                    assert_eq!(condition, bytes[1] & 15);
                    jumps == matches!(way.kind, Edge(When::Taken(_)))
                }
                Call => {
                    calls = Some(way.ret);
                    false
                }
            };
            if leaves {
                passed.push(way.ret);
            }
        }
        let mut panics = false;
        match bytes {
            [0xe8, ..] => {
                assert_eq!(passed, [], "a call after the exit");
                (rax_null, rcx_null) = (choices(), choices());
                if taken {
                    slot_null = choices();
                }
                panics = choices() && choices();
                if !panics {
                    passed.extend(calls);
                }
            }
            [0x0f, 0x0b] => panics = true,
            _ if bytes == COPY => rcx_null = rax_null,
            _ if bytes == SLOT => rax_null = word_null,
            _ if bytes == DATA => rax_null = choices(),
            _ if bytes == SPILL => slot_null = rcx_null,
            _ if bytes == RELOAD => rcx_null = slot_null,
            _ if bytes == LOAD || bytes == STORE => panics = rcx_null,
            _ => {}
        }
        assert!(
            entry.is_none() || entered > 0 || !panics,
            "before the entry"
        );
        if panics {
            assert_eq!(passed, [], "a fault after the exit");
            if !defers || choices() {
                return None;
            }
            // Somebody recovers, and the runtime lets the function go on at the call that runs what is deferred.
            let calls = program.instructions.iter();
            let node_of = |i: &Decoded| program.bytes(i) == DEFERS;
            node = calls.clone().position(node_of).expect("such a call");
            (rax_null, rcx_null) = (choices(), choices());
            continue;
        }
        node = if jumps || instruction.flow_control() == FlowControl::UnconditionalBranch {
            at[&instruction.near_branch_target()]
        } else {
            node + 1
        };
    }
    assert_eq!(passed, [], "an exit in a loop");
    assert!(entry.is_none() || entered == 1, "entered {entered} times");
    None
}

fn any_block(count: usize) -> impl Strategy<Value = Block> {
    let instruction = prop::sample::select(vec![
        NOP, ADD, SLOT, DATA, LOAD, STORE, STORE, COPY, TEST, CALL, SPILL, SPILL, RELOAD, RELOAD,
        TAKE, DEFERS,
    ]);
    let end = prop_oneof![
        3 => Just(End::Ret),
        2 => (0..count).prop_map(End::Jump),
        6 => (0..16u8, 0..count).prop_map(|(condition, to)| End::Branch(condition, to)),
        2 => Just(End::Next),
        1 => Just(End::Undefined),
    ];
    (prop::collection::vec(instruction, 0..4), end)
}

fn any_program() -> impl Strategy<Value = Vec<Block>> {
    (2..9usize).prop_flat_map(|count| {
        let blocks = prop::collection::vec(any_block(count), count - 1);
        blocks.prop_map(|mut blocks| {
            blocks.push((vec![ADD], End::Ret));
            blocks
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_execution_passes_one_way_out(
        blocks in any_program(),
        choices in prop::collection::vec(prop::collection::vec(any::<bool>(), 64), 24),
    ) {
        let program = assemble(&blocks);
        let ways = program.ways();
        for choices in &choices {
            let mut choices = choices.iter().copied().cycle();
            run(&program, &ways, None, || choices.next().unwrap_or_default());
        }
    }

    #[test]
    fn every_execution_passes_a_moved_entry_first(
        (first, _) in any_block(1),
        blocks in any_program(),
        choices in prop::collection::vec(prop::collection::vec(any::<bool>(), 64), 24),
    ) {
        // Functions that begin with the head of a loop are not probed: nothing jumps to the first block.
        let later = blocks.into_iter().map(|(body, end)| match end {
            End::Jump(to) => (body, End::Jump(to + 1)),
            End::Branch(condition, to) => (body, End::Branch(condition, to + 1)),
            _ => (body, end),
        });
        let first = [ADD].into_iter().chain(first).collect();
        let blocks: Vec<_> = [(first, End::Next)].into_iter().chain(later).collect();
        let program = assemble_with(false, &blocks);
        let entry = program.search(|search| search.cheaper_entry());
        let mut ways = program.ways();
        // Where the entry is the `ret`, that is the exit too.
        ways.retain(|way| entry.is_none_or(|node| program.instructions[node].ip() != way.ret));
        for choices in &choices {
            let mut choices = choices.iter().copied().cycle();
            run(&program, &ways, entry, || choices.next().unwrap_or_default());
        }
    }
}
