//! Writes inputs to begin with into `corpus/`: one small example of everything that the targets read.

use std::{fs, io, path::Path};

use gimli::write::{
    Address, AttributeValue, DwarfUnit, EndianVec, Expression, Location, LocationList, Range,
    RangeList, Sections, UnitEntryId,
};
use gimli::{DwAt, Encoding, Format, LittleEndian, Register, SectionId};
use gobinary::Executable;
use harness::{address, join, module_data, pclntab, with_dwarf, with_tables};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    for (number, program) in PROGRAMS.iter().enumerate() {
        write("grammar", &format!("seed{number}"), program.as_bytes())?;
    }
    let table = pclntab(&[("main.main", 0), ("runtime.gopark", 0x20)], 0x40);
    let tables = join(&[&CODE, &table, &module_data(), &READ_ONLY, BUILD]);
    let executable = Executable::parse(with_tables(&tables)).expect("a Go executable");
    let main = executable.function_named("main.main").expect("main.main");
    executable.sites(&main).expect("sites");
    write("pclntab", "seed", &tables)?;
    for version in [4, 5] {
        let seed = dwarf(version);
        let executable = Executable::parse(with_dwarf(&seed)).expect("a Go executable");
        let types = executable.types().expect("DWARF");
        for function in executable.functions() {
            let signature = types.signature(&function).expect("a signature");
            println!("{}", types.describe(&function, &signature).expect("types"));
        }
        write("dwarf", &format!("seed{version}"), &seed)?;
    }
    Ok(())
}

const PROGRAMS: [&str; 6] = [
    "trace main.handleBar < include net/http*; min 100ms >",
    "trace net/http.(*conn).serve, main.Map[...] { depth 3; exclude runtime.*, @std; max 5s; sample 1/100; limit 10 per 1s }",
    "set @db = database/sql/..., :store.go\nparam slow: duration = 250ms\ntrace q: main.* < include @db; prune $slow; pid 1, 2; comm \"s\" >",
    "import \"a.gfg\"\nmacro m(a, b) { min a }\nevery 1s { print \"x\" }\n# comment\ntarget ./server",
    "config { budget 5us; compensate on }\ntrace main.f < m!(1ms, 2); for 30s >",
    "trace main.(*DB).query < where limit > 100 && sql =~ \"SELECT*\" || !ok; args sql, r.URL.Path as path; ret err; hist(dur) by caller >",
];

/// `push %rbp; mov %rsp,%rbp; test %eax,%eax; je +2; nop; nop; pop %rbp; ret`, twice.
const CODE: [u8; 0x40] = {
    let function = [
        0x55, 0x48, 0x89, 0xe5, 0x85, 0xc0, 0x74, 0x02, 0x90, 0x90, 0x5d, 0xc3, 0xcc, 0xcc, 0xcc,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
        0xcc, 0xcc,
    ];
    let mut code = [0; 0x40];
    let mut at = 0;
    while at < code.len() {
        code[at] = function[at % 0x20];
        at += 1;
    }
    code
};

/// An inline tree's entry, and tables of arguments.
const READ_ONLY: [u8; 32] = [
    0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0xfe, 0, 8, 8, 8, 0xfd, 16, 4, 0xfc, 0xff, 0,
    8, 0xff, 0xff, 0xff, 0xff,
];

const BUILD: &[u8] = b"\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06go1.21\x24\x300w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6path\ta\n";

/// Attributes of Go's own: kind, key, element, embedded, runtime type, dictionary index, closure offset.
const GO: [DwAt; 8] = [
    DwAt(0x2900),
    DwAt(0x2901),
    DwAt(0x2902),
    DwAt(0x2903),
    DwAt(0x2904),
    DwAt(0x2905),
    DwAt(0x2906),
    DwAt(0x2907),
];

struct Builder {
    dwarf: DwarfUnit,
}

impl Builder {
    fn entry(&mut self, parent: UnitEntryId, tag: gimli::DwTag, name: &str) -> UnitEntryId {
        let id = self.dwarf.unit.add(parent, tag);
        let name = AttributeValue::String(name.as_bytes().to_vec());
        self.dwarf.unit.get_mut(id).set(gimli::DW_AT_name, name);
        id
    }

