#!/bin/sh
# Since Linux 6.13 the local variables of an eBPF uprobe program that may sleep change while it sleeps.
#
# One would think that what such a program keeps on its stack is there after bpf_copy_from_user has waited for a page. But frames of 64 bytes
# and more lie in memory that each processor has once (kernel/bpf/verifier.c, bpf_enable_priv_stack), and another thread that runs the same
# program on that processor meanwhile writes to them. A tail call keeps the frames on the thread's own stack, even one without a map in code
# that is never reached.
#
# Forty threads run through a uprobe on labs of their own C library, each with a page that has to come from the disk. Needs root, python3 and
# no packages. Exits with 1 where this is not so (any more).
set -eu
echo "Linux $(uname -r), $(python3 --version)"
echo "expected: the number is the same after the wait in all programs"
exec python3 - <<'PYTHON'
import ctypes, mmap, os, struct, tempfile, threading

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    attr = ctypes.create_string_buffer(bytes(attr), 160)
    result = libc.syscall(321, command, attr, 160)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def counters():
    attr = bytearray(160)
    struct.pack_into("<IIII", attr, 0, 2, 4, 16, 1)  # BPF_MAP_TYPE_ARRAY
    return bpf(0, attr)


def program(counters, never_called):
    """Keeps the thread's number on its stack while it waits for a page. Counts its runs, and those in which it has changed."""
    dead = [insn(0xB7), insn(0x15, 0, 0, 1, 0), insn(0x85, imm=12)]  # if 0 != 0: bpf_tail_call()
    code = (dead if never_called else []) + [
        insn(0x79, 7, 1, 112),  # r7 = ctx->di
        insn(0x85, imm=14),  # bpf_get_current_pid_tgid
        insn(0xBF, 6, 0),
        insn(0x7B, 10, 6, -128),  # *(fp - 128) = it
        insn(0xBF, 1, 10), insn(0x07, 1, imm=-8), insn(0xB7, 2, imm=8), insn(0xBF, 3, 7),
        insn(0x85, imm=148),  # bpf_copy_from_user(fp - 8, 8, di)
        insn(0x79, 8, 10, -128),
        insn(0x62, 10, 0, -16, 0),
        insn(0x18, 1, 1, 0, counters), insn(0),
        insn(0xBF, 2, 10), insn(0x07, 2, imm=-16),
        insn(0x85, imm=1),  # bpf_map_lookup_elem
        insn(0x15, 0, 0, 4, 0),
        insn(0xB7, 1, imm=1), insn(0xDB, 0, 1, 0),  # lock *value += 1
        insn(0x1D, 6, 8, 1), insn(0xDB, 0, 1, 8),  # lock *(value + 8) += 1 where it differs
        insn(0xB7), insn(0x95),
    ]
    text = ctypes.create_string_buffer(b"".join(code))
    terms = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(1 << 16)
    attr = bytearray(160)
    struct.pack_into("<IIQQIIQII", attr, 0, 2, len(code), ctypes.addressof(text), ctypes.addressof(terms),
                     1, len(log), ctypes.addressof(log), 0, 1 << 4)  # BPF_PROG_TYPE_KPROBE, BPF_F_SLEEPABLE
    struct.pack_into("<I", attr, 68, 48)  # BPF_TRACE_UPROBE_MULTI
    try:
        return bpf(5, attr)
    except OSError:
        raise SystemExit(log.value.decode())


def attach(program):
    """To labs of the C library, in this process."""
    address = ctypes.cast(libc.labs, ctypes.c_void_p).value
    for line in open("/proc/self/maps"):
        fields = line.split()
        begin, end = (int(x, 16) for x in fields[0].split("-"))
        if begin <= address < end:
            path = ctypes.create_string_buffer(fields[5].encode())
            offsets = ctypes.c_uint64(address - begin + int(fields[2], 16))
    attr = bytearray(160)
    struct.pack_into("<III", attr, 0, program, 0, 48)
    struct.pack_into("<QQQQIII", attr, 16, ctypes.addressof(path), ctypes.addressof(offsets), 0, 0, 1, 0, os.getpid())
    return bpf(28, attr)


def changed(never_called):
    count = counters()
    link = attach(program(count, never_called))
    pages, apart = 400, 65536
    with tempfile.TemporaryFile(dir="/var/tmp") as file:
        for n in range(pages):
            file.seek(n * apart)
            file.write(b"x" * 4096)
        file.truncate(pages * apart)
        file.flush()
        os.fsync(file.fileno())
        mapped = mmap.mmap(file.fileno(), pages * apart)
        mapped.madvise(mmap.MADV_RANDOM)
        mapped.madvise(mmap.MADV_DONTNEED)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        base = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        labs = libc.labs
        labs.argtypes, labs.restype = [ctypes.c_long], ctypes.c_long
        threads = [threading.Thread(target=lambda n=n: [labs(base + m * apart) for m in range(n, pages, 40)])
                   for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    os.close(link)
    key, value = ctypes.c_uint32(0), ctypes.create_string_buffer(16)
    attr = bytearray(160)
    struct.pack_into("<IIQQ", attr, 0, count, 0, ctypes.addressof(key), ctypes.addressof(value))
    bpf(1, attr)
    return struct.unpack("<QQ", value.raw)


wrong = {}
for never_called in (False, True):
    calls, wrong[never_called] = changed(never_called)
    kind = "with" if never_called else "without"
    print(f"seen: {kind} a tail call that never happens it had changed in {wrong[never_called]} of {calls}")
raise SystemExit(0 if wrong[False] and not wrong[True] else 1)
PYTHON
