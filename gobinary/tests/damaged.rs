//! Damaged executables: every answer is an error, a `None` or a wrong value, never a panic or endless work.

mod common;

use std::sync::OnceLock;

use common::{Mode, toolchains};
use gobinary::{Error, Executable, Unprobeable};
use proptest::prelude::*;

/// Asks everything, of some of the functions.
fn ask_everything(bytes: Vec<u8>) -> Result<(), Error> {
    let executable = Executable::parse(bytes)?;
    let functions = executable.functions().len();
    let step = (functions / 60).max(1);
    for function in executable.functions().step_by(step) {
        let _ = (
            function.is_wrapper(),
            function.is_abi_wrapper(),
            function.is_assembly(),
        );
        let _ = (
            executable.origin(&function),
            executable.source_file(&function),
        );
        let found = executable.function_at(function.entry);
        assert!(found.is_none_or(|found| found.entry <= function.entry));
        let _ = executable.position(function.entry);
        let _ = executable.inline_frames(function.end.wrapping_sub(1));
        if let Ok(sites) = executable.sites_unchecked(&function) {
            assert!((function.entry..function.end).contains(&sites.entry.address));
        }
        let _ = executable
            .sites(&function)
            .map_err(|reason: Unprobeable| reason.to_string());
        let _ = executable
            .file_offset(function.entry)
            .and_then(|offset| executable.address(offset));
    }
    if let Ok(types) = executable.types() {
        for function in executable.functions().step_by(step) {
            let Ok(signature) = types.signature(&function) else {
                continue;
            };
            let _ = types.describe(&function, &signature);
            for variable in signature.parameters.iter().chain(&signature.results) {
                let _ = types.locate(variable, function.entry);
                let _ = types.alignment(variable.ty);
            }
        }
        if let Some(id) = types.named("runtime.g") {
            let _ = types.get(id).map(|ty| types.runtime_address(&ty));
            let _ = types.at_runtime_address(0x50_0000);
        }
    }
    let inlined = executable.inlined();
    for name in inlined.names().take(20) {
        assert!(!inlined.places(name).is_empty());
    }
    let _ = executable.build_info().map(|info| info.version());
    let _ = executable.goid_offset().map_err(|error| error.to_string());
    let _ = executable.runtime_point("runtime.goexit1");
    let _ = (
        executable.is_stripped(),
        executable.is_pie(),
        executable.text_range(),
    );
    let _ = executable
        .bytes(u64::MAX, 16)
        .or_else(|| executable.bytes(0, usize::MAX));
    Ok(())
}

/// Some executables, and where the parts begin in them that everything else hangs on.
fn samples() -> &'static [(Vec<u8>, Vec<usize>)] {
    static SAMPLES: OnceLock<Vec<(Vec<u8>, Vec<usize>)>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let modes = [
            Mode::Stripped,
            Mode::ExternalStrippedPie,
            Mode::Default,
            Mode::PlainDwarf,
        ];
        let programs = toolchains()
            .iter()
            .flat_map(|toolchain| modes.map(|mode| toolchain.build(mode)));
        programs
            .map(|program| {
                let bytes = program.bytes();
                let find =
                    |what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
                let executable = &program.executable;
                let word = |at: usize| {
                    bytes[at..at + 8]
                        .try_into()
                        .map(u64::from_le_bytes)
                        .expect("a word")
                };
                let mut places = vec![
                    0,
                    0x40,
                    usize::try_from(word(0x28)).expect("the section headers"),
                ];
                places.extend(find(b"\xff Go buildinf:"));
                for magic in [0xf0, 0xf1] {
                    if let Some(table) = find(&[magic, 0xff, 0xff, 0xff, 0, 0, 1, 8]) {
                        // The header, and the parts whose offsets it gives.
                        places.push(table);
                        // What points to it: the module data, or a relocation.
                        let address = executable.address(table as u64);
                        places.extend(address.and_then(|address| find(&address.to_le_bytes())));
                        places.extend(
                            (4..9)
                                .filter_map(|at| usize::try_from(word(table + at * 8)).ok())
                                .map(|at| table + at),
                        );
                    }
                }
                let text = executable
                    .file_offset(executable.text_range().start)
                    .expect("the code");
                places.push(usize::try_from(text).expect("an offset"));
                places.extend(dwarf(&bytes));
                places.retain(|&place| place < bytes.len());
                (bytes, places)
            })
            .collect()
    })
}

