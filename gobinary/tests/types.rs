//! Types and signatures from DWARF, against a program of known signatures.

mod common;
#[path = "types/signatures.rs"]
mod signatures;

use common::{Mode, Program, toolchains};
use gobinary::{Executable, Kind, Signature, Types, TypesError, Where};

const PROGRAM: &str = "tests/programs/values";

fn for_each(modes: &[Mode], test: impl Fn(&Program, &Types<'_>)) {
    for toolchain in toolchains() {
        for &mode in modes {
            let program = toolchain.build_package(PROGRAM, mode);
            let types = program.executable.types().expect("DWARF");
            test(&program, &types);
        }
    }
}

fn signature(program: &Program, types: &Types<'_>, name: &str) -> Signature {
    let function = program.executable.function_named(name);
    let function = function.unwrap_or_else(|| panic!("{}: no {name}", program.label()));
    types
        .signature(&function)
        .unwrap_or_else(|error| panic!("{}: {name}: {error}", program.label()))
}

#[test]
fn generic_code_takes_a_dictionary() {
    for_each(&[Mode::Default, Mode::Unoptimised], |program, types| {
        let executable = &program.executable;
        let mut seen = 0;
        for function in executable.functions() {
            let is = |start: &str| function.name.starts_with(start);
            if function.is_wrapper() || !is("main.(*cache[") && !is("main.sum[") {
                continue;
            }
            let signature = types.signature(&function).expect("a signature");
            // Methods had become functions when the dictionary was added, in Go 1.19.
            let method = is("main.(*cache[");
            let register = if method && program.toolchain.minor >= 20 {
                "RBX"
            } else {
                "RAX"
            };
            let dictionary = signature.dictionary.as_ref().map(ToString::to_string);
            assert_eq!(
                dictionary.as_deref(),
                Some(register),
                "{}: {}",
                program.label(),
                function.name
            );
            let first = &signature.parameters[0];
            let ty = types.get(first.ty).expect("a type");
            assert!(
                ty.is_shape() && first.dictionary_index.is_some(),
                "{}: {}",
                program.label(),
                ty.name
            );
            assert_eq!(signature.method, method);
            assert!(signature.parameters.iter().all(|p| p.place.is_complete()));
            seen += 1;
        }
        // Go 1.19 makes an instance more.
        assert!(matches!(seen, 4 | 5), "{}: {seen}", program.label());
    });
}

/// The dictionary of `sum[int]` resolves the shapes that `sum[go.shape.int]` is described with.
#[test]
fn dictionaries_resolve_shapes() {
    use object::{Object, ObjectSymbol};
    for_each(&[Mode::Default], |program, types| {
        let bytes = program.bytes();
        let file = object::File::parse(&*bytes).expect("an ELF file");
        let mut seen = 0;
        for (argument, slice) in [("int", "[]int"), ("float64", "[]float64")] {
            let dictionary = format!("main..dict.sum[{argument}]");
            let symbol = file
                .symbols()
                .find(|symbol| symbol.name() == Ok(&dictionary))
                .unwrap_or_else(|| panic!("{}: no {dictionary}", program.label()));
            let functions = program.executable.functions();
            for function in functions.filter(|f| f.name.starts_with("main.sum[")) {
                let signature = types.signature(&function).expect("a signature");
                let all = signature.parameter("all").expect("a parameter");
                let shape = types.short_type(all.ty).expect("a type");
                if !shape.contains(&format!("go.shape.{argument}")) {
                    continue;
                }
                for (variable, expected) in [
                    (all, slice),
                    (signature.parameter("start").expect("a parameter"), argument),
                    (signature.result("total").expect("a result"), argument),
                ] {
                    let index = variable.dictionary_index.expect("an index");
                    let word = program.executable.bytes(symbol.address() + index * 8, 8);
                    let address = u64::from_le_bytes(word.expect("a word").try_into().expect("8"));
                    let resolved = types.at_runtime_address(address).expect("a type");
                    let name = types.short_type(resolved).expect("a type");
                    assert_eq!(name, expected, "{}: {}", program.label(), function.name);
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 6, "{}", program.label());
    });
}

#[test]
fn closures_tell_what_they_captured() {
    for_each(&[Mode::Default, Mode::Unoptimised], |program, types| {
        let adder = signature(program, types, "main.adder.func1");
        let count = signature(program, types, "main.count.func1");
        let captured = |signature: &Signature| {
            let mut all: Vec<String> = signature
                .captured
                .iter()
                .map(|variable| {
                    let name = variable.name.as_deref().expect("a name");
                    let sign = if variable.by_reference { "&" } else { "" };
                    let ty = types.short_type(variable.ty).expect("a type");
                    assert!(matches!(variable.place.pieces[0].at, Where::Closure(8..)));
                    format!("{sign}{name} {ty}")
                })
                .collect();
            all.sort();
            all.join(", ")
        };
        assert_eq!(
            captured(&adder),
            "n int, name string, rate float64",
            "{}",
            program.label()
        );
        assert_eq!(
            captured(&count),
            "&last main.point, &n int",
            "{}",
            program.label()
        );
    });
}

#[test]
fn kinds_fields_and_the_runtimes_addresses() {
    for_each(
        &[Mode::Default, Mode::Pie, Mode::External],
        |program, types| {
            let get = |name: &str| {
                let id = types.named(name);
                let id = id.unwrap_or_else(|| panic!("{}: no type {name}", program.label()));
                types.get(id).expect("a type")
            };
            let fields = |name: &str| {
                let ty = get(name);
                let texts = ty.fields().iter().map(|field| {
                    let embedded = if field.embedded { " embedded" } else { "" };
                    let ty = types.short_type(field.ty).expect("a type");
                    format!("{} {ty} @{}{embedded}", field.name, field.offset)
                });
                texts.collect::<Vec<_>>().join("; ")
            };
            assert_eq!(
                fields("main.derived"),
                "base main.base @0 embedded; point *main.point @24 embedded; Tags []string @32; on bool @56"
            );
            assert_eq!(
                fields("main.padded"),
                "a bool @0; b int64 @8; c uint8 @16; d uint16 @18; e string @24"
            );
            assert_eq!(
                fields("main.event"),
                "at time.Time @0; took time.Duration @24"
            );
            let map = get("map[string]int");
            let Kind::Map {
                key,
                value,
                header: Some(header),
            } = map.kind
            else {
                panic!("{:?}", map.kind);
            };
            assert_eq!(types.get(key).expect("string").kind, Kind::String);
            assert_eq!(types.get(value).expect("int").kind, Kind::Int);
            let count = if program.toolchain.minor < 24 {
                "count"
            } else {
                "used"
            };
            let header = types.get(header).expect("the map's header");
            assert_eq!(header.fields()[0].name, count, "{}", program.label());
            assert!(matches!(
                get("chan int").kind,
                Kind::Chan {
                    header: Some(_),
                    ..
                }
            ));
            assert_eq!(get("error").kind, Kind::Interface { empty: false });
            assert_eq!(get("interface {}").kind, Kind::Interface { empty: true });
            assert_eq!(get("unsafe.Pointer").kind, Kind::UnsafePointer);
            assert_eq!(
                (get("time.Duration").kind.clone(), get("time.Duration").size),
                (Kind::Int, 8)
            );
            assert_eq!(get("func(int) string").kind, Kind::Func);
            assert!(matches!(
                get("[2][3]int8").kind,
                Kind::Array { length: 2, .. }
            ));
            assert_eq!(types.alignment(get("main.padded").id), Ok(8));
            assert_eq!(types.alignment(get("[2][3]int8").id), Ok(1));
            // What an interface's type word points to, and back.
            for name in [
                "main.point",
                "main.statusError",
                "int",
                "uintptr",
                "*main.pathError",
                "time.Duration",
            ] {
                let ty = get(name);
                let address = types.runtime_address(&ty);
                let address = address.unwrap_or_else(|| panic!("{}: {name}", program.label()));
                let found = types.at_runtime_address(address).expect("a type");
                assert_eq!(
                    types.get(found).expect("a type").id,
                    ty.id,
                    "{}: {name}",
                    program.label()
                );
                // internal/abi.Type begins with the size.
                let size = program
                    .executable
                    .bytes(address, 8)
                    .expect("the runtime's description");
                assert_eq!(size, ty.size.to_le_bytes(), "{}: {name}", program.label());
                let described = types.described(address).expect("a description");
                let direct = name.starts_with('*') || name == "main.alone";
                assert_eq!(
                    (described.name.as_str(), described.size, described.direct),
                    (name, ty.size, direct),
                    "{}",
                    program.label()
                );
            }
        },
    );
}

#[test]
fn what_cannot_be_told_is_an_error_that_says_why() {
    for toolchain in toolchains() {
        let program = toolchain.build_package(PROGRAM, Mode::Stripped);
        let error = program.executable.types().err();
        assert_eq!(error, Some(TypesError::NoDwarf), "{}", program.label());
        let program = toolchain.build_package(PROGRAM, Mode::Default);
        let types = program.executable.types().expect("DWARF");
        let of = |name: &str| {
            let function = program.executable.function_named(name).expect("a function");
            types.signature(&function).err()
        };
        assert_eq!(of("runtime.memmove"), Some(TypesError::Assembly));
        let wrapper = program.executable.functions().find(|f| f.is_abi_wrapper());
        let wrapper = types.signature(&wrapper.expect("a wrapper"));
        assert_eq!(wrapper.err(), Some(TypesError::AbiWrapper));
    }
}

/// An array whose element is the array itself, and a struct that has itself as a field.
#[test]
fn circles_of_types_end() {
    for toolchain in toolchains() {
        let program = toolchain.build_package(PROGRAM, Mode::PlainDwarf);
        for name in ["[2]int", "main.event"] {
            let types = program.executable.types().expect("DWARF");
            let whole = types
                .get(types.named(name).expect("a type"))
                .expect("a type");
            let part = match &whole.kind {
                Kind::Array { element, .. } => *element,
                kind => {
                    assert!(matches!(kind, Kind::Struct { .. }));
                    whole.fields()[0].ty
                }
            };
            let whole = whole.id;
            let offset = |id: gobinary::TypeId| u32::try_from(id.offset()).expect("an offset");
            let mut bytes = program.bytes();
            let info = section(&bytes, ".debug_info");
            let start = info + offset(whole) as usize;
            // Its entry, and those of its fields.
            let window = start..start + 200;
            let mut turned = 0;
            for at in window {
                if bytes[at..at + 4] == offset(part).to_le_bytes() {
                    bytes[at..at + 4].copy_from_slice(&offset(whole).to_le_bytes());
                    turned += 1;
                }
            }
            assert!(turned > 0, "{}: {name}", program.label());
            let damaged = Executable::parse(bytes).expect("a Go executable");
            let types = damaged.types().expect("DWARF");
            assert_eq!(
                types.alignment(whole),
                Err(TypesError::TooDeep),
                "{}",
                program.label()
            );
            for function in damaged.functions().filter(|f| f.name.starts_with("main.")) {
                if let Ok(signature) = types.signature(&function) {
                    assert!(types.describe(&function, &signature).is_ok());
                }
            }
        }
    }
}

/// Where a section begins in the file.
fn section(bytes: &[u8], name: &str) -> usize {
    use object::{Object, ObjectSection};
    let file = object::File::parse(bytes).expect("an ELF file");
    let section = file.section_by_name(name).expect("the section");
    let (start, _) = section.file_range().expect("a place in the file");
    usize::try_from(start).expect("an offset")
}

/// Enumerations, which only C has, are integers where their size is that of one.
#[test]
fn enumerations_of_strange_sizes_are_no_integers() {
    // An abbreviation without children: tag, name, encoding, size.
    let basic = [0x24, 0, 0x03, 0x08, 0x3e, 0x0b, 0x0b, 0x0b];
    for toolchain in toolchains() {
        let program = toolchain.build_package(PROGRAM, Mode::PlainDwarf);
        let mut bytes = program.bytes();
        let at = bytes.windows(basic.len()).position(|found| found == basic);
        let at = at.unwrap_or_else(|| panic!("{}: basic types", program.label()));
        bytes[at] = 0x04;
        let executable = Executable::parse(bytes).expect("only DWARF has changed");
        let types = executable.types().expect("DWARF");
        let before = program.executable.types().expect("DWARF");
        for (name, kind) in [
            ("float64", Kind::Int),
            ("uint8", Kind::Int),
            ("complex128", Kind::Opaque),
        ] {
            let ty = types.get(before.named(name).expect("it is there"));
            assert_eq!(
                ty.expect("a type").kind,
                kind,
                "{}: {name}",
                program.label()
            );
        }
    }
}
