//! Generated functions in the kernel: loaded behind a few instructions that hand them their arguments, and run.

#![allow(unsafe_code)]

use std::{
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use aya_obj::generated::{
    BPF_F_SLEEPABLE, bpf_attr, bpf_cmd, bpf_map_type, bpf_prog_info, bpf_prog_type,
};
use compiler::{
    codegen::{Event, Instruction, Verdict},
    ir::{self, Memory, Unreadable},
};

/// Words of a context: registers, then inputs.
const CONTEXT: usize = ir::REGISTERS + ir::INPUTS;

/// How the function is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As a program that can be run at will, and may sleep.
    Callable,
    /// As the probe program is: run by nobody here, but the verifier takes or refuses it as it will later.
    Probe,
}

/// Bytes that a capturing function can write to.
pub const ROOM: usize = 2048;

/// A loaded function.
pub struct Loaded {
    program: OwnedFd,
    /// Where it captures to.
    place: OwnedFd,
}

impl Loaded {
    /// Loads it; the verifier's log where the kernel refuses.
    pub fn new(function: &[Instruction], kind: Kind) -> Result<Self, String> {
        let place = place();
        let code = program(function, kind, &place);
        let mut attr = zeroed();
        // SAFETY: BPF_PROG_LOAD uses this member of the union.
        let fields = unsafe { &mut attr.__bindgen_anon_3 };
        fields.prog_type = match kind {
            Kind::Callable => bpf_prog_type::BPF_PROG_TYPE_SYSCALL,
            Kind::Probe => bpf_prog_type::BPF_PROG_TYPE_KPROBE,
        } as u32;
        if kind == Kind::Callable {
            fields.prog_flags = BPF_F_SLEEPABLE;
        }
        let license = c"Dual MIT/GPL";
        fields.license = license.as_ptr() as u64;
        fields.insns = code.as_ptr() as u64;
        fields.insn_cnt = code.len() as u32;
        if let Ok(fd) = bpf(bpf_cmd::BPF_PROG_LOAD, &attr) {
            return Ok(Self {
                program: owned(fd),
                place,
            });
        }
        let mut log = vec![0_u8; 16 << 20];
        // SAFETY: as above.
        let fields = unsafe { &mut attr.__bindgen_anon_3 };
        fields.log_level = 1;
        fields.log_buf = log.as_mut_ptr() as u64;
        fields.log_size = log.len() as u32;
        let result = bpf(bpf_cmd::BPF_PROG_LOAD, &attr).map(owned);
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        let log = String::from_utf8_lossy(&log[..end]);
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(60)..].join("\n");
        Err(format!("{result:?}\n{log}"))
    }

    /// Runs a function that decides.
    pub fn run(&self, event: &Event) -> Verdict {
        match self.call(event) {
            0 => Verdict::No,
            1 => Verdict::Yes,
            2 => Verdict::Undecided,
            other => panic!("{other} is no verdict"),
        }
    }

    /// Runs a function that captures; tells how much it says it was.
    pub fn capture(&self, event: &Event) -> (u32, Vec<u8>) {
        let mut bytes = vec![0_u8; ROOM];
        let key = 0_u32;
        let mut attr = zeroed();
        // SAFETY: these commands use this member of the union.
        let fields = unsafe { &mut attr.__bindgen_anon_2 };
        fields.map_fd = self.place.as_raw_fd() as u32;
        fields.key = std::ptr::from_ref(&key) as u64;
        fields.__bindgen_anon_1.value = bytes.as_mut_ptr() as u64;
        bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &attr).expect("the place can be cleared");
        let size = self.call(event);
        bpf(bpf_cmd::BPF_MAP_LOOKUP_ELEM, &attr).expect("the place can be read");
        (size, bytes)
    }

    fn call(&self, event: &Event) -> u32 {
        let mut context: Vec<u64> = event.registers.to_vec();
        context.extend(event.inputs);
        assert_eq!(context.len(), CONTEXT);
        let mut attr = zeroed();
        attr.test.prog_fd = self.program.as_raw_fd() as u32;
        // SAFETY: BPF_PROG_TEST_RUN uses this member of the union.
        let fields = unsafe { &mut attr.test };
        fields.ctx_in = context.as_mut_ptr() as u64;
        fields.ctx_size_in = (CONTEXT * 8) as u32;
        bpf(bpf_cmd::BPF_PROG_TEST_RUN, &attr).expect("the program runs");
        // SAFETY: the kernel has written it.
        unsafe { attr.test.retval }
    }

    /// Instructions that the verifier has followed.
    pub fn verified(&self) -> u32 {
        let mut info: bpf_prog_info = plain();
        let mut attr = zeroed();
        attr.info.bpf_fd = self.program.as_raw_fd() as u32;
        attr.info.info_len = mem::size_of::<bpf_prog_info>() as u32;
        attr.info.info = std::ptr::from_mut(&mut info) as u64;
        bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &attr).expect("the program has an info");
        info.verified_insns
    }
}

