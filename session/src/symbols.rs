//! Names and source positions for the renderers, from the plan and the executable.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use compiler::{
    capture::resolved as resolved_by,
    plan::Plan,
    shape::{ShownCall, ShownValue},
};
use gobinary::{BuildInfo, Executable};
use graph::{Graph, Moment};
use render::{RuntimeType, Site, Symbols};
use runtime::Binary;

use crate::{dynamic::DynamicTypes, neighbours::Neighbours};

/// Names of a plan's functions, and of what stands in their executable.
pub trait Names: Symbols {
    /// The full name of the function that a link-time address is in, or right behind.
    fn function_before(&self, address: u64) -> Option<String>;
}

/// Load biases are multiples of it.
const PAGE: u64 = 4096;

/// Looks up in one plan and one executable.
pub struct BinarySymbols<'a> {
    plan: &'a Plan,
    executable: &'a Executable,
    /// The same few call sites come up again and again; looking one up walks through the executable's tables.
    sites: RefCell<HashMap<(u64, bool), Site>>,
    types: DynamicTypes<'a>,
    /// Values of generic code, with the dictionary's link-time address.
    resolved: RefCell<HashMap<(Value, u64), Resolved>>,
    neighbours: Neighbours,
}

/// A value that is shown: trace, function, moment and number.
type Value = (u32, u32, Moment, usize);

/// By the type that a dictionary has, if it has one.
type Resolved = Option<Arc<ShownValue>>;

/// Dictionaries are few, unless what was taken for their addresses is none.
const MAX_RESOLVED: usize = 1 << 16;

impl<'a> BinarySymbols<'a> {
    /// Symbols of the plan's functions and of any address in the executable.
    pub fn new(plan: &'a Plan, executable: &'a Executable, binary: &Binary) -> Self {
        Self {
            plan,
            executable,
            sites: RefCell::default(),
            types: DynamicTypes::new(executable),
            resolved: RefCell::default(),
            neighbours: Neighbours::new(binary),
        }
    }

    /// What stands at a link-time address. A return address belongs to the call before it.
    fn site(&self, address: u64, is_return_address: bool) -> Site {
        let mut sites = self.sites.borrow_mut();
        let site = sites
            .entry((address, is_return_address))
            .or_insert_with(|| look_up(self.executable, address, is_return_address));
        site.clone()
    }

    /// The link-time address of what is at an address of the graph's process.
    fn link_time(&self, graph: &Graph, address: u64) -> Option<u64> {
        Some(address.wrapping_sub(self.bias(graph)?))
    }

    /// What has to be subtracted from an address of the graph's process to get the link-time address, if it is known.
    fn bias(&self, graph: &Graph) -> Option<u64> {
        if !self.executable.is_pie() {
            return Some(0);
        }
        let entry_site = |id: u32| self.plan.functions.get(id as usize).map(|f| f.entry_site);
        if let Some(root) = graph.root() {
            return Some(graph.entry_ip.wrapping_sub(entry_site(root.function)?));
        }
        // The end of the graph was lost, and with it the target's own call: only the place in the page is known.
        let trace = self.plan.traces.get(graph.trace as usize)?;
        only_bias(
            graph.entry_ip,
            trace.targets.iter().filter_map(|id| entry_site(*id)),
        )
    }

    /// A call site in another file of the process.
    fn elsewhere(&self, graph: &Graph, address: u64) -> Option<Site> {
        let ran = self.link_time(graph, graph.entry_ip)?;
        let known = (graph.entry_ip, self.executable.file_offset(ran)?);
        // A return address may be right behind the last instruction that is mapped.
        let call = address.checked_sub(1)?;
        let (executable, link_time) = self.neighbours.at(graph.pid, call, known)?;
        let site = look_up(&executable, link_time.checked_add(1)?, true);
        (!site.function.is_empty()).then_some(site)
    }
}

fn look_up(executable: &Executable, address: u64, is_return_address: bool) -> Site {
    let Some(function) = executable.function_at(address) else {
        return Site {
            offset: address,
            ..Site::default()
        };
    };
    let lookup = if is_return_address {
        address.saturating_sub(1)
    } else {
        address
    };
    let mut site = Site {
        function: function.source_name().into_owned(),
        offset: address - function.entry,
        ..Site::default()
    };
    // The line belongs to the innermost inlined call, and so does the package that the file is in.
    if let Some(inner) = executable.inline_frames(lookup).first() {
        let file = inner.file.unwrap_or_default();
        site.file = file.to_owned();
        site.line = inner.line.unwrap_or(0);
        site.short_file = short_file(executable, inner.name, file);
    }
    site
}

impl Names for BinarySymbols<'_> {
    fn function_before(&self, address: u64) -> Option<String> {
        let function = self.executable.function_at(address.checked_sub(1)?)?;
        Some(function.source_name().into_owned())
    }
}

