//! The code that is probed to find out what a probe costs: functions as Go compiles them, in this executable.
//!
//! They stand together so that breakpoints in them copy one page of the child that runs them. One set is probed by an empty program, the
//! other by the real one, since taking probes away takes longer than everything else here.

#![allow(unsafe_code)]

use std::{arch::global_asm, io};

use compiler::plan::Site;
use ebpf_templates::{Cookie, SiteKind, When};

use crate::Error;

global_asm!(
    ".pushsection .text.gofuncgraph_calibrate, \"ax\", @progbits",
    // A call that is entered and left at instructions that the kernel emulates.
    ".macro gofuncgraph_leaves of",
    ".balign 64",
    ".globl gofuncgraph_\\of\\()_emulated, gofuncgraph_\\of\\()_emulated_exit",
    ".hidden gofuncgraph_\\of\\()_emulated, gofuncgraph_\\of\\()_emulated_exit",
    "gofuncgraph_\\of\\()_emulated:",
    "push rbp",
    "mov rbp, rsp",
    "gofuncgraph_\\of\\()_emulated_exit:",
    "jmp 2f",
    "2: pop rbp",
    "ret",
    // One that is entered at an instruction that it single-steps.
    ".balign 16",
    ".globl gofuncgraph_\\of\\()_stepped, gofuncgraph_\\of\\()_stepped_exit",
    ".hidden gofuncgraph_\\of\\()_stepped, gofuncgraph_\\of\\()_stepped_exit",
    "gofuncgraph_\\of\\()_stepped:",
    "mov rax, rsp",
    "gofuncgraph_\\of\\()_stepped_exit:",
    "jmp 2f",
    "2: ret",
    ".endm",
    "gofuncgraph_leaves bare",
    "gofuncgraph_leaves real",
    // One that is left at its ret.
    ".balign 16",
    ".globl gofuncgraph_returning, gofuncgraph_returning_exit",
    ".hidden gofuncgraph_returning, gofuncgraph_returning_exit",
    "gofuncgraph_returning:",
    "push rbp",
    "pop rbp",
    "gofuncgraph_returning_exit:",
    "ret",
    // rbx is called r12 times; r14 is g, as everywhere in Go. In two copies, one of which is a target.
    ".macro gofuncgraph_caller name",
    ".balign 16",
    ".globl gofuncgraph_\\name, gofuncgraph_\\name\\()_exit",
    ".hidden gofuncgraph_\\name, gofuncgraph_\\name\\()_exit",
    "gofuncgraph_\\name:",
    "push rbp",
    "mov rbp, rsp",
    "test r12, r12",
    "je 3f",
    "2: call rbx",
    "dec r12",
    "jnz 2b",
    "3:",
    "gofuncgraph_\\name\\()_exit:",
    "jmp 4f",
    "4: pop rbp",
    "ret",
    ".endm",
    "gofuncgraph_caller outside",
    "gofuncgraph_caller graph",
    // extern "C" fn(caller, leaf, g, calls)
    ".balign 16",
    ".globl gofuncgraph_run",
    ".hidden gofuncgraph_run",
    "gofuncgraph_run:",
    "push rbx",
    "push r12",
    "push r14",
    "mov rbx, rsi",
    "mov r14, rdx",
    "mov r12, rcx",
    "call rdi",
    "pop r14",
    "pop r12",
    "pop rbx",
    "ret",
    ".popsection",
);

/// An address in the code above.
#[repr(C)]
pub(super) struct Place {
    instruction: u8,
}

impl Place {
    fn address(&self) -> u64 {
        std::ptr::from_ref(self) as u64
    }
}

