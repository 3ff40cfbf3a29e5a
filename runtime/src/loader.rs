//! From the embedded object to loaded programs: what aya's own loader does, plus what it cannot do yet.
//!
//! aya 0.14 neither sets `expected_attach_type` (without which no multi link exists) nor loads one program several times over shared
//! maps with a `.rodata` of its own each. This module does both over aya-obj's public API: parse, patch, CO-RE, maps, relocate, load.

#![allow(unsafe_code)]

pub(crate) mod by_hand;

use std::{
    collections::{HashMap, HashSet},
    ffi::CStr,
    fs, io,
    ops::Range,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::{LazyLock, OnceLock},
};

use aya::maps::MapData;
use aya_obj::{
    EbpfSectionKind, Map, Object,
    btf::{Btf, BtfKind},
    generated::{BPF_DW, BPF_IMM, BPF_LD, bpf_attach_type, bpf_attr, bpf_insn, bpf_prog_type},
};
use compiler::{Source, plan::TraceCode};
use ebpf_templates::Config;
use zerocopy::IntoBytes;

use crate::{
    Error, rooms,
    splice::{self, Line},
    sys,
};

/// Sizes of the maps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MapSizes {
    /// Entries of `goroutines`.
    pub goroutines: u32,
    /// Entries of `deep_frames`.
    pub deep_frames: u32,
    /// Entries of `stacks`.
    pub stacks: u32,
    /// Bytes of the ring buffer, a power of two.
    pub ring_bytes: u32,
    /// Entries of `hits`.
    pub hits: u32,
    /// Entries of `last_calls`.
    pub last_calls: u32,
    /// Entries of `steps`, `entries` and `starts`.
    pub steps: u32,
    /// Entries of `values`.
    pub values: u32,
    /// Entries of `aggregates`.
    pub aggregates: u32,
}

/// What makes one instance of the probe program.
#[derive(Clone, Copy)]
pub(crate) struct Instance<'a> {
    pub config: &'a Config,
    pub code: &'a TraceCode,
    /// The program text that the code was made from.
    pub source: &'a Source,
}

impl<'a> Instance<'a> {
    /// Without generated code.
    pub(crate) fn plain(config: &'a Config) -> Self {
        static NONE: LazyLock<(TraceCode, Source)> = LazyLock::new(Default::default);
        Self {
            config,
            code: &NONE.0,
            source: &NONE.1,
        }
    }
}

/// How programs are loaded, by what the kernel takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// For multi links.
    pub multi: bool,
    /// They may wait for memory; their configuration has to say so too.
    pub sleepable: bool,
}

/// Bit of `prog_flags` (include/uapi/linux/bpf.h).
const BPF_F_SLEEPABLE: u32 = 1 << 4;
/// Bit of `map_flags` (the same).
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// One program for each configuration, and the maps that they share.
pub(crate) struct Loaded {
    pub maps: HashMap<String, MapData>,
    pub programs: Vec<OwnedFd>,
}

/// Loads the probe program once for each of `instances`, over the maps that are there and others that are created.
pub(crate) fn load<'a>(
    instances: impl ExactSizeIterator<Item = Instance<'a>>,
    mut maps: HashMap<String, MapData>,
    sizes: MapSizes,
    kind: Kind,
) -> Result<Loaded, Error> {
    let mut programs = Vec::with_capacity(instances.len());
    let mut plain_btf = None;
    for instance in instances {
        let mut prepared = prepare(instance)?;
        // Programs without code of their own share their types.
        let own_btf;
        let btf: &OwnedFd = if prepared.lines.is_empty() {
            match &plain_btf {
                Some(fd) => fd,
                None => plain_btf.insert(sys::load_btf(&prepared.btf).map_err(object_error)?),
            }
        } else {
            own_btf = sys::load_btf(&prepared.btf).map_err(object_error)?;
            &own_btf
        };
        create_maps(&mut prepared.object, sizes, btf, &mut maps)?;
        let rodata = create_rodata(&prepared.object, btf)?;
        let fd = |name: &str| maps.get(name).map(|map| map.fd().as_fd());
        programs.push(load_program(instance, prepared, fd, &rodata, btf, kind)?);
    }
    Ok(Loaded { maps, programs })
}

