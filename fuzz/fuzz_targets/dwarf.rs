//! DWARF of any content, of functions that are in order.
#![no_main]

use gobinary::Executable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let executable = Executable::parse(harness::with_dwarf(input));
    harness::ask_types(&executable.expect("the function table is in order"));
});
