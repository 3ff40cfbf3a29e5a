//! The system calls that no library here makes for us: `bpf(2)`'s link and program commands, and `perf_event_open(2)` for uprobes.
//!
//! Every call returns the kernel's error as it is; what it means is decided where it is made.

#![allow(unsafe_code)]

use std::{
    ffi::CStr,
    fs::File,
    io::{self, Read},
    mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use aya_obj::generated::{bpf_attach_type, bpf_attr, bpf_cmd, bpf_insn, perf_event_attr};

/// `ENOTSUPP` (include/linux/errno.h): not in libc; the uprobe code returns it for an instruction it does not step.
pub const ENOTSUPP: i32 = 524;

/// `PERF_FLAG_FD_CLOEXEC` (include/uapi/linux/perf_event.h).
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 1 << 3;

/// An attribute block with every field 0.
pub fn zeroed() -> bpf_attr {
    // SAFETY: bpf_attr is a union of C structs of integers, for which all zeroes is a value.
    unsafe { mem::zeroed() }
}

fn bpf(command: bpf_cmd, attr: &bpf_attr) -> io::Result<i64> {
    // SAFETY: the kernel reads `size` bytes of `attr`, which is that large; pointers inside come from borrows that the callers hold.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            std::ptr::from_ref(attr),
            mem::size_of::<bpf_attr>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Reads values of an array from `first` on (`BPF_MAP_LOOKUP_BATCH`; of arrays for each processor since Linux 5.13) and returns how many
/// there were. `values` has room for as many as `keys`.
pub fn lookup_batch(
    map: BorrowedFd<'_>,
    first: Option<u32>,
    keys: &mut [u32],
    values: &mut [u8],
) -> io::Result<usize> {
    // The kernel goes on behind this key.
    let before = first.and_then(|first| first.checked_sub(1));
    let mut last = 0_u32;
    let mut attr = zeroed();
    attr.batch.map_fd = map.as_raw_fd() as u32;
    attr.batch.in_batch = before
        .as_ref()
        .map_or(0, |key| std::ptr::from_ref(key) as u64);
    attr.batch.out_batch = std::ptr::from_mut(&mut last) as u64;
    attr.batch.keys = keys.as_mut_ptr() as u64;
    attr.batch.values = values.as_mut_ptr() as u64;
    attr.batch.count = u32::try_from(keys.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads and writes `attr`, which is as large as it says; pointers inside are to what is borrowed here, and the
    // caller's `values` hold as many values as `keys`.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            bpf_cmd::BPF_MAP_LOOKUP_BATCH as libc::c_long,
            std::ptr::from_mut(&mut attr),
            mem::size_of::<bpf_attr>(),
        )
    };
    let error = (result < 0).then(io::Error::last_os_error);
    // SAFETY: this command uses this member of the union.
    let count = unsafe { attr.batch.count } as usize;
    match error {
        // ENOENT: that was the last of them.
        Some(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
        _ => Ok(count),
    }
}

fn bpf_fd(command: bpf_cmd, attr: &bpf_attr) -> io::Result<OwnedFd> {
    let fd = bpf(command, attr)?;
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the command succeeded and returns a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `BPF_BTF_LOAD`.
pub fn load_btf(btf: &[u8]) -> io::Result<OwnedFd> {
    let mut attr = zeroed();
    // SAFETY: this command uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_7 };
    fields.btf = btf.as_ptr() as u64;
    fields.btf_size = u32::try_from(btf.len()).map_err(io::Error::other)?;
    bpf_fd(bpf_cmd::BPF_BTF_LOAD, &attr)
}

/// `BPF_PROG_LOAD` with prepared attributes.
pub fn load_program(attr: &bpf_attr) -> io::Result<OwnedFd> {
    bpf_fd(bpf_cmd::BPF_PROG_LOAD, attr)
}

/// Runs a program of the type `BPF_PROG_TYPE_SYSCALL` once (Linux 5.14), with a context that it may write to.
pub fn run_program(program: BorrowedFd<'_>, context: &mut [u8]) -> io::Result<()> {
    let mut attr = zeroed();
    attr.test.prog_fd = program.as_raw_fd() as u32;
    attr.test.ctx_in = context.as_mut_ptr() as u64;
    attr.test.ctx_size_in = u32::try_from(context.len()).map_err(io::Error::other)?;
    bpf(bpf_cmd::BPF_PROG_TEST_RUN, &attr).map(drop)
}

/// Has a program run at a tracepoint until the descriptor is dropped.
pub fn open_raw_tracepoint(program: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let mut attr = zeroed();
    attr.raw_tracepoint.name = name.as_ptr() as u64;
    attr.raw_tracepoint.prog_fd = program.as_raw_fd() as u32;
    bpf_fd(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &attr)
}

/// What a program of the attach type `BPF_TRACE_ITER` writes when it is run over everything that it is for (Linux 5.8).
pub fn iterate(program: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut attr = zeroed();
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    attr.link_create.attach_type = bpf_attach_type::BPF_TRACE_ITER as u32;
    let link = bpf_fd(bpf_cmd::BPF_LINK_CREATE, &attr)?;
    let mut attr = zeroed();
    attr.iter_create.link_fd = link.as_raw_fd() as u32;
    let mut iterator = File::from(bpf_fd(bpf_cmd::BPF_ITER_CREATE, &attr)?);
    let mut written = Vec::with_capacity(64 << 10);
    loop {
        match iterator.read_to_end(&mut written) {
            // Nothing was written for a million of them, and there are more (kernel/bpf/bpf_iter.c `bpf_seq_read`).
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result.map(|_| written),
        }
    }
}

/// Writes a map's only value.
pub fn set_single_value(map: BorrowedFd<'_>, value: &[u8]) -> io::Result<()> {
    let key = 0_u32;
    let mut attr = zeroed();
    // SAFETY: this command uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_2 };
    fields.map_fd = map.as_raw_fd() as u32;
    fields.key = std::ptr::from_ref(&key) as u64;
    fields.__bindgen_anon_1.value = value.as_ptr() as u64;
    bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &attr).map(drop)
}

/// `BPF_MAP_FREEZE`.
pub fn freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = zeroed();
    attr.__bindgen_anon_2.map_fd = map.as_raw_fd() as u32;
    bpf(bpf_cmd::BPF_MAP_FREEZE, &attr).map(drop)
}

/// One multi link (Linux 6.6) for all `offsets` of the file at `path`; dropping the descriptor detaches. `pid` 0 means every process.
pub fn link_uprobe_multi(
    program: BorrowedFd<'_>,
    path: &CStr,
    offsets: &[u64],
    cookies: &[u64],
    pid: u32,
) -> io::Result<OwnedFd> {
    debug_assert_eq!(offsets.len(), cookies.len());
    let mut attr = zeroed();
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    attr.link_create.attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
    // SAFETY: this attach type uses this member of the union.
    let multi = unsafe { &mut attr.link_create.__bindgen_anon_3.uprobe_multi };
    multi.path = path.as_ptr() as u64;
    multi.offsets = offsets.as_ptr() as u64;
    multi.cookies = cookies.as_ptr() as u64;
    multi.cnt = u32::try_from(offsets.len()).map_err(io::Error::other)?;
    multi.pid = pid;
    bpf_fd(bpf_cmd::BPF_LINK_CREATE, &attr)
}

/// One uprobe as a perf event, with the program attached through a link that carries the cookie (Linux 5.15).
pub struct PerfUprobe {
    // The link goes first: dropping detaches the program before the event ends.
    _link: OwnedFd,
    _event: OwnedFd,
}

impl PerfUprobe {
    /// `pmu` is the number in /sys/bus/event_source/devices/uprobe/type. `pid` 0 means every process.
    pub fn attach(
        program: BorrowedFd<'_>,
        pmu: u32,
        path: &CStr,
        offset: u64,
        cookie: u64,
        pid: u32,
    ) -> io::Result<Self> {
        // SAFETY: a C struct of integers and unions of integers: all zeroes is a value.
        let mut event: perf_event_attr = unsafe { mem::zeroed() };
        event.type_ = pmu;
        event.size = mem::size_of::<perf_event_attr>() as u32;
        event.__bindgen_anon_3.config1 = path.as_ptr() as u64;
        event.__bindgen_anon_4.config2 = offset;
        let (pid, cpu) = match pid {
            0 => (-1, 0),
            pid => (pid as libc::c_int, -1),
        };
        // SAFETY: the kernel reads `size` bytes of `event` and the NUL-terminated path that it points to.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                std::ptr::from_ref(&event),
                pid,
                cpu,
                -1,
                PERF_FLAG_FD_CLOEXEC,
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = i32::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: the call succeeded and returns a new descriptor that nobody else owns.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut attr = zeroed();
        attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
        attr.link_create.__bindgen_anon_2.target_fd = event.as_raw_fd() as u32;
        attr.link_create.attach_type = bpf_attach_type::BPF_PERF_EVENT as u32;
        attr.link_create.__bindgen_anon_3.perf_event.bpf_cookie = cookie;
        let link = bpf_fd(bpf_cmd::BPF_LINK_CREATE, &attr)?;
        Ok(Self {
            _link: link,
            _event: event,
        })
    }
}

/// An instruction of zeroes.
pub(crate) fn no_instruction() -> bpf_insn {
    // SAFETY: bpf_insn is a C struct of integers: all zeroes is a value.
    unsafe { mem::zeroed() }
}
