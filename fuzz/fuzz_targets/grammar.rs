//! Any text gives a tree and a list of mistakes; what is right is printed and formatted so that it means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = grammar::parse(text);
    for error in &parsed.errors {
        assert!(text.get(error.span.clone()).is_some(), "{:?}", error.span);
    }
    if parsed.errors.is_empty() {
        let printed = grammar::print(&parsed.program);
        let again = grammar::parse(&printed);
        assert!(again.errors.is_empty(), "{printed:?}: {:?}", again.errors);
        assert_eq!(grammar::print(&again.program), printed);
        if let Ok(formatted) = grammar::format(text) {
            assert!(
                grammar::parse(&formatted).errors.is_empty(),
                "{formatted:?}"
            );
        }
    }
});
