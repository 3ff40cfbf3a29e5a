//! In which direction of a jump a site counts.

/// Which hits of a site leave the function. A condition is the low nibble of the conditional jump's opcode: 4 for `je`, 13 for `jge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Every one.
    Always,
    /// Those that jump: the condition holds.
    Taken(u8),
    /// Those that do not jump: the condition does not hold.
    NotTaken(u8),
}