impl Symbols for BinarySymbols<'_> {
    fn trace_label(&self, trace: u32) -> &str {
        self.plan
            .traces
            .get(trace as usize)
            .map_or("", |t| &t.label)
    }

    fn function(&self, id: u32) -> &str {
        self.plan
            .functions
            .get(id as usize)
            .map_or("?", |f| &f.name)
    }

    fn call_site(&self, graph: &Graph, address: u64) -> Site {
        match self.link_time(graph, address) {
            Some(own) => {
                let site = self.site(own, true);
                let is_own = self.executable.file_offset(own.wrapping_sub(1)).is_some();
                if site.function.is_empty() && !is_own {
                    return self.elsewhere(graph, address).unwrap_or(site);
                }
                site
            }
            None => Site {
                offset: address,
                ..Site::default()
            },
        }
    }

    fn return_site(&self, function: u32, offset: u32) -> Site {
        match self.plan.functions.get(function as usize) {
            Some(function) => self.site(function.address + u64::from(offset), false),
            None => Site::default(),
        }
    }

    fn shown(&self, trace: u32, function: u32) -> Option<&ShownCall> {
        let trace = self.plan.traces.get(trace as usize)?;
        trace.shown.get(&function)
    }

    fn resolved(
        &self,
        graph: &Graph,
        function: u32,
        (moment, number): (Moment, usize),
        dictionary: u64,
    ) -> Option<Arc<ShownValue>> {
        let dictionary = self.link_time(graph, dictionary)?;
        let mut resolved = self.resolved.borrow_mut();
        if resolved.len() >= MAX_RESOLVED {
            resolved.clear();
        }
        let key = ((graph.trace, function, moment, number), dictionary);
        let value = resolved.entry(key).or_insert_with(|| {
            let shown = self.shown(graph.trace, function)?;
            let values = match moment {
                Moment::Arguments => &shown.arguments,
                Moment::Results => &shown.results,
            };
            let (types, value) = (self.types.types()?, values.get(number)?);
            resolved_by(types, value, dictionary, &self.plan.settings.values).map(Arc::new)
        });
        value.clone()
    }

    fn code(&self, graph: &Graph, address: u64) -> Option<String> {
        let address = self.link_time(graph, address)?;
        let function = self.executable.function_at(address)?;
        Some(function.source_name().into_owned())
    }

    fn runtime_type(&self, graph: &Graph, address: u64) -> Option<Arc<RuntimeType>> {
        self.types.at(self.link_time(graph, address)?)
    }
}

/// The load bias by which one of these link-time addresses is at `ip`, where there is only one such bias.
fn only_bias(ip: u64, addresses: impl IntoIterator<Item = u64>) -> Option<u64> {
    let addresses = addresses.into_iter();
    let mut biases = addresses
        .map(|address| ip.wrapping_sub(address))
        .filter(|bias| bias % PAGE == 0);
    let bias = biases.next()?;
    biases.all(|other| other == bias).then_some(bias)
}

/// A file named by its package: `net/http/server.go`, and within the main module from the module's root: `internal/log/log.go`.
pub fn short_file(executable: &Executable, function: &str, file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    let package = executable.package_of(function, file);
    let info = executable.build_info();
    let package = match info {
        // The main package's own path: `example.com/shop/cmd/server`.
        Some(info) if package == "main" => info.path.as_str(),
        _ => &*package,
    };
    let root = info
        .map(BuildInfo::main_root)
        .filter(|root| !root.is_empty());
    let dir = match root.and_then(|root| package.strip_prefix(root)) {
        Some("") => "",
        Some(rest) => rest.strip_prefix('/').unwrap_or(package),
        None if package == "main" || package == "command-line-arguments" => "",
        None => package,
    };
    if dir.is_empty() {
        base.to_owned()
    } else {
        format!("{dir}/{base}")
    }
}

#[cfg(test)]
mod tests {
    use super::only_bias;

    #[test]
    fn a_bias_is_not_guessed() {
        let bias = 0x5555_5555_4000;
        let at = |address| bias + address;
        assert_eq!(only_bias(at(0x1230), [0x1230]), Some(bias));
        // Only the places in their pages tell targets apart.
        assert_eq!(only_bias(at(0x1230), [0x1240, 0x1230, 0x2250]), Some(bias));
        assert_eq!(only_bias(at(0x1230), [0x1230, 0x1230]), Some(bias));
        assert_eq!(only_bias(at(0x1230), [0x1230, 0x5230]), None);
        assert_eq!(only_bias(at(0x1230), [0x1240]), None);
        assert_eq!(only_bias(at(0x1230), []), None);
    }
}
