//! Where a function is entered and left: the places for probes.
//!
//! A call must be seen once. The first instruction of most functions runs again after every growth of the stack, so that the entry
//! site is the one after the stack check; and a return probe would replace the return address that Go's stack copying must find, so
//! that the exit sites are the `ret` instructions themselves and jumps to other functions. Both are found by disassembling the
//! function; whatever looks unusual makes it unprobeable, with the reason, rather than a source of wrong graphs.

use crate::Executable;
use crate::code::body::Body;
use crate::code::policy;
use crate::code::site::{EntrySite, Sites, Unprobeable};
use crate::tables::function::Function;

impl Executable {
    /// Where to probe a function.
    ///
    /// # Errors
    ///
    /// When a probe there is unsafe, or calls would not be seen rightly.
    pub fn sites(&self, function: &Function<'_>) -> Result<Sites, Unprobeable> {
        match policy::denied(self, function) {
            Some(reason) => Err(reason),
            None => self.sites_unchecked(function),
        }
    }

    /// Where a function is entered and left, also where a probe is unsafe by what the function does (the runtime, FIPS).
    ///
    /// # Errors
    ///
    /// When calls would not be seen rightly, or the kernel would refuse.
    pub fn sites_unchecked(&self, function: &Function<'_>) -> Result<Sites, Unprobeable> {
        Body::decode(self, function)?.sites()
    }

    /// The entry of a runtime function that is safe to probe on its own, such as `runtime.deferreturn` or `runtime.goexit1`.
    #[must_use]
    pub fn runtime_point(&self, name: &str) -> Option<(Function<'_>, EntrySite)> {
        let function = self.function_named(name)?;
        let body = Body::decode(self, &function).ok()?;
        body.entry(body.check()).ok().map(|entry| (function, entry))
    }
}
