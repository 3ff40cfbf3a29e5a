//! What is said of a function's sites: where they are, what stands there, or why there are none.

/// Where a function is entered and left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sites {
    /// Hit once by each call.
    pub entry: EntrySite,
    /// One of them is hit when a call returns normally, by ascending address. A function that leaves through its first instruction
    /// has its entry site among them: one probe has to stand for both.
    pub exits: Vec<ExitSite>,
    /// There is no way out but a panic, [`runtime.Goexit`](https://pkg.go.dev/runtime#Goexit) or the end of the process.
    pub never_returns: bool,
    /// R14, which holds g in Go code, is used for something else in between.
    pub writes_r14: bool,
}

/// Where a call is seen to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntrySite {
    /// Link-time address.
    pub address: u64,
    /// What stands there.
    pub kind: EntryKind,
    /// The instruction.
    pub instruction: Instruction,
    /// R14 does not hold g here: take it from its thread-local word, [`Executable::tls_slot`](crate::Executable::tls_slot).
    pub g_from_tls: bool,
}

/// What stands at an entry site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The first instruction after the stack check.
    AfterCheck,
    /// The check's last jump, `jbe`: the call begins where it is not taken, which is when CF and ZF are clear.
    Jbe,
    /// The function's first instruction: there is no check.
    First,
    /// The function's first instruction, which is its `ret`: the call ends here too.
    FirstIsRet,
    /// An instruction to which straight code leads from the function's first: each call passes it once, before anything else can be
    /// seen of it. Registers that held arguments may be overwritten.
    Later,
}

/// Where a call is seen to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitSite {
    /// Link-time address.
    pub address: u64,
    /// What stands there.
    pub kind: ExitKind,
    /// The instruction.
    pub instruction: Instruction,
    /// R14 may not hold g here: take it from its thread-local word, [`Executable::tls_slot`](crate::Executable::tls_slot).
    pub g_from_tls: bool,
}

/// What stands at an exit site. The return address is on top of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitKind {
    /// `ret`.
    Ret,
    /// A jump to another function, which returns in this one's stead.
    TailJump {
        /// Where to; `None` where a register or memory holds it.
        target: Option<u64>,
    },
}

/// An instruction at a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// Its bytes, padded with zeros.
    pub bytes: [u8; 16],
    /// How many bytes it has.
    pub len: u8,
    /// The kernel emulates it instead of single-stepping it.
    pub emulated: bool,
}

/// Why a function cannot be probed. Displayed as a clause: "its code is not in the file".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unprobeable {
    /// No bytes.
    #[error("its code is not in the file")]
    Empty,
    /// Data under a function's name.
    #[error("it is data, not code")]
    NotCode,
    /// C code, or the stubs between it and Go.
    #[error("it is not Go code")]
    NotGo,
    /// An address at which there is no instruction, or into the middle of one.
    #[error("it cannot be disassembled at {address:#x}")]
    Undecodable {
        /// Link-time address.
        address: u64,
    },
    /// A site that the kernel does not accept.
    #[error("the kernel refuses probes on {what}, which stands at {address:#x}")]
    RefusedByKernel {
        /// Link-time address.
        address: u64,
        /// The instruction.
        what: &'static str,
    },
    /// Code that the FIPS self-check sums up.
    #[error("a probe would fail the FIPS 140 self-check")]
    Fips,
    /// The runtime, or what signal handlers and stacks without a goroutine run.
    #[error("runtime internals cannot be probed safely")]
    DeniedRuntime,
    /// `runtime.duffzero` and `duffcopy`.
    #[error("it is entered in its middle")]
    EnteredMidBody,
    /// A loop begins at the only place where calls could be seen to begin.
    #[error("its first instruction is the head of a loop")]
    EntryInLoop,
    /// A conditional jump to another function.
    #[error("it leaves by a conditional jump at {address:#x}")]
    ConditionalExit {
        /// Link-time address.
        address: u64,
    },
    /// An exit at which the return address is not on top of the stack, or not known to be.
    #[error("its stack at the exit {address:#x} is unusual")]
    ExitStack {
        /// Link-time address.
        address: u64,
    },
    /// A return of another kind than `ret`.
    #[error("it leaves by an unusual instruction at {address:#x}")]
    UnusualExit {
        /// Link-time address.
        address: u64,
    },
    /// A computed jump of which it is not clear whether it leaves the function.
    #[error("where its jump at {address:#x} leads is not known")]
    UnknownJump {
        /// Link-time address.
        address: u64,
    },
    /// Execution goes on into the next function.
    #[error("it runs on into the function after it")]
    FallsThrough,
    /// Larger than anything a compiler makes.
    #[error("it is too large to be disassembled")]
    TooLarge,
}
