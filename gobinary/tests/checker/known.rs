//! What is known of values on a path: which places hold the same one, and which values are no nil pointers.

use std::collections::BTreeMap;

use iced_x86::Register;

/// Where a value is: a register, or a word of the frame by its distance from the return address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Register(Register),
    Slot(i64),
}

/// Values by place; those that are not nil. Numbers are given in the order of places, so that equal knowledge is equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    values: BTreeMap<Place, (u32, bool)>,
}

impl Known {
    pub fn is_sure(&self, place: Place) -> bool {
        self.values.get(&place).is_some_and(|(_, sure)| *sure)
    }

    pub fn forget(&mut self, forgets: impl Fn(Place) -> bool) {
        self.values.retain(|place, _| !forgets(*place));
    }

    /// A value that nothing else is known to hold.
    pub fn set(&mut self, place: Place, sure: bool) {
        let fresh = self.values.values().map(|(number, _)| number + 1).max();
        self.values.insert(place, (fresh.unwrap_or(0), sure));
    }

    pub fn copy(&mut self, to: Place, from: Place) {
        if !self.values.contains_key(&from) {
            self.set(from, false);
        }
        self.values.insert(to, self.values[&from]);
    }

    /// The value there is not nil, wherever else it is.
    pub fn prove(&mut self, place: Place) {
        if !self.values.contains_key(&place) {
            self.set(place, true);
        }
        let (proven, _) = self.values[&place];
        for (number, sure) in self.values.values_mut() {
            *sure |= *number == proven;
        }
    }

    /// What both know.
    pub fn meet(&self, other: &Self) -> Self {
        let mut numbers = BTreeMap::new();
        let mut values = BTreeMap::new();
        for (place, (number, sure)) in &self.values {
            let Some((others, also)) = other.values.get(place) else {
                continue;
            };
            let next = numbers.len() as u32;
            let number = *numbers.entry((number, others)).or_insert(next);
            values.insert(*place, (number, *sure && *also));
        }
        Self { values }.plain()
    }

    /// Without what tells nothing, and with numbers in order.
    pub fn plain(&self) -> Self {
        let mut count: BTreeMap<u32, usize> = BTreeMap::new();
        for (number, _) in self.values.values() {
            *count.entry(*number).or_default() += 1;
        }
        let mut numbers = BTreeMap::new();
        let mut values = BTreeMap::new();
        for (place, (number, sure)) in &self.values {
            if *sure || count[number] > 1 {
                let next = numbers.len() as u32;
                values.insert(*place, (*numbers.entry(*number).or_insert(next), *sure));
            }
        }
        Self { values }
    }
}
