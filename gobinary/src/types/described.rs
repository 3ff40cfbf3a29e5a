//! What the runtime itself says of a type, in the executable's data: of types that DWARF does not have too.

use super::Types;

/// The runtime's description of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// As `%T` writes it.
    pub name: String,
    /// Size of its values in bytes.
    pub size: u64,
    /// An interface holds its values themselves, and not the addresses of copies of them.
    pub direct: bool,
    /// It is a struct or an array.
    pub composed: bool,
}

/// Where `internal/abi.Type` (`runtime._type` before Go 1.21) has what is read of it: the same in every version from 1.19 on.
const FLAGS: usize = 20;
const KIND: usize = 23;
const NAME: usize = 40;
const SIZE: usize = 48;

/// `TFlagExtraStar`: the name has one `*` too many.
const EXTRA_STAR: u8 = 1 << 1;
/// `KindDirectIface` in the kind until Go 1.25, `TFlagDirectIface` in the flags from 1.26 on. Neither bit had a meaning in the other place.
const DIRECT: u8 = 1 << 5;

/// Bits of the kind, and those of arrays and structs (`internal/abi.Kind`).
const KINDS: u8 = (1 << 5) - 1;
const ARRAY: u8 = 17;
const STRUCT: u8 = 25;

/// Longest name that is read, in bytes.
const LONGEST: usize = 1 << 16;

impl Types<'_> {
    /// What the runtime says of the type that it describes at a link-time address.
    #[must_use]
    pub fn described(&self, address: u64) -> Option<Described> {
        let head = self.executable.image.bytes(address, SIZE)?;
        let size = u64::from_le_bytes(*head.first_chunk()?);
        let (flags, kind) = (*head.get(FLAGS)?, *head.get(KIND)?);
        let name = u32::from_le_bytes(*head.get(NAME..)?.first_chunk()?);
        let name = self.name_at(name.into())?;
        let name = match name.strip_prefix('*') {
            Some(rest) if flags & EXTRA_STAR != 0 => rest,
            _ => name,
        };
        Some(Described {
            name: name.to_owned(),
            size,
            direct: (flags | kind) & DIRECT != 0,
            composed: matches!(kind & KINDS, ARRAY | STRUCT),
        })
    }

    /// A name (`internal/abi.Name`): a byte of flags, its length as a varint, and its bytes.
    fn name_at(&self, offset: u64) -> Option<&str> {
        let base = self.runtime_types().base?;
        let bytes = self
            .executable
            .image
            .bytes_from(base.checked_add(offset)?)?;
        let mut rest = gimli::EndianSlice::new(bytes.get(1..)?, gimli::LittleEndian);
        let length = gimli::leb128::read::unsigned(&mut rest).ok()?;
        let length = usize::try_from(length).ok()?;
        if length == 0 || length > LONGEST {
            return None;
        }
        str::from_utf8(rest.slice().get(..length)?).ok()
    }
}