// SAFETY: labels of the code above, which is readable memory for as long as the process lives, and is called only as it says there.
unsafe extern "C" {
    safe static gofuncgraph_bare_emulated: Place;
    safe static gofuncgraph_bare_stepped: Place;
    safe static gofuncgraph_real_emulated: Place;
    safe static gofuncgraph_real_emulated_exit: Place;
    safe static gofuncgraph_real_stepped: Place;
    safe static gofuncgraph_real_stepped_exit: Place;
    safe static gofuncgraph_returning: Place;
    safe static gofuncgraph_returning_exit: Place;
    safe static gofuncgraph_outside: Place;
    safe static gofuncgraph_graph: Place;
    safe static gofuncgraph_graph_exit: Place;
    fn gofuncgraph_run(caller: &Place, leaf: &Place, g: *const u64, calls: u64);
}

/// Which function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// Has a site at its entry, which the empty program handles.
    BareEmulated,
    BareStepped,
    /// Entered and left at emulated instructions.
    Emulated,
    /// Entered at a single-stepped instruction, left at an emulated one.
    Stepped,
    /// Entered at an emulated instruction, left at its `ret`.
    Returning,
}

/// Offset of `goid` in [`G`], in bytes.
pub(super) const GOID_OFFSET: usize = 152;

/// As much of `runtime.g` as the probe program reads: `stack.hi` at 8, and `goid`.
pub(super) struct G([u64; GOID_OFFSET / 8 + 1]);

impl G {
    /// For goroutine 1, whose stack ends well above this function's frame.
    pub(super) fn on_this_stack() -> Self {
        let mut fields = [0; GOID_OFFSET / 8 + 1];
        let here = std::ptr::from_ref(&fields) as u64;
        fields[1] = here + (1 << 20);
        fields[GOID_OFFSET / 8] = 1;
        Self(fields)
    }
}

/// Calls `leaf` so many times, inside a call of the target where `in_graph`.
pub(super) fn run(leaf: Leaf, g: &G, calls: u64, in_graph: bool) {
    let caller = if in_graph {
        &gofuncgraph_graph
    } else {
        &gofuncgraph_outside
    };
    let leaf = match leaf {
        Leaf::BareEmulated => &gofuncgraph_bare_emulated,
        Leaf::BareStepped => &gofuncgraph_bare_stepped,
        Leaf::Emulated => &gofuncgraph_real_emulated,
        Leaf::Stepped => &gofuncgraph_real_stepped,
        Leaf::Returning => &gofuncgraph_returning,
    };
    // SAFETY: both are functions of the code above, which keeps the registers that a C function keeps.
    unsafe { gofuncgraph_run(caller, leaf, g.0.as_ptr(), calls) }
}

/// Where the probes go.
pub(super) struct Sites {
    /// The empty program's: an entry that is emulated, and one that is single-stepped.
    pub bare: Vec<Site>,
    /// The real program's, of the functions in the order of [`FUNCTIONS`].
    pub real: Vec<Site>,
}

/// Function ids in the cookies of [`Sites::real`]: the target, then [`Leaf::Emulated`], [`Leaf::Stepped`] and [`Leaf::Returning`].
pub(super) const FUNCTIONS: u32 = 4;
pub(super) const EMULATED: u32 = 1;
pub(super) const STEPPED: u32 = 2;

impl Sites {
    /// Finds them in the file that this process runs, `/proc/self/exe`.
    pub(super) fn find() -> Result<Self, Error> {
        let text = Text::find(gofuncgraph_graph.address()).map_err(|error| Error::Read {
            path: "/proc/self/maps".into(),
            error,
        })?;
        let site = |place: &Place, function, kind, when, released| {
            let address = place.address();
            let cookie = Cookie {
                function,
                stepped: when == When::CarryOut || function == STEPPED && kind == SiteKind::Enter,
                offset: 0,
                kind,
                target: function == 0,
                g_from_tls: false,
                when,
                released,
            };
            Site {
                address,
                file_offset: address.wrapping_sub(text.start).wrapping_add(text.offset),
                cookie: cookie.pack(),
                bytes: [0; 16],
                len: 0,
                emulated: false,
                passed: 1_000,
            }
        };
        let enter = |place, function| site(place, function, SiteKind::Enter, When::Always, 0);
        let leave = |place, function, when, released| {
            site(place, function, SiteKind::Return, when, released)
        };
        Ok(Self {
            bare: vec![
                enter(&gofuncgraph_bare_emulated, EMULATED),
                enter(&gofuncgraph_bare_stepped, STEPPED),
            ],
            real: vec![
                enter(&gofuncgraph_graph, 0),
                leave(&gofuncgraph_graph_exit, 0, When::Always, 8),
                enter(&gofuncgraph_real_emulated, EMULATED),
                leave(&gofuncgraph_real_emulated_exit, EMULATED, When::Always, 8),
                enter(&gofuncgraph_real_stepped, STEPPED),
                leave(&gofuncgraph_real_stepped_exit, STEPPED, When::Always, 0),
                enter(&gofuncgraph_returning, 3),
                leave(&gofuncgraph_returning_exit, 3, When::CarryOut, 0),
            ],
        })
    }
}