/// Loads the probe program once more, over maps that are there.
pub(crate) fn load_beside(
    instance: Instance<'_>,
    maps: &HashMap<String, OwnedFd>,
    kind: Kind,
) -> Result<OwnedFd, Error> {
    let prepared = prepare(instance)?;
    let btf = sys::load_btf(&prepared.btf).map_err(object_error)?;
    let rodata = create_rodata(&prepared.object, &btf)?;
    let fd = |name: &str| maps.get(name).map(AsFd::as_fd);
    load_program(instance, prepared, fd, &rodata, &btf, kind)
}

/// Loads the programs that note when processes end, and names the tracepoint of each.
pub(crate) fn load_lifetime() -> Result<(Loaded, Vec<&'static CStr>), Error> {
    let mut object = Object::parse(ebpf_templates::lifetime()).map_err(object_error)?;
    let btf = sys::load_btf(&fit(&mut object)?).map_err(object_error)?;
    let mut maps = HashMap::new();
    create_maps(&mut object, MapSizes::default(), &btf, &mut maps)?;
    let definitions = std::mem::take(&mut object.maps);
    let known = definitions.iter().filter_map(|(name, definition)| {
        let map = maps.get(name)?;
        Some((name.as_str(), map.fd().as_fd().as_raw_fd(), definition))
    });
    object
        .relocate_maps(known, &HashSet::new())
        .map_err(object_error)?;
    let (mut programs, mut tracepoints) = (Vec::new(), Vec::new());
    for (name, tracepoint) in ebpf_templates::LIFETIME_PROGRAMS {
        let mut attr = sys::zeroed();
        // SAFETY: BPF_PROG_LOAD uses this member of the union.
        let fields = unsafe { &mut attr.__bindgen_anon_3 };
        fields.prog_type = bpf_prog_type::BPF_PROG_TYPE_RAW_TRACEPOINT as u32;
        programs.push(load_function(&object, name, attr)?);
        tracepoints.push(tracepoint);
    }
    Ok((Loaded { maps, programs }, tracepoints))
}

/// Loads the program that tells of every process's mappings.
pub(crate) fn load_mapped() -> Result<OwnedFd, Error> {
    let mut object = Object::parse(ebpf_templates::mapped()).map_err(object_error)?;
    fit(&mut object)?;
    let mut attr = sys::zeroed();
    // SAFETY: BPF_PROG_LOAD uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_3 };
    fields.prog_type = bpf_prog_type::BPF_PROG_TYPE_TRACING as u32;
    fields.expected_attach_type = bpf_attach_type::BPF_TRACE_ITER as u32;
    fields.attach_btf_id = kernel_btf()?
        .id_by_type_name_kind(ebpf_templates::MAPPED_ITERATOR, BtfKind::Func)
        .map_err(object_error)?;
    load_function(&object, ebpf_templates::MAPPED_PROGRAM, attr)
}

/// Loads one program of an object as it is.
fn load_function(object: &Object, name: &str, attr: bpf_attr) -> Result<OwnedFd, Error> {
    let program = object.programs.get(name);
    let function = program.and_then(|program| object.functions.get(&program.function_key()));
    let function = function.ok_or_else(|| object_error(format!("it holds no {name}")))?;
    load_instructions(&function.instructions, attr).map_err(|error| {
        let log = String::new();
        let span = None;
        Error::Verifier { error, log, span }
    })
}

/// The object with its configuration, fitted to this kernel.
struct Prepared {
    object: Object,
    btf: Vec<u8>,
    /// Pieces of the program text that generated code was made for.
    lines: HashMap<(usize, usize), Line>,
}

fn prepare(instance: Instance<'_>) -> Result<Prepared, Error> {
    let mut object = parse()?;
    object
        .patch_map_data(HashMap::from([(
            ebpf_templates::CONFIG,
            (instance.config.as_bytes(), true),
        )]))
        .map_err(object_error)?;
    let lines = object
        .btf
        .as_mut()
        .map(|btf| add_lines(btf, instance))
        .unwrap_or_default();
    let btf = fit(&mut object)?;
    Ok(Prepared { object, btf, lines })
}

