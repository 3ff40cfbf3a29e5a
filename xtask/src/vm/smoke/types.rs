//! Values of many types, on a program that says what they are.

use anyhow::{Error, Result, bail, ensure};
use gofuncgraph_tests::{
    tree,
    values::{self, Call},
};
use serde_json::Value;

/// Of `tests/programs/values`. A kernel without `uprobe_multi` takes long to detach from many sites.
const FUNCTIONS: [&str; 8] = [
    "main.ints",
    "main.words",
    "main.embedded",
    "main.onStack",
    "main.pointers",
    "main.maps",
    "main.fails",
    "main.events",
];

/// Which functions are traced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// [`FUNCTIONS`].
    Some,
    /// All of the program: some hundreds.
    All,
}

/// Calls of these functions, shown.
pub fn program(which: Which) -> String {
    match which {
        Which::Some => format!("trace {} < args; ret >", FUNCTIONS.join(", ")),
        Which::All => "trace main.round < include main.*; args; ret >".to_owned(),
    }
}

/// Compares with what the program has printed.
pub fn agree(which: Which, printed: &str, record: &str) -> Result<String> {
    let told = values::told(record).into_iter();
    let told: Vec<Call> = told
        .filter(|call| which == Which::All || FUNCTIONS.contains(&call.function.as_str()))
        .collect();
    ensure!(!told.is_empty(), "the program recorded nothing");
    let lines: Vec<Value> = printed.trim().lines().map(tree::parse).collect();
    let cells = values::cells("values", &told, &lines).map_err(Error::msg)?;
    let mut whole = 0;
    for cell in &cells {
        match &cell.seen {
            Ok(seen) => whole += usize::from(seen.is_whole()),
            Err(_) => bail!("{cell}"),
        }
    }
    let half = cells.len() / 2;
    ensure!(whole > half, "{whole} of {} values are whole", cells.len());
    Ok(format!("{} values, {whole} of them whole", cells.len()))
}
