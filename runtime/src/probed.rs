//! The code in which probes stand, as it was when they came.
//!
//! A file that was written to has another size or time of modification, unless that is put back (`touch -r`, `cp -p`, `rsync -t`). The time of
//! change cannot be put back, but chmod, chown and links are changes too. So the code is read again then, as it is in the file: the kernel puts
//! probes into copies of its pages, one for each process. Whole pages are compared, since a probed instruction is often a single byte,
//! which another build may have there by chance.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    hash::{DefaultHasher, Hasher},
    io,
};

use compiler::plan::Site;

use crate::{Binary, Error};

const PAGE: usize = 4096;

/// Pages of one file, each with a hash of what was in it.
#[derive(Default)]
pub(crate) struct Probed(BTreeMap<u64, u64>);

impl Probed {
    /// Takes in the pages of further sites, whose instructions have to be what the plan found: a probe inside another one would kill the
    /// target.
    pub(crate) fn add(&mut self, binary: &Binary, sites: &[Site]) -> Result<(), Error> {
        for site in sites {
            let number = site.file_offset / PAGE as u64;
            if let Entry::Vacant(page) = self.0.entry(number) {
                page.insert(hash(binary, number).map_err(|error| Error::Read {
                    path: binary.path().to_owned(),
                    error,
                })?);
            }
            let mut found = [0; 16];
            let expected = site.bytes.get(..usize::from(site.len));
            let found = found.get_mut(..usize::from(site.len)).and_then(|found| {
                let read = binary.read_at(found, site.file_offset);
                (read.ok()? == found.len()).then_some(&*found)
            });
            if expected.is_none() || found != expected {
                return Err(Error::Changed {
                    path: binary.path().to_owned(),
                    address: site.address,
                });
            }
        }
        Ok(())
    }

    /// Whether the file still holds the same there.
    pub(crate) fn is_as_it_was(&self, binary: &Binary) -> bool {
        let mut pages = self.0.iter();
        pages.all(|(number, before)| hash(binary, *number).is_ok_and(|now| now == *before))
    }
}

fn hash(binary: &Binary, number: u64) -> io::Result<u64> {
    let mut page = [0; PAGE];
    let len = binary.read_at(&mut page, number * PAGE as u64)?;
    let mut hasher = DefaultHasher::new();
    hasher.write(page.get(..len).unwrap_or_default());
    Ok(hasher.finish())
}