/// Fits an object to this kernel, and gives its BTF.
fn fit(object: &mut Object) -> Result<Vec<u8>, Error> {
    let btf = object
        .fixup_and_sanitize_btf(
            aya::features()
                .btf()
                .ok_or_else(|| object_error("the kernel takes no BTF"))?,
        )
        .map_err(object_error)?
        .ok_or_else(|| object_error("it holds no BTF"))?
        .to_bytes();
    if object.has_btf_relocations() {
        object.relocate_btf(kernel_btf()?).map_err(object_error)?;
    }
    Ok(btf)
}

/// Longest piece of program text that the verifier is told.
const LINE_MAX: usize = 120;

/// Puts the pieces of the program text that code was made for into BTF.
fn add_lines(btf: &mut Btf, instance: Instance<'_>) -> HashMap<(usize, usize), Line> {
    let mut lines = HashMap::new();
    let mut file = None;
    let text = instance.source.text.as_str();
    for (_, code) in splice::functions(instance.code) {
        for instruction in &code.instructions {
            let span = &instruction.span;
            let key = (span.start, span.end);
            let (Some(before), Some(piece)) = (text.get(..span.start), text.get(span.clone()))
            else {
                continue;
            };
            if lines.contains_key(&key) || piece.is_empty() {
                continue;
            }
            let file = *file.get_or_insert_with(|| btf.add_string(&instance.source.name));
            let words: Vec<&str> = piece.split_whitespace().collect();
            let shown: String = words.join(" ").chars().take(LINE_MAX).collect();
            let column = before
                .rfind('\n')
                .map_or(before.len(), |end| before.len() - end - 1);
            lines.insert(
                key,
                Line {
                    text: btf.add_string(&shown),
                    file,
                    line: before.matches('\n').count() as u32 + 1,
                    column: column as u32 + 1,
                },
            );
        }
    }
    lines
}

/// Does ahead what loading a program would do first.
pub(crate) fn prepare_kernel_types() -> Result<(), Error> {
    kernel_btf().map(drop)
}

/// The kernel's types. Parsing them takes as long as half the verifier's work, so it is done once.
fn kernel_btf() -> Result<&'static Btf, Error> {
    static BTF: OnceLock<Btf> = OnceLock::new();
    if let Some(known) = BTF.get() {
        return Ok(known);
    }
    let bytes = fs::read("/sys/kernel/btf/vmlinux").map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoBtf(error.to_string()),
        _ => Error::System {
            what: "reading /sys/kernel/btf/vmlinux",
            error,
        },
    })?;
    let btf = Btf::parse(&bytes, Default::default());
    let btf = btf.map_err(|error| Error::NoBtf(error.to_string()))?;
    Ok(BTF.get_or_init(|| btf))
}

/// Of a program that is attached to uprobes.
fn attributes(kind: Kind) -> bpf_attr {
    let mut attr = sys::zeroed();
    // SAFETY: BPF_PROG_LOAD uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_3 };
    fields.prog_type = bpf_prog_type::BPF_PROG_TYPE_KPROBE as u32;
    if kind.multi {
        fields.expected_attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
    }
    if kind.sleepable {
        fields.prog_flags = BPF_F_SLEEPABLE;
    }
    attr
}

fn load_instructions(program: &[bpf_insn], mut attr: bpf_attr) -> io::Result<OwnedFd> {
    // SAFETY: BPF_PROG_LOAD uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_3 };
    fields.insns = program.as_ptr() as u64;
    fields.insn_cnt = program.len() as u32;
    fields.license = c"Dual MIT/GPL".as_ptr() as u64;
    sys::load_program(&attr)
}

fn parse() -> Result<Object, Error> {
    Object::parse(ebpf_templates::object()).map_err(object_error)
}

fn object_error(error: impl ToString) -> Error {
    Error::Object(error.to_string())
}