/// Our own memory, as the kernel reads it for others.
pub struct OwnMemory;

impl Memory for OwnMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let to = libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        };
        let from = libc::iovec {
            iov_base: address as *mut libc::c_void,
            iov_len: buffer.len(),
        };
        // SAFETY: it writes at most `iov_len` bytes to `buffer`, and checks the other address itself.
        let read = unsafe {
            libc::process_vm_readv(std::process::id().cast_signed(), &to, 1, &from, 1, 0)
        };
        if read == buffer.len() as isize {
            Ok(())
        } else {
            Err(Unreadable)
        }
    }
}

/// Pages of which one cannot be read: between the first two and the last.
pub struct Pages(*mut libc::c_void);

pub const PAGE: usize = 4096;
/// Bytes that can be read before the hole.
pub const READABLE: usize = 2 * PAGE;

impl Pages {
    pub fn new() -> Self {
        // SAFETY: a new anonymous mapping; of it, one page is made unreadable.
        unsafe {
            let address = libc::mmap(
                std::ptr::null_mut(),
                4 * PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(address, libc::MAP_FAILED);
            address.cast::<u8>().add(3 * PAGE).write(1);
            let hole = address.cast::<u8>().add(READABLE);
            assert_eq!(libc::mprotect(hole.cast(), PAGE, libc::PROT_NONE), 0);
            Self(address)
        }
    }

    pub fn address(&self) -> u64 {
        self.0 as u64
    }

    pub fn fill(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= READABLE);
        // SAFETY: so many bytes are mapped and writable, and nobody borrows them.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.cast(), bytes.len()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nothing points there any more.
        unsafe { libc::munmap(self.0, 4 * PAGE) };
    }
}

/// A map with one value of so many bytes.
fn place() -> OwnedFd {
    let mut attr = zeroed();
    // SAFETY: BPF_MAP_CREATE uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_1 };
    fields.map_type = bpf_map_type::BPF_MAP_TYPE_ARRAY as u32;
    fields.key_size = 4;
    fields.value_size = ROOM as u32;
    fields.max_entries = 1;
    owned(bpf(bpf_cmd::BPF_MAP_CREATE, &attr).expect("a map can be made"))
}

/// The caller's instructions, and the function behind them.
fn program(function: &[Instruction], kind: Kind, place: &OwnedFd) -> Vec<u64> {
    let mut code = Vec::new();
    let mut push = |code_: u8, registers: u8, offset: i16, immediate: i32| {
        let [o0, o1] = offset.to_le_bytes();
        let [i0, i1, i2, i3] = immediate.to_le_bytes();
        code.push(u64::from_le_bytes([
            code_, registers, o0, o1, i0, i1, i2, i3,
        ]));
    };
    let frame = -8 * ir::INPUTS as i16;
    for number in 0..ir::INPUTS as i16 {
        let to = frame + 8 * number;
        if kind == Kind::Callable {
            // r0 = *(u64 *)(r1 + …); *(u64 *)(r10 + …) = r0
            push(0x79, 0x10, 8 * (ir::REGISTERS as i16 + number), 0);
            push(0x7b, 0x0a, to, 0);
        } else {
            push(0x7a, 0x0a, to, 0);
        }
    }
    push(0xbf, 0xa2, 0, 0); // r2 = r10
    push(0x07, 0x02, 0, i32::from(frame)); // r2 += …
    push(0x18, 0x23, 0, place.as_raw_fd()); // r3 = the address of the map's value
    push(0, 0, 0, 0);
    push(0x85, 0x10, 0, 1); // call the function, one instruction further on
    push(0x95, 0, 0, 0); // exit
    let function = function.iter().map(|i| u64::from_le_bytes(i.bytes()));
    code.extend(function);
    code
}

/// A C struct of integers with every field 0.
fn plain<T>() -> T {
    // SAFETY: used for structs and unions of integers only, for which all zeroes is a value.
    unsafe { mem::zeroed() }
}

fn zeroed() -> bpf_attr {
    plain()
}

fn bpf(command: bpf_cmd, attr: &bpf_attr) -> io::Result<i32> {
    // SAFETY: the kernel reads and writes `attr`, which is that large, and what the callers point to from there.
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
        i32::try_from(result).map_err(io::Error::other)
    }
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the system call has just returned it, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