/// The mapping of this executable's code.
struct Text {
    start: u64,
    offset: u64,
}

impl Text {
    /// The mapping that holds `address`, if it is one of the file that `/proc/self/exe` leads to: not where a dynamic loader was
    /// started with this program as its argument.
    fn find(address: u64) -> io::Result<Self> {
        let executable = std::fs::read_link("/proc/self/exe")?;
        let executable = executable.to_string_lossy();
        let maps = std::fs::read_to_string("/proc/self/maps")?;
        maps.lines()
            .find_map(|line| mapping(line, address, &executable))
            .ok_or_else(|| io::Error::other("this executable's code is not mapped from its file"))
    }
}

/// A line of /proc/PID/maps (proc_pid_maps(5)): `start-end mode offset device inode    path`, in hexadecimal.
fn mapping(line: &str, address: u64, executable: &str) -> Option<Text> {
    let mut fields = line.splitn(5, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let (start, end) = (hex(start)?, hex(end)?);
    let offset = hex(fields.nth(1)?)?;
    let path = fields.nth(1)?.split_once(' ')?.1.trim_start();
    ((start..end).contains(&address) && path == executable).then_some(Text { start, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_the_file() {
        let data = std::fs::read("/proc/self/exe").expect("this executable");
        let sites = Sites::find().expect("sites");
        // push rbp; mov rax, rsp; jmp +0; ret
        let instructions: [&[u8]; 4] = [&[0x55], &[0x48, 0x89, 0xe0], &[0xeb, 0], &[0xc3]];
        let found: Vec<usize> = [&sites.bare, &sites.real]
            .into_iter()
            .flatten()
            .map(|site| {
                let bytes = &data[site.file_offset as usize..];
                instructions
                    .iter()
                    .position(|instruction| bytes.starts_with(instruction))
                    .expect("an instruction of ours")
            })
            .collect();
        assert_eq!(found, [0, 1, 0, 2, 0, 2, 1, 2, 0, 3]);
    }

    #[test]
    fn the_code_runs_and_comes_back() {
        let g = G::on_this_stack();
        for leaf in [
            Leaf::BareEmulated,
            Leaf::BareStepped,
            Leaf::Emulated,
            Leaf::Stepped,
            Leaf::Returning,
        ] {
            for calls in [0, 1, 100] {
                run(leaf, &g, calls, false);
                run(leaf, &g, calls, true);
            }
        }
        assert_eq!(g.0[GOID_OFFSET / 8], 1);
    }

    #[test]
    fn mappings_of_other_files_are_not_ours() {
        let line = "55d0c9a00000-55d0c9b00000 r-xp 00012000 08:01 1234                       /a b";
        let found = mapping(line, 0x55d0_c9a0_0010, "/a b").expect("ours");
        assert_eq!((found.start, found.offset), (0x55d0_c9a0_0000, 0x12000));
        assert!(mapping(line, 0x55d0_c9b0_0000, "/a b").is_none());
        assert!(mapping(line, 0x55d0_c9a0_0010, "/a").is_none());
        assert!(mapping("7ffc-7ffd r-xp 0 0:0 0", 0x7ffc, "").is_none());
    }
}
