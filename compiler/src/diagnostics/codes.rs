//! Every diagnostic code: what it is called, how grave it is. `docs/diagnostics.md` explains each; a test compares the two.
//!
//! Codes are stable: one that is retired is never given to something else. E01xx is syntax (the crate `grammar` finds these), E02xx
//! names and patterns, E03xx clauses and values, E04xx facts about the executable, E05xx expressions; W and N are warnings and notes in the same ranges.

use crate::diagnostics::severity::Severity;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    id: &'static str,
    title: &'static str,
}

impl Code {
    /// `E0201`
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.id
    }

    /// A few words, the heading in `docs/diagnostics.md`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// How grave: it is in the first letter.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self.id.as_bytes().first() {
            Some(b'W') => Severity::Warning,
            Some(b'N') => Severity::Note,
            _ => Severity::Error,
        }
    }
}

macro_rules! codes {
    ($($name:ident = $id:literal $title:literal;)*) => {
        $(pub(crate) const $name: Code = Code { id: $id, title: $title };)*

        /// The codes that this crate finds itself.
        pub const CODES: &[Code] = &[$($name),*];
    };
}

codes! {
    NOTHING_TO_TRACE = "E0201" "nothing to trace";
    UNKNOWN_SET = "E0202" "unknown set";
    SET_CYCLE = "E0203" "set that contains itself";
    DECLARED_TWICE = "E0204" "name declared twice";
    BUILT_IN_SET = "E0205" "built-in set redefined";
    TARGET_TWICE = "E0206" "target given twice";
    MALFORMED_PATTERN = "E0207" "malformed pattern";
    ARGUMENT_LIST = "E0208" "argument list in a pattern";
    UNKNOWN_PARAM = "E0209" "unknown parameter";
    TOO_MANY_TRACES = "E0210" "too many traces";
    UNKNOWN_AGGREGATION = "E0211" "unknown aggregation";

    CLAUSE_TWICE = "E0301" "clause given twice";
    WRONG_TYPE = "E0302" "value of the wrong type";
    MISSING_UNIT = "E0303" "missing unit";
    OUT_OF_RANGE = "E0304" "value out of range";
    MIN_ABOVE_MAX = "E0305" "min above max";
    SAMPLE_NUMERATOR = "E0306" "sample is one of N";
    NO_VALUE = "E0307" "parameter without a value";
    DEFAULT_MISFIT = "E0308" "default of another type";
    UNKNOWN_TYPE = "E0309" "unknown type";
    UNDECLARED_DEFINE = "E0310" "-D for a parameter that is not declared";
    DEFINE_MISFIT = "E0311" "-D value of another type";
    COMM_TOO_LONG = "E0312" "thread name too long";
    TOO_MANY_VALUES = "E0313" "too many values";
    CLAUSE_NOT_AVAILABLE = "E0314" "clause not available in this version";
    UNKNOWN_CLAUSE = "E0315" "unknown clause";
    UNKNOWN_SETTING = "E0316" "unknown setting";
    SETTING_TWICE = "E0317" "setting given twice";

    MATCHED_NOTHING = "E0401" "matched nothing";
    INLINED_AWAY = "E0402" "inlined away";
    NOT_PROBEABLE = "E0403" "cannot be probed";
    ALL_EXCLUDED = "E0404" "every target excluded";
    NO_GOID = "E0405" "goroutine id not found";
    TOO_MANY_FUNCTIONS = "E0406" "too many functions";

    UNKNOWN_NAME = "E0501" "unknown name";
    NO_SUCH_FIELD = "E0502" "no such field";
    UNLIKE_TYPES = "E0503" "unlike types compared";
    NOT_A_CONDITION = "E0504" "not a condition";
    OPERATOR_MISFIT = "E0505" "operator of other types";
    CONSTANT_MISFIT = "E0506" "constant that does not fit";
    OUT_OF_REACH = "E0507" "value out of reach";
    NO_TYPES = "E0508" "types not known";
    TOO_LARGE = "E0509" "expression too large";
    UNKNOWN_GO_TYPE = "E0510" "unknown type of Go";
    UNKNOWN_FUNCTION = "E0511" "unknown function";
    NOT_A_NUMBER = "E0512" "not a number of each call";
    NOT_A_KEY = "E0513" "not a key";
    KEYS_DIFFER = "E0514" "values of different types together";
    UNSUITABLE_STEPS = "E0515" "unsuitable steps of a histogram";

    BUILT_IN_TAKEN = "W0501" "built-in name taken by a parameter";
    REGULAR_EXPRESSION = "W0502" "regular expression where a glob stands";
    SHOWN_CONSTANT = "W0503" "constant shown";
    PRUNES_EVERYTHING = "W0301" "prune drops every call";
    INCLUDE_UNSEEN = "W0302" "include shows nothing";
    SHOWS_NOTHING = "W0303" "clause without effect";
    UNUSED = "W0201" "declared but not used";
    UNMATCHED = "W0401" "include or exclude matched nothing";
    PARTLY_INLINED = "W0402" "partly inlined";
    TARGETS_LEFT_OUT = "W0404" "targets left out";
    VALUES_LEFT_OUT = "W0405" "values left out";
    UNCLEAR_COPIES = "W0406" "copies of an unclear literal";
    NO_UNWIND_POINT = "W0403" "unwinding seen late";

    NEVER_RETURNS = "N0401" "never returns";
    TAIL_CALLS = "N0402" "leaves by a jump";
    NO_WILDCARD = "N0501" "glob without a wildcard";
    SOME_INLINED = "N0403" "some matches are also inlined";
    MODULES_BY_PATH = "N0405" "modules told by package paths";
    COPIES = "N0404" "copies of function literals";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut ids: Vec<_> = CODES.iter().map(|code| code.id()).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
        for id in ids {
            assert_eq!(id.len(), 5, "{id}");
            assert!(matches!(id.as_bytes()[0], b'E' | b'W' | b'N'), "{id}");
            assert!(id[1..].bytes().all(|byte| byte.is_ascii_digit()), "{id}");
        }
    }
}