/// Creates the maps that are not there yet.
fn create_maps(
    object: &mut Object,
    sizes: MapSizes,
    btf: &OwnedFd,
    maps: &mut HashMap<String, MapData>,
) -> Result<(), Error> {
    for (name, definition) in &mut object.maps {
        if maps.contains_key(name) || definition.section_kind() == EbpfSectionKind::Rodata {
            continue;
        }
        let entries = match name.as_str() {
            "goroutines" => Some(sizes.goroutines),
            "deep_frames" => Some(sizes.deep_frames),
            "stacks" => Some(sizes.stacks),
            "events" => Some(sizes.ring_bytes),
            "hits" => Some(sizes.hits),
            "last_calls" => Some(sizes.last_calls),
            "steps" | "entries" | "starts" => Some(sizes.steps),
            "values" => Some(sizes.values),
            "rooms" => Some(rooms::words(sizes.values)),
            "aggregates" => Some(sizes.aggregates),
            _ => None,
        };
        if let Some(entries) = entries {
            definition.set_max_entries(entries);
        }
        let mut definition = definition.clone();
        if name == "traces" || name == "rooms" {
            // User space writes what programs write beside it at the same time, which only a mapping allows.
            definition = Map::new_from_params(
                definition.map_type(),
                definition.key_size(),
                definition.value_size(),
                definition.max_entries(),
                definition.map_flags() | BPF_F_MMAPABLE,
            );
        }
        let map = MapData::create(definition, name, Some(btf.as_fd()))
            .map_err(|e| map_error(name, &e))?;
        maps.insert(name.clone(), map);
    }
    Ok(())
}

/// The map with the configuration, which every program has for itself.
fn create_rodata(object: &Object, btf: &OwnedFd) -> Result<MapData, Error> {
    let (name, definition) = object
        .maps
        .iter()
        .find(|(_, definition)| definition.section_kind() == EbpfSectionKind::Rodata)
        .ok_or_else(|| object_error("it holds no .rodata"))?;
    let map = MapData::create(definition.clone(), name, Some(btf.as_fd()))
        .map_err(|e| map_error(name, &e))?;
    sys::set_single_value(map.fd().as_fd(), definition.data())
        .and_then(|()| sys::freeze(map.fd().as_fd()))
        .map_err(|e| map_error(name, &e))?;
    Ok(map)
}

/// aya keeps the system call's error below its own.
fn map_error(name: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let chain: Vec<_> = std::iter::successors(Some(error), |error| error.source()).collect();
    let said: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let numbers = chain
        .iter()
        .filter_map(|error| error.downcast_ref::<io::Error>()?.raw_os_error());
    Error::Map {
        name: name.to_owned(),
        reason: said.join(": "),
        too_many_files: numbers.into_iter().any(|number| number == libc::EMFILE),
    }
}

/// The map of the tail call that never happens.
const NO_PROGRAMS: &str = "no_programs";

/// Programs that may wait cannot refer to such a map. The verifier sees that the call never happens, and does not ask for it.
fn forget_map(instructions: &mut [bpf_insn], map: RawFd) {
    // include/uapi/linux/bpf.h: BPF_PSEUDO_MAP_FD.
    const MAP: u8 = 1;
    const LOAD: u32 = BPF_LD | BPF_IMM | BPF_DW;
    for insn in instructions {
        if u32::from(insn.code) == LOAD && insn.src_reg() == MAP && insn.imm == map {
            insn.set_src_reg(0);
        }
    }
}

