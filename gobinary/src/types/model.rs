//! What a type of Go is, as far as reading a value of it needs.

/// Names a type of one executable: the offset of its entry in `.debug_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub(crate) u64);

impl TypeId {
    /// The offset, as a number that stays the same for one executable.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.0
    }
}

/// A type. Types refer to one another by [`TypeId`], in circles too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// Which it is. DWARF may have several entries for a type, so compare these, and not what led here.
    pub id: TypeId,
    /// In Go's syntax, with full package paths: `time.Duration`, `*net/http.Request`, `[]go.shape.int`, `map[string]main.T`.
    pub name: String,
    /// Of a value, in bytes.
    pub size: u64,
    /// What DWARF has for the address of the runtime's description.
    pub(crate) mark: Option<u64>,
    /// What it is made of.
    pub kind: Kind,
}

/// What a type is made of; of a named type, what its underlying type is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `bool`
    Bool,
    /// `int`, `int8` … `int64`, C's too.
    Int,
    /// `uint`, `uint8` … `uint64`, `uintptr`.
    Uint,
    /// `float32`, `float64`
    Float,
    /// `complex64`, `complex128`: two floats.
    Complex,
    /// Address and length.
    String,
    /// Address, length, capacity.
    Slice {
        /// Of an element.
        element: TypeId,
    },
    /// Elements one after another.
    Array {
        /// Of an element.
        element: TypeId,
        /// How many.
        length: u64,
    },
    /// Fields.
    Struct {
        /// In the order in which they are declared, which is that of their offsets.
        fields: Vec<Field>,
    },
    /// An address, or nil.
    Pointer {
        /// Of what is there.
        target: TypeId,
    },
    /// `unsafe.Pointer`, and addresses of things that DWARF does not describe.
    UnsafePointer,
    /// Two words: of a type (`any`: `internal/abi.Type`; else `internal/abi.ITab`, whose second word is the type), and the value, which
    /// is an address unless the type is itself an address.
    Interface {
        /// Without methods: `any`.
        empty: bool,
    },
    /// An address, or nil.
    Map {
        /// Of keys.
        key: TypeId,
        /// Of values.
        value: TypeId,
        /// Of what is there, as far as DWARF says: `runtime.hmap` before Go 1.24, `internal/runtime/maps.Map` since.
        header: Option<TypeId>,
    },
    /// An address, or nil.
    Chan {
        /// Of an element.
        element: TypeId,
        /// Of what is there, as far as DWARF says: `runtime.hchan`.
        header: Option<TypeId>,
    },
    /// The address of a closure, whose first word is the address of its code; or nil.
    Func,
    /// Something of C, or of a later Go.
    Opaque,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; of an embedded one, that of its type without package and pointer.
    pub name: String,
    /// Bytes from the beginning of the struct.
    pub offset: u64,
    /// Its type.
    pub ty: TypeId,
    /// Are its own fields and methods those of the struct too?
    pub embedded: bool,
}

impl Type {
    /// The name as people read it: without the folders of package paths, `*http.Request`.
    #[must_use]
    pub fn short_name(&self) -> String {
        short_name(&self.name)
    }

    /// The fields of a struct; none of anything else.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct { fields } => fields,
            _ => &[],
        }
    }

    /// Is it the shape that several types share in generic code?
    #[must_use]
    pub fn is_shape(&self) -> bool {
        self.name.contains("go.shape.")
    }
}

/// Package paths without their folders: `map[string]*net/http.Request` as `map[string]*http.Request`.
#[must_use]
pub fn short_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut word = 0;
    let (mut quoted, mut escaped) = (false, false);
    for c in name.chars() {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        match c {
            // A tag of a field may hold anything.
            '/' if !quoted => out.truncate(word),
            '[' | ']' | '(' | ')' | '{' | '}' | '*' | ' ' | ',' | ';' | '"' => {
                out.push(c);
                word = out.len();
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn folders_of_packages_are_left_out() {
        for (long, short) in [
            ("int", "int"),
            ("*net/http.Request", "*http.Request"),
            (
                "map[string][]*example.com/a/b.T[int,c/d.E]",
                "map[string][]*b.T[int,d.E]",
            ),
            (
                "func(net/http.ResponseWriter, *net/http.Request)",
                "func(http.ResponseWriter, *http.Request)",
            ),
            ("<-chan a/b.T", "<-chan b.T"),
            (
                "struct { A int \"json:\\\"a/b\\\"\"; B x/y.Z }",
                "struct { A int \"json:\\\"a/b\\\"\"; B y.Z }",
            ),
        ] {
            assert_eq!(short_name(long), short);
        }
    }
}
