//! Post-order to pre-order.
//!
//! Calls arrive in the order in which they ended. Sorting them by their entry times alone would be wrong where the clock did not
//! advance between two entries, so the tree is taken from the order of arrival and the levels, which determine it exactly. Only
//! where calls were lost do the times decide: a call whose caller is missing then stands where it began.

use crate::tree::Call;

/// Reorders calls from the order of their ends to the order of their beginnings.
pub(crate) fn preorder(calls: Vec<Call>) -> Vec<Call> {
    let mut ordered = Vec::with_capacity(calls.len());
    // Read backwards, post-order is a pre-order that visits the last child first. `waiting` holds, for each ancestor of the current
    // call, where it stands and its finished children's subtrees are linked in front of each other.
    let none = usize::MAX;
    let mut first_child = vec![none; calls.len()];
    let mut next_sibling = vec![none; calls.len()];
    let mut first_root = none;
    let mut ancestors: Vec<usize> = Vec::new();
    for (index, call) in calls.iter().enumerate().rev() {
        while ancestors
            .last()
            .is_some_and(|&above| calls[above].level >= call.level)
        {
            ancestors.pop();
        }
        let head = match ancestors.last() {
            Some(&parent) => &mut first_child[parent],
            None => &mut first_root,
        };
        next_sibling[index] = std::mem::replace(head, index);
        ancestors.push(index);
    }

    let mut pending = Vec::new();
    let mut next = first_root;
    loop {
        while next != none {
            ordered.push(calls[next]);
            pending.push(next_sibling[next]);
            next = first_child[next];
        }
        match pending.pop() {
            Some(sibling) => next = sibling,
            None => break,
        }
    }
    // Already sorted, hence linear, unless calls were lost.
    ordered.sort_by_key(|call| call.start_ns);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Exit;

    fn call(function: u32, level: u32, start_ns: u64) -> Call {
        Call {
            function,
            level,
            start_ns,
            duration_ns: 0,
            caller_pc: 0,
            return_offset: None,
            exit: Exit::Return,
            missing: 0,
            hits: 0,
            stepped: 0,
            probe_ns: 0,
        }
    }

    fn functions(calls: Vec<Call>) -> Vec<u32> {
        preorder(calls).iter().map(|call| call.function).collect()
    }

    #[test]
    fn a_clock_that_stands_still_does_not_matter() {
        let calls = vec![
            call(2, 2, 7),
            call(1, 1, 7),
            call(4, 2, 7),
            call(3, 1, 7),
            call(0, 0, 7),
        ];
        assert_eq!(functions(calls), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn an_orphan_stands_where_it_began() {
        // Level 2's caller was lost; the call of level 1 that ended next began only afterwards.
        let calls = vec![call(1, 2, 10), call(2, 1, 20), call(0, 0, 0)];
        assert_eq!(functions(calls), [0, 1, 2]);
    }

    #[test]
    fn nothing_stays_nothing() {
        assert!(preorder(vec![]).is_empty());
    }
}
