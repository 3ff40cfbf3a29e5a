//! What is traced: a file, and what a program makes of it. It can be planned anew.

use anyhow::anyhow;
use compiler::{Diagnostic, Plan, Source};
use gobinary::Executable;
use runtime::Binary;

/// After so many refusals a tenth is left for values: it is something else that is too large.
const MOST_TOO_LARGE: u32 = 8;

/// An executable or a library, and the plan for it.
pub struct Traced {
    /// It is a library, which processes load.
    pub is_library: bool,
    /// The open file.
    pub binary: Binary,
    /// What it says of itself.
    pub executable: Executable,
    /// What to probe.
    pub plan: Plan,
    /// The program.
    pub source: Source,
    /// Values of its parameters.
    pub defines: Vec<(String, String)>,
    /// What the plan was made with.
    pub options: compiler::Options,
}

impl Traced {
    /// The same plan without some functions: index of the trace, id of the function.
    ///
    /// # Errors
    /// The program has errors without them.
    pub fn plan_without(&self, without: Vec<(u32, u32)>) -> anyhow::Result<Plan> {
        let options = compiler::Options {
            without,
            ..self.options.clone()
        };
        Ok(self.compile(&options)?.0)
    }

    /// Plans anew with less code for values, which the kernel's verifier has refused as too large, and says what is left out. `None` where
    /// there is nothing that could be.
    ///
    /// # Errors
    /// The program has errors.
    pub fn shrink(&mut self) -> anyhow::Result<Option<Vec<Diagnostic>>> {
        let before = captured_code(&self.plan);
        if before == 0 {
            return Ok(None);
        }
        while self.options.too_large < MOST_TOO_LARGE {
            self.options.too_large += 1;
            let (plan, mut diagnostics) = self.compile(&self.options)?;
            if captured_code(&plan) < before {
                diagnostics.retain(Diagnostic::leaves_values_out);
                self.plan = plan;
                return Ok(Some(diagnostics));
            }
        }
        Ok(None)
    }

    fn compile(&self, options: &compiler::Options) -> anyhow::Result<(Plan, Vec<Diagnostic>)> {
        compiler::compile(&self.source, &self.defines, &self.executable, options)
            .map_err(|_| anyhow!("the program has errors"))
    }
}

/// Instructions that take values.
fn captured_code(plan: &Plan) -> usize {
    let code = plan.traces.iter().map(|trace| &trace.code);
    let captures = code.flat_map(|code| [&code.arguments, &code.results]);
    let captures = captures.flatten();
    captures.map(|code| code.instructions.len()).sum()
}