fn load_program<'m>(
    instance: Instance<'_>,
    prepared: Prepared,
    map: impl Fn(&str) -> Option<BorrowedFd<'m>>,
    rodata: &MapData,
    btf: &OwnedFd,
    kind: Kind,
) -> Result<OwnedFd, Error> {
    let Prepared {
        mut object, lines, ..
    } = prepared;
    let text: HashSet<usize> = object
        .functions
        .keys()
        .map(|(section, _)| *section)
        .collect();
    let definitions = std::mem::take(&mut object.maps);
    object
        .relocate_maps(
            definitions.iter().map(|(name, definition)| {
                let fd = map(name).unwrap_or(rodata.fd().as_fd());
                (name.as_str(), fd.as_raw_fd(), definition)
            }),
            &text,
        )
        .map_err(object_error)?;
    object.relocate_calls(&text).map_err(object_error)?;
    object.sanitize_functions(aya::features());

    let (name, program) = object
        .programs
        .iter()
        .find(|(name, _)| *name == ebpf_templates::PROGRAM)
        .ok_or_else(|| object_error("it holds no program"))?;
    let function = object
        .functions
        .get(&program.function_key())
        .ok_or_else(|| object_error("its program has no code"))?;
    let mut instructions = function.instructions.clone();
    if kind.sleepable {
        let never = map(NO_PROGRAMS).ok_or_else(|| object_error("no map for its tail call"))?;
        forget_map(&mut instructions, never.as_raw_fd());
    }
    let mut functions = splice::Functions::new(
        &instructions,
        &function.func_info.func_info,
        &function.line_info.line_info,
    );
    for (stub, code) in splice::functions(instance.code) {
        let waiting = kind.sleepable.then(|| code.clone().sleepable());
        let line = |span: &Range<usize>| lines.get(&(span.start, span.end)).copied();
        functions
            .splice(stub, waiting.as_ref().unwrap_or(code), line)
            .ok_or_else(|| object_error(format!("it has no place for {stub:?}")))?;
    }
    let linked = functions.link();
    let mut attr = attributes(kind);
    // SAFETY: BPF_PROG_LOAD uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_3 };
    for (to, from) in fields.prog_name.iter_mut().zip(name.bytes().take(15)) {
        *to = from as _;
    }
    fields.insns = linked.instructions.as_ptr() as u64;
    fields.insn_cnt = linked.instructions.len() as u32;
    fields.license = program.license.as_ptr() as u64;
    fields.prog_btf_fd = btf.as_raw_fd() as u32;
    if function.func_info_rec_size > 0 {
        fields.func_info = linked.functions.as_ptr() as u64;
        fields.func_info_cnt = linked.functions.len() as u32;
        fields.func_info_rec_size = function.func_info_rec_size as u32;
    }
    if function.line_info_rec_size > 0 {
        fields.line_info = linked.lines.as_ptr() as u64;
        fields.line_info_cnt = linked.lines.len() as u32;
        fields.line_info_rec_size = function.line_info_rec_size as u32;
    }
    // Without a log first: writing one takes most of the verifier's time.
    match sys::load_program(&attr) {
        Ok(fd) => Ok(fd),
        Err(error) => {
            let mut log = vec![0_u8; LOG_BYTES];
            // SAFETY: as above.
            let fields = unsafe { &mut attr.__bindgen_anon_3 };
            fields.log_level = 1;
            fields.log_buf = log.as_mut_ptr() as u64;
            fields.log_size = log.len() as u32;
            if let Ok(fd) = sys::load_program(&attr) {
                return Ok(fd);
            }
            let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
            let log = String::from_utf8_lossy(log.get(..end).unwrap_or_default()).into_owned();
            let lines: Vec<&str> = log.lines().collect();
            // Kernels before 6.4 keep the beginning of a log that is too long, which says nothing of the instruction that was refused.
            let ended = |line: &&str| line.starts_with("processed ");
            let to_its_end = end + 1 < LOG_BYTES || lines.iter().rev().take(3).any(ended);
            let span = last_instruction(&log).filter(|_| to_its_end);
            let span = span.and_then(|index| functions.span(index));
            let log = lines[lines.len().saturating_sub(60)..].join("\n");
            Err(Error::Verifier { error, log, span })
        }
    }
}

/// Room for the verifier's log.
const LOG_BYTES: usize = 16 << 20;

/// The instruction that the verifier has looked at last: `123: (79) r1 = …`.
fn last_instruction(log: &str) -> Option<usize> {
    log.lines().rev().find_map(|line| {
        let (number, rest) = line.split_once(": ")?;
        rest.starts_with('(').then(|| number.parse().ok())?
    })
}
