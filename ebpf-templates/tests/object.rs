//! The embedded object: it is that of its sources, and leaves generated code its room on the stack.

use std::{collections::BTreeMap, fs, path::Path};

use aya_obj::generated::{
    BPF_ADD, BPF_ALU64, BPF_K, BPF_LDX, BPF_MOV, BPF_REG_10, BPF_ST, BPF_STX, BPF_X, bpf_insn,
};
use ebpf_templates::{STACK_ROOM, object};
use sha2::{Digest, Sha256};

/// `cargo xtask ebpf` notes the hashes of the sources when it compiles them.
#[test]
fn the_object_is_that_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let noted = fs::read_to_string(root.join("prebuilt/SOURCES.sha256")).expect("SOURCES.sha256");
    let mut sources: Vec<_> = fs::read_dir(root.join("bpf"))
        .expect("bpf")
        .map(|e| e.expect("entry").path())
        .collect();
    sources.sort();
    let hashes: String = sources
        .iter()
        .map(|path| {
            let hash: String = Sha256::digest(fs::read(path).expect("a source"))
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            format!(
                "{hash}  {}\n",
                path.file_name().unwrap_or_default().to_string_lossy()
            )
        })
        .collect();
    assert_eq!(
        noted, hashes,
        "the sources have changed: run `cargo xtask ebpf`"
    );
}

/// Bytes of stack that a function uses, by its instructions.
fn frame(instructions: &[bpf_insn]) -> i32 {
    let frame_pointer = BPF_REG_10 as u8;
    let mut copies = [false; 16];
    let mut deepest = 0;
    for instruction in instructions {
        let (to, from) = (instruction.dst_reg(), instruction.src_reg());
        let class = u32::from(instruction.code) & 7;
        let (loads, stores) = (class == BPF_LDX, class == BPF_ST || class == BPF_STX);
        if (loads && from == frame_pointer) || (stores && to == frame_pointer) {
            deepest = deepest.max(-i32::from(instruction.off));
        }
        let code = u32::from(instruction.code);
        let copy = code == BPF_ALU64 | BPF_MOV | BPF_X && from == frame_pointer;
        if code == BPF_ALU64 | BPF_ADD | BPF_K && copies[usize::from(to)] {
            deepest = deepest.max(-instruction.imm);
        }
        if !stores {
            copies[usize::from(to)] = copy;
        }
    }
    deepest
}

/// Kernels before 6.9 take every function's frame for a multiple of 32 bytes, and at least that many (`check_max_stack_depth` in
/// kernel/bpf/verifier.c).
#[test]
fn what_is_generated_has_its_room_on_the_stack_of_older_kernels() {
    let object = aya_obj::Object::parse(object()).expect("the object");
    let rounded = |bytes: i32| usize::try_from(bytes.max(1)).expect("a size").div_ceil(32) * 32;
    let frames: BTreeMap<&str, usize> = (object.functions.values())
        .map(|function| {
            (
                function.name.as_str(),
                rounded(frame(&function.instructions)),
            )
        })
        .collect();
    // Captures may be behind a function that chooses among them.
    let chosen = rounded(0) + STACK_ROOM;
    for (path, generated) in [
        (&["probe", "is_admitted"][..], STACK_ROOM),
        (&["probe", "enter", "start_graph"], STACK_ROOM),
        (&["probe", "enter", "capture_arguments"], chosen),
        (&["probe", "enter", "finish_graph"], STACK_ROOM),
        (&["probe", "leave", "finish_graph"], STACK_ROOM),
        (&["probe", "leave", "returns"], STACK_ROOM),
        (&["probe", "leave", "returns", "capture_results"], chosen),
        (
            &[
                "probe",
                "leave",
                "unwind",
                "unwind_step",
                "close_top",
                "send_calls",
            ],
            0,
        ),
        (
            &[
                "probe",
                "enter",
                "unwind",
                "unwind_step",
                "close_top",
                "send_calls",
            ],
            0,
        ),
        (
            &[
                "probe",
                "leave",
                "unwind",
                "unwind_step",
                "close_top",
                "deep_frame",
            ],
            0,
        ),
    ] {
        let used: usize = path.iter().map(|name| frames[name]).sum();
        assert!(used + generated <= 512, "{path:?}: {used} and {generated}");
    }
    assert!(frames["probe"] > 32, "frames are found");
}
