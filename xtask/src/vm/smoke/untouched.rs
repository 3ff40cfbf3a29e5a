//! Values in memory that the program has not touched: the program may wait for it, and other threads run meanwhile.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::printed::{complete, parse};

/// For `tests/programs/untouched pages`.
pub const PROGRAM: &str = "trace main.outer < include main.inner; args; ret >";

/// Compares each call's texts with its number, and the calls with what the program has printed.
pub fn agree(printed: &str, record: &str) -> Result<String> {
    let lines = complete(printed)?;
    let said = parse(record).context("what the program printed")?;
    let graphs = || lines.iter().filter(|line| line["type"] == "graph");
    ensure!(
        said["calls"] == graphs().count() && said["absent"].as_u64() > Some(0),
        "{} graphs, and the program said {said}",
        graphs().count()
    );
    for graph in graphs() {
        let outer = &graph["root"];
        for call in [outer, &outer["calls"][0]] {
            let number = call["args"][0]["value"].as_u64().context("no number")?;
            let (text, back) = (format!("text-{number:08}"), format!("back-{number:08}"));
            let values = [&call["args"][1], &call["args"][2], &call["results"][0]];
            let values = values.map(|value| &value["value"]);
            ensure!(
                values == [&json!(text), &json!(back), &json!(back)],
                "call {number} has {values:?}"
            );
        }
    }
    Ok(format!("{} graphs", graphs().count()))
}
