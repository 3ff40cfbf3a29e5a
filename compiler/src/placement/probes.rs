//! What was found in each selected function: where it can be probed, once for all traces of a program.

use std::collections::{BTreeSet, HashSet};

use ebpf_templates::Cookie;
use gobinary::{CheaperSites, EntrySite, Executable, Function, Sites, TlsPlace};
use rayon::prelude::*;

use crate::{
    placement::{preference::Placement, site::Skipped},
    select::{Selection, catalog::Catalog},
};

/// Where one function can be probed.
pub(crate) struct Probe {
    pub sites: Sites,
    /// Nothing where returns are watched at each `ret`.
    pub cheaper: CheaperSites,
}

impl Probe {
    /// Where calls are seen to begin, in every trace.
    pub fn entry(&self) -> &EntrySite {
        self.cheaper.entry.as_ref().unwrap_or(&self.sites.entry)
    }
}

/// All selected functions.
pub(crate) struct Probes {
    /// By index into the catalog's functions, ascending.
    found: Vec<(u32, Result<Probe, String>)>,
}

impl Probes {
    /// Disassembles all selected functions.
    ///
    /// Those `in_place` are entered where their arguments are in their places.
    pub fn find(
        catalog: &Catalog<'_>,
        selections: &[Selection],
        placement: Placement,
        in_place: &BTreeSet<u32>,
    ) -> Self {
        let mut selected: Vec<u32> = selections
            .iter()
            .flat_map(|selection| &selection.shown)
            .copied()
            .collect();
        selected.sort_unstable();
        selected.dedup();
        let mut found: Vec<(u32, Result<Probe, String>)> = selected
            .into_par_iter()
            .filter_map(|index| {
                let function = catalog.get(index)?;
                let mut found = probe(catalog.executable, function, placement);
                if let Ok(found) = &mut found
                    && in_place.contains(&index)
                {
                    found.cheaper.entry = None;
                }
                Some((index, found))
            })
            .collect();
        // A damaged table may give two functions the same code; a site belongs to one.
        let mut taken = HashSet::new();
        for (_, result) in &mut found {
            if let Ok(probe) = result {
                let addresses: Vec<u64> = probe.addresses().collect();
                if addresses.iter().any(|address| taken.contains(address)) {
                    *result = Err("its code is also another function's".to_owned());
                } else {
                    taken.extend(addresses);
                }
            }
        }
        Self { found }
    }

    pub fn get(&self, index: u32) -> Option<&Result<Probe, String>> {
        let at = self
            .found
            .binary_search_by_key(&index, |(index, _)| *index)
            .ok()?;
        self.found.get(at).map(|(_, found)| found)
    }

    /// Those that can be probed, by ascending index.
    pub fn usable(&self) -> impl Iterator<Item = (u32, &Probe)> {
        self.found
            .iter()
            .filter_map(|(index, found)| Some((*index, found.as_ref().ok()?)))
    }

    pub fn skipped(&self, catalog: &Catalog<'_>) -> Vec<Skipped> {
        self.found
            .iter()
            .filter_map(|(index, found)| {
                let reason = found.as_ref().err()?.clone();
                Some(Skipped {
                    name: catalog.get(*index)?.source_name().into_owned(),
                    reason,
                })
            })
            .collect()
    }
}

impl Probe {
    /// Is there a place at which R14 does not hold g?
    fn needs_tls(&self) -> bool {
        self.sites.entry.g_from_tls || self.sites.exits.iter().any(|exit| exit.g_from_tls)
    }

    /// Every place that may get a probe.
    fn addresses(&self) -> impl Iterator<Item = u64> {
        let edges = self.cheaper.exits.iter().flat_map(|exit| &exit.edges);
        let entries = [
            Some(self.sites.entry.address),
            self.cheaper.entry.map(|entry| entry.address),
        ];
        self.sites
            .exits
            .iter()
            .map(|exit| exit.address)
            .chain(edges.map(|edge| edge.site))
            .chain(entries.into_iter().flatten())
    }
}

/// Finds a function's sites, and checks what packing a cookie and attaching need of every one.
fn probe(
    executable: &Executable,
    function: &Function<'_>,
    placement: Placement,
) -> Result<Probe, String> {
    let (sites, cheaper) = match placement {
        Placement::Returns => executable
            .sites(function)
            .map(|sites| (sites, CheaperSites::default())),
        Placement::Cheapest(_) => executable.all_sites(function),
    }
    .map_err(|reason| reason.to_string())?;
    let exits = sites.exits.iter().map(|exit| exit.address);
    if exits.collect::<HashSet<u64>>().len() != sites.exits.len() {
        return Err("it is left twice at one instruction".to_owned());
    }
    let mut probe = Probe { sites, cheaper };
    if probe.needs_tls() {
        let slot = executable.tls_slot().map_err(|error| error.to_string())?;
        if matches!(slot.place, TlsPlace::Got(_)) {
            // Where the executable is loaded is told from where the site is, so it must be where its cookie says.
            probe.cheaper = CheaperSites::default();
        }
    }
    for address in probe.addresses() {
        if offset_in(function, address).is_none() {
            return Err("it is too large".to_owned());
        }
        if executable.file_offset(address).is_none() {
            return Err("its code is not in the file".to_owned());
        }
    }
    Ok(probe)
}

/// Bytes from a function's first instruction to an address in it, if a cookie can hold them.
pub(crate) fn offset_in(function: &Function<'_>, address: u64) -> Option<u32> {
    let offset = address
        .checked_sub(function.entry)
        .and_then(|offset| u32::try_from(offset).ok())?;
    (offset < Cookie::OFFSETS).then_some(offset)
}
