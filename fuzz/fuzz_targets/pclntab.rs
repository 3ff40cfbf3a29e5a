//! Function tables, module data and code of any content.
#![no_main]

use gobinary::Executable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(executable) = Executable::parse(harness::with_tables(input)) {
        harness::ask(&executable);
    }
});
