//! What the probe program is told of each site.

/// What happens at a probe site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SiteKind {
    /// A frame begins; `[rsp]` is the return address.
    Enter = 0,
    /// A `ret`, or an exit edge: an instruction from which straight code leads to one.
    Return = 1,
    /// A jump to a function that is not probed: the frame ends here.
    TailOut = 2,
    /// A jump to a probed function, whose call becomes a child at the same depth.
    TailInto = 3,
    /// The function leaves through its first instruction.
    EnterReturn = 4,
    /// `runtime.deferreturn`'s entry: frames at or below this depth are dead.
    Unwound = 5,
    /// The entry of a function by which the goroutine ends.
    Exit = 6,
    /// The function's first instruction jumps to a probed function.
    EnterTailInto = 7,
    /// As [`SiteKind::Enter`], and another probed function may call this one as its last act ([`crate::LastCall`]).
    EnterLastCall = 8,
    /// A conditional jump at which a frame begins, and ends too if the jump goes as [`Cookie::when`] says.
    EnterReturnIf = 9,
}

impl SiteKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Enter,
        Self::Return,
        Self::TailOut,
        Self::TailInto,
        Self::EnterReturn,
        Self::Unwound,
        Self::Exit,
        Self::EnterTailInto,
        Self::EnterLastCall,
        Self::EnterReturnIf,
    ];
}

/// When the instruction at a site counts: a jump may lead to what the site stands for in one direction only. The numbers are x86
/// condition codes, 0 to 15, as in the low bits of the instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Each time.
    Always,
    /// The condition holds, so the jump is taken.
    Taken(u8),
    /// The condition does not hold, so the jump is not taken.
    NotTaken(u8),
    /// Each time, and where it may write registers the program carries the instruction out itself: a `ret`, or the function's
    /// [`crate::Step`].
    CarryOut,
}

/// What the probe program is told about a site, packed into the 64 bits of an attach cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    /// Index of the function in the plan, below [`Cookie::FUNCTIONS`].
    pub function: u32,
    /// The kernel single-steps the instruction at the site.
    pub stepped: bool,
    /// Bytes from the function's entry to what the site stands for, below [`Cookie::OFFSETS`]: an exit edge stands for its `ret`.
    pub offset: u32,
    /// What happens here.
    pub kind: SiteKind,
    /// The function starts a graph.
    pub target: bool,
    /// R14 does not hold g here: take it from its thread-local word.
    pub g_from_tls: bool,
    /// When it counts.
    pub when: When,
    /// Bytes of stack that are released between the site and the `ret` that it stands for: a multiple of 8, below
    /// [`Cookie::RELEASED`].
    pub released: u32,
}

impl Cookie {
    /// Functions end below this.
    pub const FUNCTIONS: u32 = 1 << 21;
    /// Offsets end below this.
    pub const OFFSETS: u32 = 1 << 20;
    /// Released bytes end below this.
    pub const RELEASED: u32 = 1 << 13;

    /// The 64 bits, laid out as `COOKIE_…` in `layout.h`.
    #[must_use]
    pub fn pack(self) -> u64 {
        debug_assert!(self.function < Self::FUNCTIONS && self.offset < Self::OFFSETS);
        debug_assert!(self.released < Self::RELEASED && self.released.is_multiple_of(8));
        let (when, condition) = match self.when {
            When::Always => (0, 0),
            When::Taken(condition) => (1, condition & 0xf),
            When::NotTaken(condition) => (2, condition & 0xf),
            When::CarryOut => (3, 0),
        };
        u64::from(self.function)
            | u64::from(self.stepped) << 21
            | u64::from(self.offset) << 22
            | (self.kind as u64) << 42
            | u64::from(self.target) << 46
            | u64::from(self.g_from_tls) << 47
            | when << 48
            | u64::from(condition) << 50
            | u64::from(self.released / 8) << 54
    }

    /// The fields of a packed cookie; `None` for bits that [`Cookie::pack`] never gives.
    #[must_use]
    pub fn unpack(bits: u64) -> Option<Self> {
        let field = |shift: u32, bits_wide: u32| (bits >> shift & ((1 << bits_wide) - 1)) as u32;
        let condition = field(50, 4) as u8;
        Some(Self {
            function: field(0, 21),
            stepped: field(21, 1) == 1,
            offset: field(22, 20),
            kind: SiteKind::ALL
                .into_iter()
                .find(|kind| *kind as u32 == field(42, 4))?,
            target: field(46, 1) == 1,
            g_from_tls: field(47, 1) == 1,
            when: match field(48, 2) {
                0 => When::Always,
                1 => When::Taken(condition),
                2 => When::NotTaken(condition),
                _ => When::CarryOut,
            },
            released: field(54, 10) * 8,
        })
    }
}