/// Places in what describes types, where it is not compressed.
fn dwarf(bytes: &[u8]) -> Vec<usize> {
    use object::{Object, ObjectSection};
    let file = object::File::parse(bytes).expect("an ELF file");
    let sections = file.sections().filter(|section| {
        let compressed = section.compressed_data().expect("the section");
        compressed.format == object::CompressionFormat::None
            && section.name().is_ok_and(|name| name.starts_with(".debug_"))
    });
    sections
        .filter_map(|section| section.file_range())
        .flat_map(|(start, size)| (0..16).map(move |part| start + size * part / 16))
        .map(|place| usize::try_from(place).expect("an offset"))
        .collect()
}

#[test]
fn what_is_not_a_go_executable_is_refused() {
    assert_eq!(ask_everything(Vec::new()), Err(Error::NotElf));
    assert_eq!(
        ask_everything(b"#!/bin/sh\necho not an executable\n".to_vec()),
        Err(Error::NotElf)
    );
    let own = std::fs::read("/proc/self/exe").expect("this test's own executable");
    assert_eq!(ask_everything(own.clone()), Err(Error::NotGo));
    for (at, byte) in [(4, 1), (5, 2), (18, 183)] {
        let mut other = own.clone();
        other[at] = byte;
        assert_eq!(ask_everything(other), Err(Error::NotX86_64));
    }
    for (bytes, places) in samples() {
        for (magic, error) in [
            (0xffff_fffb_u32, Error::GoTooOld { magic: 0xffff_fffb }),
            (0xffff_ffee, Error::GoTooNew { magic: 0xffff_ffee }),
        ] {
            let Some(&table) = places
                .iter()
                .find(|&&at| bytes[at..].starts_with(&[0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]))
            else {
                continue;
            };
            let mut other = bytes.clone();
            other[table..table + 4].copy_from_slice(&magic.to_le_bytes());
            let found = ask_everything(other);
            // Without a section to name the table, it is not found at all.
            assert!(
                found == Err(error) || found == Err(Error::NotGo),
                "{found:?}"
            );
        }
    }
}

#[test]
fn every_truncation_is_survived() {
    for (bytes, _) in samples() {
        ask_everything(bytes.clone()).expect("the whole executable");
        for part in 1..24 {
            let length = bytes.len() * part / 24;
            // What lies behind the loaded segments may be missing.
            assert!(ask_everything(bytes[..length].to_vec()).is_err() || length > bytes.len() / 3);
        }
        for length in [1, 16, 20, 63, 64, 65, 120, 0x1000] {
            assert!(ask_everything(bytes[..length].to_vec()).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_changed_byte_is_survived(
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..600, any::<u8>(), 1_usize..9), 1..12),
    ) {
        if samples().is_empty() {
            return Ok(());
        }
        let (bytes, places) = &samples()[sample.index(samples().len())];
        let mut bytes = bytes.clone();
        for (place, offset, value, length) in changes {
            let start = (places[place.index(places.len())] + offset).min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes[start..end].fill(value);
        }
        let _ = ask_everything(bytes);
    }

    #[test]
    fn changes_anywhere_are_survived(
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..2000),
    ) {
        if samples().is_empty() {
            return Ok(());
        }
        let (bytes, _) = &samples()[sample.index(samples().len())];
        let mut bytes = bytes.clone();
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        let _ = ask_everything(bytes);
    }
}