    fn set(&mut self, id: UnitEntryId, name: DwAt, value: AttributeValue) {
        self.dwarf.unit.get_mut(id).set(name, value);
    }

    fn ty(&mut self, tag: gimli::DwTag, name: &str, size: u64, kind: u8) -> UnitEntryId {
        let root = self.dwarf.unit.root();
        let id = self.entry(root, tag, name);
        self.set(id, gimli::DW_AT_byte_size, AttributeValue::Udata(size));
        if kind > 0 {
            self.set(id, GO[0], AttributeValue::Data1(kind));
            self.set(id, GO[4], AttributeValue::Udata(u64::from(kind) * 64));
        }
        id
    }

    fn refer(&mut self, id: UnitEntryId, name: DwAt, to: UnitEntryId) {
        self.set(id, name, AttributeValue::UnitRef(to));
    }

    fn variable(
        &mut self,
        function: UnitEntryId,
        name: &str,
        ty: UnitEntryId,
        result: bool,
        place: Option<Expression>,
    ) -> UnitEntryId {
        let id = self.entry(function, gimli::DW_TAG_formal_parameter, name);
        self.refer(id, gimli::DW_AT_type, ty);
        self.set(
            id,
            gimli::DW_AT_variable_parameter,
            AttributeValue::Flag(result),
        );
        if let Some(data) = place {
            let list = LocationList(vec![Location::StartEnd {
                begin: Address::Constant(address(0)),
                end: Address::Constant(address(0) + 0x20),
                data,
            }]);
            let list = self.dwarf.unit.locations.add(list);
            self.set(
                id,
                gimli::DW_AT_location,
                AttributeValue::LocationListRef(list),
            );
        }
        id
    }

    fn function(&mut self, name: &str, start: u64) -> UnitEntryId {
        let root = self.dwarf.unit.root();
        let id = self.entry(root, gimli::DW_TAG_subprogram, name);
        let low = AttributeValue::Address(Address::Constant(address(0) + start));
        self.set(id, gimli::DW_AT_low_pc, low);
        let mut base = Expression::new();
        base.op(gimli::DW_OP_call_frame_cfa);
        self.set(id, gimli::DW_AT_frame_base, AttributeValue::Exprloc(base));
        id
    }
}

fn registers(parts: &[(u16, u32)]) -> Expression {
    let mut expression = Expression::new();
    for &(register, size) in parts {
        expression.op_reg(Register(register));
        if parts.len() > 1 {
            expression.op_piece(size.into());
        }
    }
    expression
}

fn slot(offset: i64) -> Expression {
    let mut expression = Expression::new();
    expression.op_fbreg(offset);
    expression
}

