//! What is wanted of the places at which functions are watched.

use crate::placement::prices::Prices;

/// Where functions are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// At each `ret`, and where arguments are still in their registers.
    Returns,
    /// Where it costs least at these prices.
    Cheapest(Prices),
}

impl Default for Placement {
    fn default() -> Self {
        Self::Cheapest(Prices::ESTIMATES)
    }
}