/// One unit with a type of each kind, and functions that take them.
fn dwarf(version: u16) -> Vec<u8> {
    let encoding = Encoding {
        format: Format::Dwarf32,
        version,
        address_size: 8,
    };
    let mut b = Builder {
        dwarf: DwarfUnit::new(encoding),
    };
    let root = b.dwarf.unit.root();
    b.set(
        root,
        gimli::DW_AT_name,
        AttributeValue::String(b"runtime".to_vec()),
    );
    let ranges = RangeList(vec![Range::StartEnd {
        begin: Address::Constant(address(0)),
        end: Address::Constant(address(0) + 0x100),
    }]);
    let ranges = b.dwarf.unit.ranges.add(ranges);
    b.set(
        root,
        gimli::DW_AT_ranges,
        AttributeValue::RangeListRef(ranges),
    );

    let int = b.ty(gimli::DW_TAG_base_type, "int", 8, 2);
    b.set(
        int,
        gimli::DW_AT_encoding,
        AttributeValue::Encoding(gimli::DW_ATE_signed),
    );
    let float = b.ty(gimli::DW_TAG_base_type, "float64", 8, 14);
    b.set(
        float,
        gimli::DW_AT_encoding,
        AttributeValue::Encoding(gimli::DW_ATE_float),
    );
    let string = b.ty(gimli::DW_TAG_structure_type, "string", 16, 24);
    let slice = b.ty(gimli::DW_TAG_structure_type, "[]int", 24, 23);
    b.refer(slice, GO[2], int);
    let array = b.ty(gimli::DW_TAG_array_type, "[2]int", 16, 17);
    b.refer(array, gimli::DW_AT_type, int);
    let range = b.dwarf.unit.add(array, gimli::DW_TAG_subrange_type);
    b.set(range, gimli::DW_AT_count, AttributeValue::Udata(2));
    let structure = b.ty(gimli::DW_TAG_structure_type, "main.T", 16, 25);
    let pointer = b.ty(gimli::DW_TAG_pointer_type, "*main.T", 8, 22);
    b.refer(pointer, gimli::DW_AT_type, structure);
    for (offset, ty) in [(0, int), (8, pointer)] {
        let field = b.entry(structure, gimli::DW_TAG_member, "f");
        b.set(
            field,
            gimli::DW_AT_data_member_location,
            AttributeValue::Udata(offset),
        );
        b.refer(field, gimli::DW_AT_type, ty);
        b.set(field, GO[3], AttributeValue::Flag(offset > 0));
    }
    let map = b.ty(gimli::DW_TAG_typedef, "map[int]int", 8, 21);
    for name in [GO[1], GO[2]] {
        b.refer(map, name, int);
    }
    b.refer(map, gimli::DW_AT_type, pointer);
    let chan = b.ty(gimli::DW_TAG_typedef, "chan int", 8, 18);
    b.refer(chan, GO[2], int);
    let func = b.ty(gimli::DW_TAG_subroutine_type, "func()", 8, 19);
    let interface = b.ty(gimli::DW_TAG_typedef, "error", 16, 20);
    b.refer(interface, gimli::DW_AT_type, structure);
    let name = b.entry(root, gimli::DW_TAG_typedef, "main.T");
    b.refer(name, gimli::DW_AT_type, structure);

    let f = b.function("main.f", 0);
    b.variable(f, "a", int, false, Some(registers(&[(0, 8)])));
    b.variable(f, "s", string, false, Some(registers(&[(3, 8), (2, 8)])));
    b.variable(f, "x", float, false, Some(registers(&[(17, 8)])));
    b.variable(f, "t", name, false, Some(slot(8)));
    b.variable(f, "y", array, false, None);
    b.variable(f, "z", slice, false, None);
    b.variable(f, "~r0", map, true, None);
    b.variable(f, "err", interface, true, None);

    let method = b.function("main.(*T[go.shape.int]).M", 0x40);
    let shape = b.entry(method, gimli::DW_TAG_typedef, ".param0");
    b.refer(shape, gimli::DW_AT_type, pointer);
    b.set(shape, GO[6], AttributeValue::Udata(0));
    b.variable(method, "t", shape, false, None);
    b.variable(method, "c", chan, false, None);
    let closure = b.function("main.f.func1", 0x80);
    let captured = b.entry(closure, gimli::DW_TAG_variable, "&n");
    b.refer(captured, gimli::DW_AT_type, pointer);
    b.set(captured, GO[7], AttributeValue::Udata(8));
    b.variable(closure, "f", func, false, None);

    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    b.dwarf.write(&mut sections).expect("writing DWARF");
    let section = |id: SectionId| {
        let found = sections.get(id);
        found.map_or(Vec::new(), |writer| writer.slice().to_vec())
    };
    let parts = [
        SectionId::DebugAbbrev,
        SectionId::DebugInfo,
        SectionId::DebugLocLists,
        SectionId::DebugLoc,
        SectionId::DebugRngLists,
        SectionId::DebugRanges,
        SectionId::DebugAddr,
        SectionId::DebugStr,
    ]
    .map(section);
    let mut all = vec![&READ_ONLY[..]];
    all.extend(parts.iter().map(Vec::as_slice));
    join(&all)
}
